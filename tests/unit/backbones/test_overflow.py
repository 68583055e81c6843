"""A VAE that leaves the range of float16 is found out before its pixels are clamped: real networks, driven too far."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from motionweave.errors import MotionWeaveError
from motionweave.types import Size

PICTURE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
LATENTS = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(2))

FAR = 1e6
"""What brings a sum past float16's end, but not the weights themselves."""


def driven(backbone, layer, factor, dtype=torch.float32):
    """Give a copy whose VAE has one layer's weights multiplied, in a precision."""
    vae = deepcopy(backbone.vae)
    vae.get_submodule(layer).weight.data.mul_(factor)
    return replace(backbone, vae=vae.to(dtype))


@torch.no_grad()
def test_decoding_that_overflows_in_float16_says_so_and_float32_holds_it(tiny_backbone):
    with pytest.raises(MotionWeaveError, match=r"decoding.*overflowed in float16.*load it in bfloat16 or float32"):
        driven(tiny_backbone, "decoder.conv_out", FAR, torch.float16).decode_clip(LATENTS)
    for factor, dtype in ((FAR, torch.float32), (FAR, torch.bfloat16), (1.0, torch.float16)):
        frames = driven(tiny_backbone, "decoder.conv_out", factor, dtype).decode_clip(LATENTS)
        assert bool(torch.isfinite(frames).all())


@torch.no_grad()
def test_infinity_alone_is_not_clamped_to_white(tiny_backbone):
    broken = driven(tiny_backbone, "decoder.time_conv_out", 1.0)
    broken.vae.decoder.time_conv_out.bias.data.fill_(float("inf"))
    with pytest.raises(MotionWeaveError, match=r"overflowed even in float32.*damaged"):
        broken.decode_clip(LATENTS)


@torch.no_grad()
def test_latents_that_are_not_finite_are_not_blamed_on_the_vae(tiny_backbone):
    latents = LATENTS.clone()
    latents[0, 0, 0, 0] = float("nan")
    with pytest.raises(MotionWeaveError, match="what it was given is not finite already"):
        tiny_backbone.decode_clip(latents)


@torch.no_grad()
def test_encoding_runs_in_float32_whatever_the_precision(tiny_backbone):
    """As diffusers does; afterwards the VAE is as it was, also where it failed."""
    narrow = driven(tiny_backbone, "encoder.conv_out", FAR, torch.float16)
    assert bool(torch.isfinite(narrow.encode_clip(PICTURE)).all())
    assert narrow.vae.dtype == torch.float16
    with pytest.raises(RuntimeError):
        narrow.encode_clip(PICTURE[..., :1])
    assert narrow.vae.dtype == torch.float16
    assert bool(torch.isfinite(narrow.encode_image(PICTURE, Size(32, 32), 0.02, 0).image_latents).all())
    broken = driven(tiny_backbone, "quant_conv", float("inf"))
    with pytest.raises(MotionWeaveError, match=r"encoding the image.*even in float32"):
        broken.encode_image(PICTURE, Size(32, 32), 0.02, 0)
