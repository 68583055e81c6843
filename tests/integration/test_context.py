"""Every way of keeping windows together, through the engine: parity, resume, keys and refusals."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.controls import PoseControl
from motionweave.engine import MotionWeaveEngine
from motionweave.errors import InputError
from motionweave.longform import together
from motionweave.longform.blend import fade_weights, mix
from motionweave.longform.context import ANCHOR_LEVEL
from motionweave.longform.joins import joined_frames
from motionweave.longform.plan import CONTEXTS, ChunkPlan
from motionweave.longform.store import ChunkStore
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size, Window

SIZE = Size(32, 32)
FPS = Fraction(7)
FRAMES = 9

each_context = pytest.mark.parametrize("context", CONTEXTS)
joint = pytest.mark.parametrize("context", ["fused", "shifted"])


class StopError(Exception):
    """Stands for a host's interrupt, or the end of the process."""


def plan(context, frame_count=FRAMES, **more) -> ChunkPlan:
    return ChunkPlan(frame_count, FPS, 2, 2, 4, context=context, **more)


@pytest.fixture
def request_for(tiny_backbone, tiny_controlnet, tmp_path):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        identity = tiny_backbone.encode_image(picture, SIZE, 0.0, 0)

    def build(plan, folder="run", **more):
        maps = torch.rand(plan.frame_count, 3, 32, 32, generator=torch.Generator().manual_seed(3))
        settings = {"options": DenoiseOptions(3, Guidance(1.0)), "seed": 1, "image_role": "reference"} | more
        controls = (PoseControl(tiny_controlnet, PoseMapFrames(maps, FPS)),)
        return Request(tiny_backbone, identity, controls, plan, folder=tmp_path / folder, **settings)

    return build


def weave(request, on_progress=None) -> list[bool]:
    runtime = LocalRuntime(Folders(Path("input"), Path("output"), Path("temp")), on_progress=on_progress)
    with torch.inference_mode():
        return [made.reused for made in MotionWeaveEngine(request, runtime).generate()]


def denoised(request) -> int:
    """Run, and count the parts and steps that were denoised."""
    told = []
    weave(request, told.append)
    return sum(progress.stage == "denoise" and progress.preview is None for progress in told)


def video(request) -> torch.Tensor:
    return torch.stack(list(ChunkStore.reopen(request.folder).frames()))


def latents(request) -> torch.Tensor:
    store = ChunkStore.reopen(request.folder)
    return torch.cat([store.latents(index) for index in range(len(store.plan))])


@each_context
def test_one_window_is_the_same_in_every_context_bit_for_bit(request_for, context):
    alone, one = request_for(plan("sequential", 2), "alone"), request_for(plan(context, 2))
    weave(alone)
    weave(one)
    assert torch.equal(latents(one), latents(alone))
    assert torch.equal(video(one), video(alone))


def test_contexts_make_other_videos_of_the_same_length(request_for):
    made = {}
    for context in CONTEXTS:
        request = request_for(plan(context), context)
        assert weave(request) == [False] * 5
        assert weave(request) == [True] * 5
        made[context] = latents(request)
        assert len(made[context]) == len(video(request)) == FRAMES
    for context in CONTEXTS[1:]:
        assert (made[context] - made["sequential"]).abs().max() > 1e-3


def test_windows_without_context_know_nothing_of_each_other(request_for):
    request = request_for(plan("independent"))
    weave(request)
    engine = MotionWeaveEngine(request, LocalRuntime(Folders(Path("i"), Path("o"), Path("t"))))
    window = request.plan.windows()[2]
    with torch.inference_mode():
        alone = engine.denoise(window, engine.condition(window, None), None)
    assert torch.equal(ChunkStore.reopen(request.folder).latents(2), alone[window.context :])


@joint
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_a_run_that_was_stopped_anywhere_goes_on_and_gives_the_same_bytes(request_for, context, sampler):
    options = DenoiseOptions(3, Guidance(1.0), sampler)
    whole = request_for(plan(context), "whole", options=options)
    reports = []
    weave(whole, reports.append)
    for stop in range(1, len(reports), 7):
        count = [0]

        def stop_there(_, stop=stop, count=count):
            count[0] += 1
            if count[0] > stop:
                raise StopError

        stopped = request_for(plan(context), f"stopped-{stop}", options=options)
        with pytest.raises(StopError):
            weave(stopped, stop_there)
        weave(stopped)
        for path in whole.folder.glob("*.mkv"):
            assert (stopped.folder / path.name).read_bytes() == path.read_bytes()


@joint
def test_a_crash_costs_at_most_the_step_at_hand(request_for, context):
    request = request_for(plan(context))
    reports = []

    def stop_after_the_second_step(progress):
        reports.append(progress)
        if progress.step > 0.8 * progress.step_count:
            raise StopError

    with pytest.raises(StopError):
        weave(request, stop_after_the_second_step)
    whole = denoised(request_for(plan(context), "whole"))
    assert 0 < denoised(request) <= whole / 3 + 2


