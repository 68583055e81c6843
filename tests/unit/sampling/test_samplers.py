"""Samplers and schedules, on data whose exact denoiser is known."""

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from motionweave.backbones.base import BackboneFacts, Conditioning, Identity
from motionweave.errors import InputError, UnsupportedError
from motionweave.sampling import SAMPLERS, SCHEDULES, DenoiseOptions, Guidance, KnownFrames, denoise_window
from motionweave.types import Size

FRAMES, CELLS = 12, (4, 4, 4)
PLAIN = Guidance(1.0)
NOBODY = Conditioning(Identity(torch.zeros(4, 4, 4), torch.zeros(1, 8), Size(32, 32), 0.0, "nobody"), 7.0)


@dataclass(frozen=True)
class Exact:
    """A backbone whose network is the true posterior mean, said as v."""

    facts: BackboneFacts
    make_scheduler: Any
    clean: Any
    """Gives E[clean | latents at a level]."""
    seen: list[Tensor] = field(default_factory=list)

    def scheduler(self):
        return self.make_scheduler()

    def predict(self, sample, timestep, *_):
        level = math.exp(4 * float(timestep))
        latents = sample * math.sqrt(level**2 + 1)
        self.seen.append(latents)
        return ((latents / (level**2 + 1) - self.clean(latents, level)) * math.sqrt(level**2 + 1) / level,)


def two_peaks(latents: Tensor, level: float) -> Tensor:
    """Each number is near -1 or near 1, with a deviation of 0.5."""
    variance = 0.25 + level**2
    towards = torch.tanh(latents / variance)
    return (latents * 0.25 + towards * level**2) / variance


@pytest.fixture(scope="module")
def exact(tiny_backbone):
    return Exact(tiny_backbone.facts, tiny_backbone.scheduler, two_peaks)


@pytest.fixture(scope="module")
def noise():
    return torch.randn(FRAMES, *CELLS, generator=torch.Generator().manual_seed(3))


def made(backbone, noise, steps, sampler="euler", schedule="karras", known=None):
    return denoise_window(backbone, NOBODY, noise, DenoiseOptions(steps, PLAIN, sampler, schedule), known)


@pytest.fixture(scope="module")
def truth(exact, noise):
    return made(exact, noise, 1000)


def error(backbone, noise, truth, steps, *choice):
    return float((made(backbone, noise, steps, *choice) - truth).square().mean().sqrt())


@pytest.mark.parametrize("schedule", SCHEDULES.ids())
@pytest.mark.parametrize(("steps", "most"), [(10, 0.9), (20, 0.7), (30, 0.5)])
def test_the_second_order_is_nearer_the_truth_at_equal_steps(exact, noise, truth, schedule, steps, most):
    first, second = (error(exact, noise, truth, steps, sampler, schedule) for sampler in ("euler", "dpmpp_2m"))
    assert second < most * first


@pytest.mark.parametrize("sampler", SAMPLERS.ids())
def test_aligned_steps_are_nearer_the_truth_at_equal_steps(exact, noise, truth, sampler):
    trained, aligned = (error(exact, noise, truth, 10, sampler, schedule) for schedule in SCHEDULES.ids())
    assert aligned < 0.6 * trained


@pytest.mark.parametrize("schedule", SCHEDULES.ids())
@pytest.mark.parametrize("sampler", SAMPLERS.ids())
def test_every_sampler_goes_to_the_same_truth(exact, noise, truth, sampler, schedule):
    assert error(exact, noise, truth, 200, sampler, schedule) < 0.02


def test_the_first_sampler_is_the_published_loop_to_the_bit(exact, noise):
    scheduler = exact.scheduler()
    scheduler.set_timesteps(7)
    latents = noise * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        sample = scheduler.scale_model_input(latents, timestep)
        (prediction,) = exact.predict(sample, timestep, NOBODY, 0.0, PLAIN.passes)
        latents = scheduler.step(prediction, timestep, latents).prev_sample
    assert torch.equal(made(exact, noise, 7), latents)


@pytest.mark.parametrize("sampler", SAMPLERS.ids())
def test_the_network_is_shown_the_levels_of_the_schedule(exact, noise, sampler):
    times: list[Tensor] = []

    class Listening(Exact):
        def predict(self, sample, timestep, *rest):
            times.append(timestep)
            return super().predict(sample, timestep, *rest)

    made(Listening(exact.facts, exact.scheduler, two_peaks), noise, 10, sampler, "align_your_steps")
    levels = [math.exp(4 * float(each)) for each in times]
    assert levels == pytest.approx([700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034], rel=1e-5)


def test_ten_aligned_steps_have_the_published_levels(tiny_backbone):
    from diffusers.schedulers import AysSchedules

    levels = SCHEDULES.get("align_your_steps").build(tiny_backbone, 10)
    assert levels.tolist() == pytest.approx(AysSchedules["StableDiffusionVideoSigmas"], rel=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES.ids())
