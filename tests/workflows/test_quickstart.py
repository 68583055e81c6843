"""The example workflow, run as a person would run it, only shorter."""

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


def run(tmp_path: Path, *overrides: str) -> RunReport:
    folders = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    return run_workflow(QUICKSTART, RunOptions(folders, overrides))


SHORT = ("Inputs.seconds=0.75", "Weave.steps=2", "Plan Chunks.chunk_frames=8")


@needs_mini
def test_quickstart_makes_every_planned_frame_with_sound_and_resumes_for_free(tmp_path):
    report = run(tmp_path, *SHORT)
    (output,) = report.outputs
    info = probe_video(output.path)
    assert (info.frame_count, info.fps, info.has_audio) == (18, Fraction(24), True)
    audio = read_audio(output.path)
    assert audio is not None
    assert abs(audio.duration_s - Fraction(18, 24)) <= Fraction(1, audio.sample_rate)
    assert [chunk["reused"] for chunk in report.chunks] == [False] * 3

    again = run(tmp_path, *SHORT)
    assert [chunk["reused"] for chunk in again.chunks] == [True] * 3
    assert again.outputs[0].path != output.path


@needs_mini
def test_another_seed_makes_the_chunks_again(tmp_path):
    run(tmp_path, *SHORT)
    report = run(tmp_path, *SHORT, "Weave.seed=8")
    assert not any(chunk["reused"] for chunk in report.chunks)


@needs_mini
def test_the_workflow_inside_a_saved_video_makes_the_same_video_again(tmp_path):
    (first,) = run(tmp_path / "first", *SHORT).outputs
    saved = tmp_path / "saved.json"
    saved.write_text(read_metadata(first.path)["prompt"], encoding="utf-8")
    other = tmp_path / "other"
    report = run_workflow(saved, RunOptions(Folders(other / "input", other / "output", other / "temp")))
    assert not any(chunk["reused"] for chunk in report.chunks)
    assert torch.equal(read_clip(report.outputs[0].path), read_clip(first.path))
