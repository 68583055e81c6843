"""The example workflow, run as a person would run it, only shorter."""

import shutil
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.host.report import RunReport
from motionweave.host.run import RunOptions, run_workflow
from motionweave.media import probe_video, read_audio, read_clip, read_metadata
from motionweave.runtime import Folders

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "workflows" / "quickstart.json"

needs_mini = pytest.mark.skipif(
    not (ROOT / "mini" / "svd" / "motionweave.json").is_file(), reason="the bundled Mini is not in this checkout"
)


def run(folder: Path, *overrides: str, workflow: Path = QUICKSTART) -> RunReport:
    return run_workflow(workflow, RunOptions(Folders(folder / "input", folder / "output", folder / "temp"), overrides))


SHORT = ("Inputs.seconds=0.75", "Weave.steps=2", "Plan Chunks.chunk_frames=8")


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> RunReport:
    """A finished run; what it wrote is for looking only."""
    return run(tmp_path_factory.mktemp("first"), *SHORT)


@pytest.fixture
def again(first, tmp_path) -> Path:
    """The folder of that run, to go on in."""
    shutil.copytree(Path(first.outputs[0].path).parents[1], tmp_path / "again")
    return tmp_path / "again"


@needs_mini
def test_quickstart_makes_every_planned_frame_with_sound(first):
    (output,) = first.outputs
    info = probe_video(output.path)
    assert (info.frame_count, info.fps, info.has_audio) == (18, Fraction(24), True)
    audio = read_audio(output.path)
    assert audio is not None
    assert abs(audio.duration_s - Fraction(18, 24)) <= Fraction(1, audio.sample_rate)
    assert [chunk["reused"] for chunk in first.chunks] == [False] * 3


@needs_mini
def test_quickstart_run_again_makes_nothing_again(again):
    report = run(again, *SHORT)
    assert [chunk["reused"] for chunk in report.chunks] == [True] * 3
    assert len(list((again / "output").glob("*.mp4"))) == 2


@needs_mini
def test_another_seed_makes_the_chunks_again(again):
    report = run(again, *SHORT, "Weave.seed=8")
    assert not any(chunk["reused"] for chunk in report.chunks)


@needs_mini
def test_the_workflow_inside_a_saved_video_makes_the_same_video_again(first, tmp_path):
    path = first.outputs[0].path
    saved = tmp_path / "saved.json"
    saved.write_text(read_metadata(path)["prompt"], encoding="utf-8")
    report = run(tmp_path, workflow=saved)
    assert not any(chunk["reused"] for chunk in report.chunks)
    assert torch.equal(read_clip(report.outputs[0].path), read_clip(path))
