"""Numbers that are not finite stop a window, and the message says where and why: real networks, driven too far."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from motionweave.backbones.base import Conditioning
from motionweave.errors import MotionWeaveError
from motionweave.sampling import SAMPLERS, DenoiseOptions, Guidance, denoise_window, frame_noise
from motionweave.types import Size

STEPS = 3


@pytest.fixture(scope="module")
def conditioning(tiny_backbone):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return Conditioning(tiny_backbone.encode_image(picture, Size(32, 32), 0.02, 0), 7.0)


def driven(backbone, layer, factor, dtype=torch.float32):
    """Give a copy whose UNet has one layer's weights multiplied, in a precision."""
    unet = deepcopy(backbone.unet)
    unet.get_submodule(layer).weight.data.mul_(factor)
    return replace(backbone, unet=unet.to(dtype))


def window(backbone, conditioning, guidance=1.5, sampler="euler", on_step=None):
    noise = frame_noise(5, 0, 4, (4, 4, 4), 4)
    with torch.no_grad():
        options = DenoiseOptions(STEPS, Guidance(guidance), sampler)
        return denoise_window(backbone, conditioning, noise, options, on_step=on_step)


def test_a_unet_that_overflows_in_float16_stops_the_window_at_its_step(tiny_backbone, conditioning):
    # conv_out's sum leaves float16's range, which ends at 65504; float32 holds it, and so does what follows.
    with pytest.raises(MotionWeaveError, match=r"not finite at step 1 of 3.*16-bit.*bfloat16 or float32"):
        window(driven(tiny_backbone, "conv_out", 2e5, torch.float16), conditioning)
    for finite in (driven(tiny_backbone, "conv_out", 2e5), driven(tiny_backbone, "conv_out", 1.0, torch.float16)):
        assert bool(torch.isfinite(window(finite, conditioning)).all())


@pytest.mark.parametrize("sampler", SAMPLERS.ids())
def test_latents_that_overflow_on_finite_numbers_stop_the_window(tiny_backbone, conditioning, sampler):
    seen = []
    with pytest.raises(MotionWeaveError, match=r"latents are not finite at step 1 of 3.*lower guidance"):
        window(driven(tiny_backbone, "conv_out", 1e38), conditioning, 100.0, sampler, lambda step, _: seen.append(step))
    assert seen == []


def test_the_step_that_is_named_is_the_one_that_failed(tiny_backbone, conditioning):
    class FailsLate:
        """The real backbone until its second step, then one that overflows."""

        facts, scheduler, steps = tiny_backbone.facts, tiny_backbone.scheduler, []

        def predict(self, *inputs):
            self.steps.append(len(self.steps) + 1)
            used = driven(tiny_backbone, "conv_out", 2e5, torch.float16) if len(self.steps) == 2 else tiny_backbone
            return used.predict(*inputs)

    with pytest.raises(MotionWeaveError, match="not finite at step 2 of 3"):
        window(FailsLate(), conditioning)