@joint
def test_finished_latents_are_decoded_anew_without_denoising(request_for, context):
    request = request_for(plan(context))
    assert denoised(request) > 0
    before = video(request)
    (request.folder / "chunk-00003.mkv").write_bytes(b"damaged")
    assert denoised(request) == 0
    assert torch.equal(video(request), before)
    assert denoised(replace(request, decode_frames=1)) == 0
    assert weave(replace(request, decode_frames=1)) == [True] * 5
    assert denoised(replace(request, seed=2)) > 0


@joint
def test_damaged_latents_are_made_again(request_for, context):
    request = request_for(plan(context))
    weave(request)
    before = latents(request)
    path = request.folder / together.FILE_NAME
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    for name in ("chunk-00001.mkv", "chunk-00001.safetensors"):
        (request.folder / name).unlink()
    assert denoised(request) > 0
    assert torch.equal(latents(request), before)


@joint
def test_a_change_anywhere_makes_all_windows_again(request_for, context):
    request = request_for(plan(context))
    weave(request)
    maps = torch.rand(FRAMES, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    maps[-1] = 0
    control = PoseControl(request.controls[0].network, PoseMapFrames(maps, FPS))
    assert weave(replace(request, controls=(control,))) == [False] * 5


def test_a_fade_keeps_what_both_chunks_show(request_for):
    request = request_for(plan("independent", blend="linear", fade=2))
    weave(request)
    clips = ChunkStore.reopen(request.folder).clips()
    assert [clip.lead for clip in clips] == [0, 2, 2, 2, 2]
    plain = request_for(plan("independent"), "plain")
    weave(plain)
    assert torch.equal(video(request), video(plain))
    stitched = torch.stack(list(joined_frames(ChunkStore.reopen(request.folder))))
    changed = (stitched != video(plain)).flatten(1).any(1).nonzero().flatten().tolist()
    assert changed == list(range(FRAMES - 1))  # chunks of two, each fading over two


def test_latents_blend_as_pixels_do_and_are_shown_in_place_of_the_earlier_ones(request_for, tiny_backbone):
    request = request_for(plan("independent", blend="cosine", fade=2, blend_in="latent"))
    weave(request)
    store, window = ChunkStore.reopen(request.folder), request.plan.windows()[2]
    engine = MotionWeaveEngine(request, LocalRuntime(Folders(Path("i"), Path("o"), Path("t"))))
    with torch.inference_mode():
        own = engine.denoise(window, engine.condition(window, None), None)
        own[:2] = mix(store.latents(1)[-2:], own[:2], fade_weights(2, "cosine"))
        shown = tiny_backbone.decode_clip(own)
    clip = torch.stack(list(store.clips()[2].frames()))
    assert torch.equal(clip, (shown * 255).round().to(torch.uint8))
    stitched = torch.stack(list(joined_frames(store)))
    assert torch.equal(stitched[window.new_start - 2 : window.new_start], clip[:2])
    assert request.plan.seam == "replace"
    assert torch.equal(fade_weights(2, "replace"), torch.ones(2))
    assert weave(request) == [True] * 5


def test_an_anchored_chunk_sees_its_context_late_and_still_ends_on_it(request_for):
    anchored, plain = request_for(plan("sequential", reinject_every=2)), request_for(plan("sequential"), "plain")
    assert weave(anchored) == [False] * 5
    weave(plain)
    ours, theirs = latents(anchored), latents(plain)
    assert torch.equal(ours[:4], theirs[:4])
    assert (ours[4:6] - theirs[4:6]).abs().max() > 1e-3
    engine = MotionWeaveEngine(anchored, LocalRuntime(Folders(Path("i"), Path("o"), Path("t"))))
    windows = anchored.plan.windows()
    assert [engine.carry(window).highest for window in windows[1:]] == [torch.inf, ANCHOR_LEVEL] * 2
    with torch.inference_mode():
        known = engine.carry(windows[2])
        made = engine.denoise(windows[2], engine.condition(windows[2], known), known)
    assert torch.equal(made[:2], known.latents)


def test_a_backbone_of_the_first_frame_is_anchored_by_its_picture(request_for):
    request = request_for(plan("sequential", reinject_every=2), image_role="first_frame")
    weave(request)
    engine = MotionWeaveEngine(request, LocalRuntime(Folders(Path("i"), Path("o"), Path("t"))))
    pictures = []
    for window in request.plan.windows():
        known = engine.carry(window)
        assert known is None or known.highest == torch.inf
        pictures.append(engine.condition(window, known).identity.digest == request.identity.digest)
    assert pictures == [True, False, True, False, True]


def test_what_windows_denoised_together_cannot_do_is_refused(request_for):
    with pytest.raises(InputError, match="every window would begin with it"):
        request_for(plan("fused"), image_role="first_frame")
    with pytest.raises(InputError, match="step caching"):
        request_for(plan("shifted"), options=DenoiseOptions(3, Guidance(1.0), cache_threshold=0.1))
    request_for(plan("fused", 2), image_role="first_frame")


def test_fused_windows_have_the_same_length_from_the_first_on():
    parts = together.joint_parts(plan("fused", 20))(0)
    assert {part.window.frame_count for part in parts} == {4}
    assert parts[0].window == Window(0, 0, 4, 0)