@pytest.mark.parametrize("steps", [1, 2, 9, 25, 60])
def test_levels_fall_from_the_highest_to_nothing(tiny_backbone, schedule, steps):
    levels = SCHEDULES.get(schedule).build(tiny_backbone, steps)
    assert (len(levels), levels.dtype) == (steps + 1, torch.float32)
    assert (levels[0].item(), levels[-1].item()) == pytest.approx((700.0, 0.0), rel=1e-6)
    assert bool((levels.diff() < 0).all())


def test_twice_the_aligned_steps_pass_through_the_same_levels(tiny_backbone):
    schedule = SCHEDULES.get("align_your_steps")
    ten, twenty = schedule.build(tiny_backbone, 10), schedule.build(tiny_backbone, 20)
    torch.testing.assert_close(twenty[::2], ten)
    torch.testing.assert_close(twenty[1:-2:2].square(), ten[:-2] * ten[1:-1])


def test_trained_levels_are_the_backbones_own(tiny_backbone):
    scheduler = tiny_backbone.scheduler()
    scheduler.set_timesteps(9)
    assert torch.equal(SCHEDULES.get("karras").build(tiny_backbone, 9), scheduler.sigmas)


def test_a_backbone_of_another_kind_is_told_what_works(tiny_backbone):
    from diffusers import EulerDiscreteScheduler

    other = Exact(tiny_backbone.facts, EulerDiscreteScheduler, two_peaks)
    with pytest.raises(UnsupportedError, match="sampler 'euler'"):
        SAMPLERS.get("dpmpp_2m").build(other, torch.tensor([700.0, 0.0]))
    with pytest.raises(UnsupportedError, match="schedule 'karras'"):
        SCHEDULES.get("align_your_steps").build(other, 10)


def test_names_that_nothing_has_are_refused_at_once():
    with pytest.raises(InputError, match=r"sampler 'heun'.*euler, dpmpp_2m"):
        DenoiseOptions(8, PLAIN, sampler="heun")
    with pytest.raises(InputError, match=r"schedule 'linear'.*karras, align_your_steps"):
        DenoiseOptions(8, PLAIN, schedule="linear")


def smooth_clip(frames: int) -> Tensor:
    """Covariance of a number that wanders slowly from frame to frame, (F, F)."""
    time = torch.arange(frames, dtype=torch.float64)
    return torch.exp(-(((time[:, None] - time) / 4) ** 2) / 2)


def wandering(latents: Tensor, level: float) -> Tensor:
    covariance = smooth_clip(len(latents))
    gain = covariance @ torch.linalg.inv(covariance + level**2 * torch.eye(len(latents), dtype=torch.float64))
    return torch.einsum("fg,gchw->fchw", gain, latents.double()).float()


@pytest.mark.parametrize("schedule", SCHEDULES.ids())
@pytest.mark.parametrize("sampler", SAMPLERS.ids())
@pytest.mark.parametrize("places", [[0, 1, 2, 3], [8, 9, 10, 11], [0, 1, 10, 11]])
def test_known_frames_stay_and_their_neighbours_go_on_from_them(exact, noise, sampler, schedule, places):
    backbone = Exact(exact.facts, exact.make_scheduler, wandering)
    draw = torch.randn(FRAMES, *CELLS, generator=torch.Generator().manual_seed(8)).double()
    root = torch.linalg.cholesky(smooth_clip(FRAMES) + 1e-6 * torch.eye(FRAMES, dtype=torch.float64))
    clip = torch.einsum("fg,gchw->fchw", root, draw).float()
    known = KnownFrames(clip[places], torch.tensor(places))
    clip_made = made(backbone, noise, 30, sampler, schedule, known)
    assert torch.equal(clip_made[places], known.latents)
    # A step from a known frame to a made one is no larger than the steps that the data itself takes.
    jumps = clip_made.diff(dim=0).square().mean((1, 2, 3)).sqrt()
    own = clip.diff(dim=0).square().mean((1, 2, 3)).sqrt()
    assert jumps.max() < 2 * own.max()
    free = made(backbone, noise, 30, sampler, schedule)
    assert (free[places] - known.latents).abs().mean() > 3 * own.max()


@pytest.mark.parametrize("sampler", SAMPLERS.ids())
def test_what_the_network_thinks_of_known_frames_touches_no_other(exact, noise, sampler):
    """A multistep solver remembers what the network said; of known frames it must not matter."""
    places = torch.tensor([0, 1, 2])
    known = KnownFrames(torch.ones(3, *CELLS), places)

    def misled(latents, level):
        return two_peaks(latents, level).index_fill(0, places, 1e4)

    plain = made(exact, noise, 8, sampler, known=known)
    wrong = made(Exact(exact.facts, exact.make_scheduler, misled), noise, 8, sampler, known=known)
    assert torch.equal(plain, wrong)
