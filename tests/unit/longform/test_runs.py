"""Runs are listed, shown and cleaned by name; only their own files ever go."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.errors import InputError, MediaError
from motionweave.longform.plan import ChunkPlan
from motionweave.longform.runs import find_runs, list_runs, removable, remove
from motionweave.longform.store import ChunkStore, Take
from motionweave.types import Size

PLAN = ChunkPlan(12, Fraction(7), 4, 2, 4)


def make(folder: Path, chunks: int = 3, plan: ChunkPlan = PLAN) -> ChunkStore:
    store = ChunkStore(folder, plan, Size(16, 16))
    with store.writing():
        for index in range(chunks):
            store.save(index, "key", torch.rand(4, 3, 16, 16), torch.zeros(4, 4, 2, 2), 1.5)
        if chunks == len(plan):
            store.finish()
    return store


def retake(store: ChunkStore, index: int) -> None:
    store.save(index, "key", torch.rand(4, 3, 16, 16), torch.zeros(4, 4, 2, 2), 1.5, take=Take(1, 7))
    store.finish()


def names(files) -> list[str]:
    return [path.name for path in files]


def test_runs_tell_what_they_have_and_what_they_take(tmp_path):
    make(tmp_path / "whole")
    make(tmp_path / "half", chunks=2)
    (tmp_path / "cache").mkdir()
    found = {state.name: state for state in list_runs(tmp_path)}
    assert {name: (state.finished, state.planned) for name, state in found.items()} == {"whole": (3, 3), "half": (2, 3)}
    files = [path for path in (tmp_path / "whole").iterdir() if not path.name.startswith(".")]
    assert found["whole"].bytes == sum(path.stat().st_size for path in files)
    assert "3 of    3 chunks" in found["whole"].line()
    assert list_runs(tmp_path / "nothing") == ()


def test_an_unknown_name_is_refused_with_those_that_are_there(tmp_path):
    make(tmp_path / "whole")
    with pytest.raises(InputError, match=r"no run 'other' .*there are whole"):
        find_runs(tmp_path, ["other"])
    with pytest.raises(InputError, match=r"no run '\.\./whole'"):
        find_runs(tmp_path, ["../whole"])


def test_cleaning_takes_leftovers_and_what_a_shorter_plan_left_over(tmp_path):
    make(tmp_path / "run")
    shorter = make(tmp_path / "run", 2, ChunkPlan(8, Fraction(7), 4, 2, 4))
    (tmp_path / "run" / ".chunk-00001.0123abcd.part").write_bytes(b"half")
    (state,) = list_runs(tmp_path)
    spare = removable(state)
    assert names(spare) == [".chunk-00001.0123abcd.part", "chunk-00002.mkv", "chunk-00002.safetensors"]
    remove(state, spare)
    assert len(shorter.clips()) == 2


def test_cleaning_unused_takes_leaves_the_one_that_counts(tmp_path):
    store = make(tmp_path / "run")
    retake(store, 1)
    (state,) = list_runs(tmp_path)
    assert removable(state) == ()
    spare = removable(state, takes=True)
    assert names(spare) == ["chunk-00001.mkv", "chunk-00001.safetensors"]
    remove(state, spare)
    assert names(clip.path for clip in store.clips()) == [
        "chunk-00000.mkv",
        "chunk-00001-take-1.mkv",
        "chunk-00002.mkv",
    ]
    assert [record.take for record in store.takes(1, "key")] == [1]


def test_cleaning_a_finished_run_leaves_what_is_not_its_own(tmp_path):
    make(tmp_path / "whole")
    make(tmp_path / "mixed")
    make(tmp_path / "half", chunks=1)
    (tmp_path / "mixed" / "notes.txt").write_text("mine")
    (tmp_path / "mixed" / "chunk-00000.mkv.bak").write_text("mine")
    for state in list_runs(tmp_path):
        remove(state, removable(state, finished=True))
    assert not (tmp_path / "whole").exists()
    left = {path.name for path in (tmp_path / "mixed").iterdir()}
    assert left == {".lock", ".owner.json", "notes.txt", "chunk-00000.mkv.bak"}
    assert len(ChunkStore.reopen(tmp_path / "half").records()) == 1


def test_a_run_that_is_at_work_is_not_cleaned(tmp_path):
    store = make(tmp_path / "run")
    (state,) = list_runs(tmp_path)
    with store.writing(), pytest.raises(MediaError, match="is at work in this run directory"):
        remove(state, removable(state, finished=True))
    assert len(store.clips()) == 3


def test_the_command_lists_shows_and_asks_before_it_cleans(tmp_path):
    retake(make(tmp_path / "motionweave" / "run"), 1)

    def command(*words, answer=None):
        return CliRunner().invoke(app, ["runs", *words, "--output-dir", str(tmp_path)], input=answer)

    assert "3 of    3 chunks" in command("list").output
    assert json.loads(command("list", "--json").output)[0]["finished"] == 3
    assert "chunk-00001-take-1.mkv, takes 0, 1" in command("show", "run").output
    assert command("clean").output == "nothing to remove\n"
    asked = command("clean", "--takes", answer="n\n").output
    assert "run: 2 files" in asked
    assert "chunk-00001.mkv, chunk-00001.safetensors" in asked
    assert (tmp_path / "motionweave" / "run" / "chunk-00001.mkv").is_file()
    command("clean", "--takes", "--yes")
    assert not (tmp_path / "motionweave" / "run" / "chunk-00001.mkv").exists()
    missing = command("show", "other")
    assert missing.exit_code == 2
