"""A run goes on where it stopped, and makes again only what would differ."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.backbones import BACKBONES
from motionweave.controls import PoseControl, load_controlnet
from motionweave.engine import MotionWeaveEngine
from motionweave.errors import GenerationError, InputError, MediaError, MotionWeaveError
from motionweave.longform.plan import plan_chunks
from motionweave.longform.stitch import stitch_chunks
from motionweave.longform.store import ChunkStore
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size

ROOT = Path(__file__).parents[2]
MINI = ROOT / "mini"
SIZE = Size(64, 64)

pytestmark = pytest.mark.skipif(
    not (MINI / "svd" / "motionweave.json").is_file(), reason="the bundled Mini is not in this checkout"
)


@pytest.fixture(scope="module")
def models():
    return BACKBONES.get("svd").build(MINI / "svd", torch.float32), load_controlnet(MINI / "controlnet-pose")


@pytest.fixture(scope="module")
def poses():
    return torch.rand(22, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def request_for(models, poses, folder, seed=1) -> Request:
    backbone, controlnet = models
    with torch.inference_mode():
        identity = backbone.encode_image(torch.full((1, 3, 64, 64), 0.4), SIZE, 0.0, 0)
    track = PoseMapFrames(poses, Fraction(12))
    return Request(
        backbone=backbone,
        identity=identity,
        controls=(PoseControl(controlnet, track),),
        plan=plan_chunks(backbone.facts, 22, Fraction(12), 8, 4),
        options=DenoiseOptions(2, Guidance(1.0)),
        seed=seed,
        folder=folder,
    )


def runtime(on_progress=None) -> LocalRuntime:
    return LocalRuntime(
        Folders(Path("input"), Path("output"), Path("temp")), on_progress=on_progress, previews=on_progress is not None
    )


def weave(request, on_progress=None) -> list[bool]:
    with torch.inference_mode():
        return [made.reused for made in MotionWeaveEngine(request, runtime(on_progress)).generate()]


def clips(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("chunk-*"))}


def test_a_stopped_run_goes_on_and_gives_the_same_bytes(models, poses, tmp_path):
    whole = request_for(models, poses, tmp_path / "whole")
    assert weave(whole) == [False, False, False]

    class StopError(Exception):
        """Stands for a host's own interrupt, which has to come through as it is."""

    def stop_in_the_second_chunk(progress):
        if progress.chunk == 1 and progress.step == 1:
            raise StopError

    stopped = request_for(models, poses, tmp_path / "stopped")
    with pytest.raises(StopError):
        weave(stopped, stop_in_the_second_chunk)
    assert weave(stopped) == [True, False, False]
    assert clips(tmp_path / "stopped") == clips(tmp_path / "whole")
    assert weave(stopped) == [True, True, True]


def test_a_half_written_journal_line_and_damaged_files_are_made_again_and_nothing_after_them(models, poses, tmp_path):
    request = request_for(models, poses, tmp_path / "run")
    weave(request)
    before = clips(request.folder)
    journal = request.folder / "journal.jsonl"
    journal.write_text(journal.read_text().removesuffix('{"whole": true}\n')[:-40])
    assert weave(request) == [True, True, False]
    for damaged in ("chunk-00001.mkv", "chunk-00001.safetensors"):
        (request.folder / damaged).write_bytes(b"damaged")
        # The chunk after it goes on from the very same latents, so it stays.
        assert weave(request) == [True, False, True]
        assert clips(request.folder) == before


def test_only_what_a_change_reaches_is_made_again(models, poses, tmp_path):
    request = request_for(models, poses, tmp_path / "run")
    weave(request)
    late = poses.clone()
    late[18:] = 0
    changed = replace(request, controls=request_for(models, late, tmp_path / "run").controls)
    assert weave(changed) == [True, True, False]
    assert weave(replace(request, seed=2)) == [False, False, False]


def test_every_step_is_reported(models, poses, tmp_path):
    seen = []
    weave(request_for(models, poses, tmp_path / "run"), seen.append)
    steps = [(report.chunk, report.step) for report in seen if report.stage == "denoise"]
    assert steps == [(chunk, step) for chunk in range(3) for step in (1, 2)]
    assert any(report.preview is not None and report.preview.shape == (3, 64, 64) for report in seen)


def test_a_failing_window_is_named_and_out_of_memory_is_not_wrapped(models, poses, tmp_path):
    request = request_for(models, poses, tmp_path / "run")

    class Failing(PoseControl):
        def apply_to(self, conditioning, window):
            if window.index == 1:
                raise self.error
            return conditioning

    for error, expected in ((InputError("no poses here"), GenerationError), (torch.OutOfMemoryError("full"), None)):
        failing = Failing(request.controls[0].network, request.controls[0].track)
        object.__setattr__(failing, "error", error)
        with pytest.raises(expected or torch.OutOfMemoryError) as caught:
            weave(replace(request, controls=(failing,)))
        if expected:
            assert "window 2 of 3" in str(caught.value)
            assert caught.value.window == 1


def test_stitching_an_unfinished_run_says_what_is_missing(models, poses, tmp_path):
    request = request_for(models, poses, tmp_path / "run")
    weave(request)
    store = ChunkStore.reopen(request.folder)
    info = stitch_chunks(store, tmp_path / "whole.mp4")
    assert (info.frame_count, info.fps) == (22, Fraction(12))
    lines = (request.folder / "journal.jsonl").read_text().splitlines()
    (request.folder / "journal.jsonl").write_text("\n".join(lines[:3]) + "\n")
    with pytest.raises(InputError, match="1 of 3 chunks are not made yet, the first is 3"):
        stitch_chunks(store, tmp_path / "more.mp4")


def test_an_unwritable_run_directory_is_one_clear_line(models, poses, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="cannot be written"):
        weave(request_for(models, poses, tmp_path / "file" / "run"))


def test_a_ramp_over_several_windows_and_a_short_track_are_refused(models, poses, tmp_path):
    request = request_for(models, poses, tmp_path / "run")
    with pytest.raises(InputError, match="ramp"):
        replace(request, options=DenoiseOptions(2, Guidance(3.0, 1.0)))
    with pytest.raises(MotionWeaveError, match="covers only"):
        replace(request, plan=replace(request.plan, frame_count=40))
