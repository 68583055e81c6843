"""Noise, guidance and the loop over one window."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.backbones.base import Conditioning
from motionweave.errors import InputError, ShapeError
from motionweave.sampling import DenoiseOptions, Guidance, KnownFrames, denoise_window, frame_noise
from motionweave.types import Size

SHAPE = (4, 4, 4)


@given(st.integers(0, 40), st.integers(1, 30), st.integers(1, 9), st.sampled_from([0, 3 * 32 * 32]))
@settings(deadline=None)
def test_a_frame_has_its_noise_whatever_the_window(start, length, block, skip):
    whole = frame_noise(7, 0, start + length, SHAPE, block, skip)
    assert torch.equal(frame_noise(7, start, start + length, SHAPE, block, skip), whole[start:])


def test_the_first_block_is_one_draw_after_what_was_skipped():
    generator = torch.Generator().manual_seed(3)
    torch.randn(1, 3, 32, 32, generator=generator)
    expected = torch.randn(1, 6, *SHAPE, generator=generator)[0]
    assert torch.equal(frame_noise(3, 0, 6, SHAPE, 6, 3 * 32 * 32), expected)
    assert torch.equal(frame_noise(3, 0, 4, SHAPE, 6, 3 * 32 * 32), expected[:4])


def test_blocks_and_seeds_differ_and_the_largest_seed_works():
    noise = frame_noise(2**63 - 1, 0, 12, SHAPE, 4)
    assert not torch.equal(noise[:4], noise[4:8])
    assert not torch.equal(frame_noise(1, 0, 4, SHAPE, 4), frame_noise(2, 0, 4, SHAPE, 4))
    assert abs(float(noise.std()) - 1) < 0.1


def test_a_ramp_rises_over_the_window_and_a_constant_does_not():
    assert Guidance(3.0, 1.0).per_frame(3).flatten().tolist() == [1.0, 2.0, 3.0]
    assert Guidance(2.5).per_frame(3).flatten().tolist() == [2.5] * 3
    assert (Guidance(1.0).guided, Guidance(1.0, 1.0).guided) == (False, False)
    assert (Guidance(1.5).guided, Guidance(1.0, 2.0).guided) == (True, True)


def test_guidance_moves_away_from_the_prediction_without_the_image():
    conditional, unconditional = torch.full((2, 1, 1, 1), 3.0), torch.ones(2, 1, 1, 1)
    assert Guidance(3.0, 1.0).combine((unconditional, conditional)).flatten().tolist() == [3.0, 7.0]
    assert Guidance(1.0).combine((conditional,)) is conditional


@pytest.mark.parametrize("scales", [(0.5, None), (101.0, None), (float("nan"), None), (2.0, 0.0)])
def test_scales_that_mean_nothing_are_refused(scales):
    with pytest.raises(InputError, match="guidance scale"):
        Guidance(*scales)


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_a_schedule_has_at_least_one_step(steps):
    with pytest.raises(InputError, match="steps"):
        DenoiseOptions(steps, Guidance(1.0))


@pytest.fixture(scope="module")
def conditioning(tiny_backbone):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return Conditioning(tiny_backbone.encode_image(picture, Size(32, 32), 0.02, 0), 7.0)


OPTIONS = DenoiseOptions(3, Guidance(2.0))


def window(backbone, conditioning, frames=6, known=None, on_step=None, options=OPTIONS):
    with torch.no_grad():
        noise = frame_noise(5, 0, frames, SHAPE, 4)
        return denoise_window(backbone, conditioning, noise, options, known, on_step)


@pytest.mark.parametrize("context_sigma", [float("inf"), 0.1])
@pytest.mark.parametrize("places", [[0, 1], [4, 5], [0, 1, 5]])
def test_known_frames_come_back_bit_for_bit_and_steer_the_others(tiny_backbone, conditioning, places, context_sigma):
    backbone = replace(tiny_backbone, facts=replace(tiny_backbone.facts, context_sigma=context_sigma))
    latents = 2 * torch.randn(len(places), *SHAPE, generator=torch.Generator().manual_seed(2))
    made = window(backbone, conditioning, known=KnownFrames(latents, torch.tensor(places)))
    assert torch.equal(made[places], latents)
    assert not torch.equal(made[2], window(backbone, conditioning)[2])


def test_one_step_is_enough_for_known_frames(tiny_backbone, conditioning):
    known = KnownFrames(torch.ones(1, *SHAPE), torch.tensor([0]))
    made = window(tiny_backbone, conditioning, known=known, options=DenoiseOptions(1, Guidance(1.0)))
    assert torch.equal(made[0], known.latents[0])
    assert bool(torch.isfinite(made).all())


def test_inputs_are_left_as_they_were(tiny_backbone, conditioning):
    noise = frame_noise(5, 0, 4, SHAPE, 4)
    known = KnownFrames(torch.ones(1, *SHAPE), torch.tensor([0]))
    before = noise.clone()
    with torch.no_grad():
        denoise_window(tiny_backbone, conditioning, noise, OPTIONS, known)
    assert torch.equal(noise, before)
    assert torch.equal(known.latents, torch.ones(1, *SHAPE))


def test_every_step_is_told_and_cancelling_takes_effect_at_once(tiny_backbone, conditioning):
    steps = []
    made = window(tiny_backbone, conditioning, on_step=lambda step, clean: steps.append((step, clean)))
    assert [step for step, _ in steps] == [1, 2, 3]
    torch.testing.assert_close(steps[-1][1], made)

    class CancelledError(BaseException):
        """Stands for a host's interrupt."""

    seen = []

    def cancel(step, clean):
        seen.append(step)
        raise CancelledError

    with pytest.raises(CancelledError):
        window(tiny_backbone, conditioning, on_step=cancel)
    assert seen == [1]


class Predicting:
    """A backbone that predicts what it is told to."""

    def __init__(self, backbone, predict):
        self.facts, self.scheduler, self.predict = backbone.facts, backbone.scheduler, predict


def test_out_of_memory_passes_as_it_is(tiny_backbone, conditioning):
    def full(*_):
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        window(Predicting(tiny_backbone, full), conditioning)


def test_noise_of_another_shape_is_refused(tiny_backbone, conditioning):
    with pytest.raises(ShapeError, match="F C h w"):
        denoise_window(tiny_backbone, conditioning, torch.zeros(1, 4, *SHAPE), OPTIONS)
