"""A step that reuses the one before: when, what it saves, and that it is exact wherever it does not reuse."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.backbones.base import Conditioning
from motionweave.controls import PoseControl
from motionweave.errors import InputError
from motionweave.models.step_cache import StepCache
from motionweave.sampling import DenoiseOptions, Guidance, denoise_window, frame_noise
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size, Window

FRAMES, PASSES = 4, 2


def inputs(seed=1):
    generator = torch.Generator().manual_seed(seed)
    sample = torch.randn(PASSES, FRAMES, 8, 4, 4, generator=generator)
    return [sample, torch.tensor(0.3), torch.randn(PASSES, 1, 32, generator=generator), torch.ones(PASSES, 3)]


@torch.no_grad()
def test_an_unchanged_step_is_reused_and_stays_what_it_was(tiny_backbone):
    cache, given = StepCache(0.05), inputs()
    exact = tiny_backbone.unet(*given)
    assert torch.equal(tiny_backbone.unet(*given, cache=cache), exact)
    again = tiny_backbone.unet(*given, cache=cache)
    assert cache.reused == 1
    torch.testing.assert_close(again, exact, rtol=1e-4, atol=1e-5)


def test_a_reused_step_adds_what_followed_to_what_the_first_block_does_now():
    cache, (stem, before, now, made) = StepCache(0.5), torch.rand(4, 2, 8, 4, 4)
    now = before + 0.01 * now
    assert torch.equal(cache.run(stem, before, 1, lambda: made), made)
    estimate = cache.run(stem, now, 1, lambda: pytest.fail("run in full"))
    torch.testing.assert_close(estimate, now + (made - before))


@torch.no_grad()
def test_a_step_that_changed_is_run_in_full_to_the_bit(tiny_backbone):
    cache = StepCache(0.05)
    tiny_backbone.unet(*inputs(), cache=cache)
    assert torch.equal(tiny_backbone.unet(*inputs(2), cache=cache), tiny_backbone.unet(*inputs(2)))
    assert cache.reused == 0


@torch.no_grad()
@pytest.mark.parametrize("changed", range(PASSES))
def test_the_pass_that_changed_most_decides(tiny_backbone, changed):
    """Half of the batch is as it was, which must not hide that the other half is not."""
    cache, given = StepCache(0.9), inputs()
    tiny_backbone.unet(*given, cache=cache)
    given[0] = given[0].clone()
    given[0][changed] = 5 * inputs(3)[0][changed]
    tiny_backbone.unet(*given, cache=cache)
    assert cache.reused == 0


@torch.no_grad()
def test_changes_count_from_the_last_full_step_not_from_the_last(tiny_backbone):
    """Many small changes are a large one."""
    cache, given, toward = StepCache(0.1), inputs(), inputs(2)[0]
    reused = []
    for index in range(12):
        tiny_backbone.unet(given[0].lerp(toward, index / 40), *given[1:], cache=cache)
        reused.append(cache.reused)
    assert 0 < reused[-1] < 11


@torch.no_grad()
def test_what_was_found_under_other_controls_is_forgotten(tiny_backbone):
    cache, given = StepCache(0.5), inputs()
    for under, reused in (("pose", 0), ("pose", 1), ("nothing", 1), ("nothing", 2)):
        cache.require(under)
        tiny_backbone.unet(*given, cache=cache)
        assert cache.reused == reused


@pytest.fixture(scope="module")
def plain(tiny_backbone):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return Conditioning(tiny_backbone.encode_image(picture, Size(32, 32), 0.02, 0), 7.0)


@pytest.fixture(scope="module")
def posed(plain, tiny_controlnet):
    maps = PoseMapFrames(torch.rand(FRAMES, 3, 32, 32, generator=torch.Generator().manual_seed(2)), Fraction(7))
    return PoseControl(tiny_controlnet, maps).apply_to(plain, Window(0, 0, FRAMES, 0))


@pytest.fixture
def runs(tiny_backbone, tiny_controlnet):
    """Count how often the middle of the UNet and of the ControlNet are run."""
    counts = {"unet": 0, "controlnet": 0}

    def counting(name):
        def count(*_):
            counts[name] += 1

        return count

    hooks = [
        tiny_backbone.unet.mid_block.register_forward_hook(counting("unet")),
        tiny_controlnet.net.mid_block.register_forward_hook(counting("controlnet")),
    ]
    yield counts
    for hook in hooks:
        hook.remove()


def window(backbone, conditioning, steps=6, **options):
    with torch.no_grad():
        noise = frame_noise(5, 0, FRAMES, (4, 4, 4), 4)
        return denoise_window(backbone, conditioning, noise, DenoiseOptions(steps, Guidance(1.5), **options))


def test_off_is_exact_and_so_is_a_threshold_that_nothing_stays_below(tiny_backbone, posed, runs):
    exact = window(tiny_backbone, posed)
    assert runs == {"unet": 6, "controlnet": 6}
    assert torch.equal(window(tiny_backbone, posed, cache_threshold=0.0), exact)
    assert torch.equal(window(tiny_backbone, posed, cache_threshold=1e-9), exact)
    assert runs == {"unet": 18, "controlnet": 18}


def test_the_first_and_last_steps_are_run_in_full_and_controlnets_only_with_them(tiny_backbone, posed, runs):
    # The highest levels say nothing of the picture: with so high a threshold, nothing there counts as a change.
    made = window(tiny_backbone, posed, 4, cache_threshold=0.99)
    assert runs == {"unet": 2, "controlnet": 2}
    assert bool(torch.isfinite(made).all())


def test_a_window_remembers_nothing_of_another(tiny_backbone, posed, runs):
    first = window(tiny_backbone, posed, 4, cache_threshold=0.99)
    assert torch.equal(window(tiny_backbone, posed, 4, cache_threshold=0.99), first)
    assert runs == {"unet": 4, "controlnet": 4}


def test_a_control_that_begins_to_act_is_not_missed(tiny_backbone, posed, runs):
    late = replace(posed, controls=(replace(posed.controls[0], active=(0.5, 1.0)),))
    window(tiny_backbone, late, 4, cache_threshold=0.99)
    # In full: the first step, the third, where the control begins, and the last.
    assert runs == {"unet": 3, "controlnet": 2}


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_thresholds_that_mean_nothing_are_refused(threshold):
    with pytest.raises(InputError, match="step cache threshold"):
        DenoiseOptions(8, Guidance(1.0), cache_threshold=threshold)
