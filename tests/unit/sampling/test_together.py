"""Windows denoised together: every frame decided once, one window as ever, and resumable after any step."""

from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.backbones.base import Conditioning
from motionweave.backbones.svd import SVDBackbone
from motionweave.errors import MotionWeaveError, ShapeError
from motionweave.sampling import (
    DenoiseOptions,
    Guidance,
    JointState,
    denoise_together,
    denoise_window,
    fused_parts,
    shifted_parts,
)
from motionweave.types import Size, Window

STEPS = 3
EULER = DenoiseOptions(STEPS, Guidance(2.0))
SAMPLERS = pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
KINDS = pytest.mark.parametrize("kind", ["fused", "shifted"])


def overlapping(frame_count, new=2, overlap=2):
    starts = range(0, frame_count, new)
    return [
        Window(i, max(0, new_start - overlap), min(new_start + new, frame_count), min(overlap, new_start))
        for i, new_start in enumerate(starts)
    ]


def parts_of(kind, frame_count, length=4):
    fused = fused_parts(overlapping(frame_count, length // 2, length // 2))
    return (lambda _: fused) if kind == "fused" else lambda step: shifted_parts(frame_count, length, step)


def shares(parts, frame_count):
    total = torch.zeros(frame_count)
    for part in parts:
        total[part.window.start : part.window.stop] += part.share
    return total


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 30), st.integers(0, 30))
def test_shares_of_windows_that_overlap_sum_to_one_in_every_frame(frame_count, new, overlap):
    parts = fused_parts(overlapping(frame_count, new, min(overlap, new)))
    torch.testing.assert_close(shares(parts, frame_count), torch.ones(frame_count))


def test_over_an_overlap_of_three_the_later_window_gains_a_quarter_a_frame():
    earlier, later = fused_parts([Window(0, 0, 9, 0), Window(1, 6, 15, 3)])
    torch.testing.assert_close(later.share[:3], torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(earlier.share[-3:], torch.tensor([0.75, 0.5, 0.25]))
    assert torch.equal(earlier.share[:6], torch.ones(6))


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 60))
def test_shifted_windows_are_full_decide_every_frame_once_and_move(frame_count, length, step):
    parts = shifted_parts(frame_count, length, step)
    assert torch.equal(shares(parts, frame_count), torch.ones(frame_count))
    assert {part.window.frame_count for part in parts} == {min(length, frame_count)}
    assert all(0 <= part.window.start < part.window.stop <= frame_count for part in parts)
    assert len(parts) <= -(-frame_count // length) + 1
    if length > 2 and frame_count > length:
        borders = {part.window.start for part in parts if part.share.all()}
        following = {part.window.start for part in shifted_parts(frame_count, length, step + 1) if part.share.all()}
        assert not borders & following or frame_count < 2 * length


def conditioning(backbone, seed=0):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        return Conditioning(backbone.encode_image(picture, Size(32, 32), 0.0, 0), 7.0)


def noise(frame_count):
    return torch.randn(frame_count, 4, 4, 4, generator=torch.Generator().manual_seed(9))


def steps_of(backbone, frame_count, kind, options, **more):
    under = conditioning(backbone)
    with torch.inference_mode():
        parts = parts_of(kind, frame_count)
        return list(denoise_together(backbone, lambda _: under, noise(frame_count), options, parts, **more))


@SAMPLERS
@KINDS
def test_one_window_is_what_it_is_alone_bit_for_bit(tiny_backbone, kind, sampler):
    options = DenoiseOptions(STEPS, Guidance(3.0, 1.5), sampler)
    parts = (lambda _: fused_parts([Window(0, 0, 4, 0)])) if kind == "fused" else lambda step: shifted_parts(4, 4, step)
    with torch.inference_mode():
        under, seen = conditioning(tiny_backbone), []
        alone = denoise_window(
            tiny_backbone, under, noise(4), options, on_step=lambda _, clean: seen.append(clean.clone())
        )
        made = list(denoise_together(tiny_backbone, lambda _: under, noise(4), options, parts))
    assert torch.equal(made[-1].state.latents, alone)
    assert all(torch.equal(step.clean, clean) for step, clean in zip(made, seen, strict=True))


class Framewise(SVDBackbone):
    """A backbone whose network looks at each frame by itself, so that windows cannot matter."""

    def predict(self, sample, *told):
        return tuple(torch.tanh(sample * 0.7 + 0.1 * place) for place, _ in enumerate(told[3]))


@SAMPLERS
@KINDS
def test_where_frames_do_not_see_each_other_windows_do_not_matter(tiny_backbone, kind, sampler):
    framewise = Framewise(**{field.name: getattr(tiny_backbone, field.name) for field in fields(SVDBackbone)})
    options = DenoiseOptions(STEPS, Guidance(2.0), sampler)
    whole = denoise_window(framewise, conditioning(tiny_backbone), noise(11), options)
    made = steps_of(framewise, 11, kind, options)[-1].state.latents
    if kind == "shifted":
        assert torch.equal(made, whole)
    else:
        torch.testing.assert_close(made, whole, rtol=1e-5, atol=1e-5)


def test_windows_matter_where_frames_see_each_other(tiny_backbone):
    fused, shifted = (steps_of(tiny_backbone, 8, kind, EULER)[-1].state.latents for kind in ("fused", "shifted"))
    assert (fused - shifted).abs().max() > 1e-4


@SAMPLERS
@KINDS
def test_going_on_after_any_step_gives_the_same_bits(tiny_backbone, kind, sampler):
    options = DenoiseOptions(STEPS, Guidance(1.0), sampler)
    whole = steps_of(tiny_backbone, 7, kind, options)
    assert [step.state.step for step in whole] == [1, 2, 3]
    for stopped in whole:
        rest = steps_of(tiny_backbone, 7, kind, options, state=stopped.state)
        assert torch.equal((rest or [stopped])[-1].state.latents, whole[-1].state.latents)


def test_every_part_is_told_of_and_can_end_the_run(tiny_backbone):
    told = []
    steps_of(tiny_backbone, 6, "fused", EULER, on_part=lambda step, done: told.append((step, done)))
    assert told == [(step, part) for step in range(STEPS) for part in (1, 2, 3)]

    class StopError(Exception):
        """Stands for a host's interrupt."""

    def stop(step, done):
        if (step, done) == (1, 2):
            raise StopError

    with pytest.raises(StopError):
        steps_of(tiny_backbone, 6, "fused", EULER, on_part=stop)


def test_conditions_are_asked_for_window_by_window(tiny_backbone):
    under, asked = conditioning(tiny_backbone), []

    def condition(window):
        asked.append((window.start, window.stop))
        return under

    with torch.inference_mode():
        list(denoise_together(tiny_backbone, condition, noise(6), EULER, parts_of("fused", 6)))
    assert asked == [(0, 2), (0, 4), (2, 6)] * STEPS


def test_a_state_of_another_video_and_numbers_without_end_are_refused(tiny_backbone):
    with pytest.raises(ShapeError):
        steps_of(tiny_backbone, 6, "fused", EULER, state=JointState(1, noise(5)))

    class Broken(SVDBackbone):
        def predict(self, sample, *_):
            return (torch.full_like(sample, float("nan") if len(sample) == 4 else 0.0),)

    broken = Broken(**{field.name: getattr(tiny_backbone, field.name) for field in fields(SVDBackbone)})
    with pytest.raises(MotionWeaveError, match="not finite at frames 0-3 in step 1"):
        steps_of(broken, 6, "fused", DenoiseOptions(STEPS, Guidance(1.0)))
