"""A training that is killed outright goes on where it last saved, and ends as if nothing had been."""

import subprocess
import sys

import torch

from motionweave.train.run import run_recipe

KILLED = """
import os, sys
from itertools import count
from pathlib import Path
import torch
from motionweave.train import tuning_loop
from motionweave.train.run import run_recipe

own, draws = tuning_loop.draw, count()

def draw(*arguments):
    if next(draws) == 13:
        os.kill(os.getpid(), 9)
    return own(*arguments)

tuning_loop.draw = draw
torch.set_num_threads(int(sys.argv[3]))  # sums come out the same to the bit on as many threads only
run_recipe(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2]))
"""


def test_twenty_steps_are_ten_a_kill_and_ten_bit_for_bit(recipe, tmp_path):
    loop = {"steps": 20, "save_every": 10, "measure_every": 100, "ema": 0.9}
    made = recipe("light", fps=(4, 8), light={"hidden": 16}, loop=loop)
    path = tmp_path / "mine.yaml"
    path.write_text(made.model_dump_json())
    words = [sys.executable, "-c", KILLED, path, tmp_path / "killed", str(torch.get_num_threads())]
    killed = subprocess.run(words, check=False, timeout=300)
    assert killed.returncode != 0 and not (tmp_path / "killed/tiny-light").exists()
    assert torch.load(tmp_path / "killed/run-mine/state.pt", weights_only=True)["step"] == 10
    folders = [run_recipe(path, tmp_path / name, tmp_path / name) for name in ("killed", "whole")]
    first, second = ((folder / "diffusion_pytorch_model.safetensors").read_bytes() for folder in folders)
    assert first == second
    rows = [(tmp_path / name / "run-mine/losses.csv").read_text() for name in ("killed", "whole")]
    assert rows[0] == rows[1]
