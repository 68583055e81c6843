"""Two processes learn what one does that adds up twice the gradients: both see the same windows and noise."""

import os
import subprocess
import sys

import pytest
import torch

from motionweave.train.run import run_recipe
from motionweave.train.tuning_log import read_rows

LEARN = """
import sys
from pathlib import Path
import torch
from motionweave.train import tuning_loop
from motionweave.train.run import run_recipe

torch.set_num_threads(1)
tuning_loop.HELD_OUT = 2
run_recipe(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2]))
"""


def written(recipe, folder, **loop):
    folder.mkdir()
    path = folder / "mine.yaml"
    path.write_text(recipe(loop={"steps": 6, "learning_rate": 1e-3, "sample_every": 6, **loop}).model_dump_json())
    return path


def test_two_processes_learn_what_one_does_with_twice_the_gradients(recipe, tmp_path):
    one = written(recipe, tmp_path / "one", accumulate=2)
    alone = torch.load(run_recipe(one, one.parent, one.parent).parent / "run-mine/state.pt", weights_only=True)

    two = written(recipe, tmp_path / "two")
    script = two.parent / "learn.py"
    script.write_text(LEARN)
    # As accelerate launches where there are several cards; without any, it would start a single process.
    words = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node=2",
        script,
        two,
        two.parent,
    ]
    here = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(words, env=here, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    both = torch.load(two.parent / "run-mine/state.pt", weights_only=True)
    assert both["step"] == alone["step"] == 6
    for name, value in both["trained"].items():
        # Six steps of 1e-3 each; sums in another order are all that may differ.
        assert torch.allclose(value, alone["trained"][name], atol=1e-4), name
    losses = [
        [value for _, name, value in read_rows(path.parent / "run-mine/losses.csv") if name == "loss"]
        for path in (one, two)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    rows = [row.split(",")[1] for row in (two.parent / "run-mine/losses.csv").read_text().split()]
    assert sorted(rows) == ["held_out", "held_out", "loss", "loss", "psnr_db", "ssim"]
    assert (two.parent / "tiny-pose/README.md").is_file()
