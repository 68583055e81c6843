"""The workflow of a minute: what would fail is refused before the first chunk, and every frame is made."""

from pathlib import Path

import pytest

from motionweave.errors import InputError
from motionweave.host.run import RunOptions, run_workflow
from motionweave.runtime import Folders

ROOT = Path(__file__).parents[2]
MINUTE = ROOT / "workflows" / "minute.json"

needs_mini = pytest.mark.skipif(
    not (ROOT / "mini" / "svd" / "motionweave.json").is_file(), reason="the bundled Mini is not in this checkout"
)


def run(tmp_path, *overrides):
    folders = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    return run_workflow(MINUTE, RunOptions(folders, ("Inputs.seconds=0.5", *overrides)))


@needs_mini
def test_a_plan_that_is_longer_than_its_tracks_is_refused_with_every_reason_and_nothing_is_made(tmp_path):
    with pytest.raises(InputError, match=r"'Preflight'.*2 things would fail.*pose length.*speech length"):
        run(tmp_path, "Plan Chunks.frames=1800")
    assert not (tmp_path / "output" / "motionweave" / "minute").exists()


@pytest.mark.slow
@needs_mini
def test_what_preflight_found_is_told_and_every_frame_is_made(tmp_path):
    report = run(tmp_path, "Weave.steps=1", "Preflight.measure=false")
    assert any("preflight: nothing would fail" in text and "pose and reference" in text for text in report.texts)
    assert [(each.frames, each.fps) for each in report.outputs] == [(15, "30")]
