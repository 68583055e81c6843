"""A chunk whose pixels overflow is named, and what was finished before it stays."""

from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.engine import MotionWeaveEngine
from motionweave.errors import GenerationError
from motionweave.longform.plan import plan_chunks
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.types import Size


def test_a_vae_that_overflows_in_the_second_chunk_leaves_the_first(tiny_backbone, tmp_path):
    backbone = replace(tiny_backbone, vae=deepcopy(tiny_backbone.vae).half())
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        identity = backbone.encode_image(picture, Size(32, 32), 0.02, 0)
    # Encoding an image moves a float16 VAE to float32 and back, which gives its layers new tensors.
    last_layers = (backbone.vae.decoder.conv_out.weight.data, backbone.vae.decoder.time_conv_out.weight.data)
    as_loaded = [layer.clone() for layer in last_layers]

    def drive(factor):
        for layer, loaded in zip(last_layers, as_loaded, strict=True):
            layer.copy_(loaded * factor)

    plan = plan_chunks(backbone.facts, 8, Fraction(7))
    request = Request(backbone, identity, (), plan, DenoiseOptions(1, Guidance(1.0)), 3, tmp_path)

    def drive_too_far(progress):
        if (progress.stage, progress.chunk) == ("denoise", 1):
            drive(1e5)

    def reused(on_progress=None):
        folders = Folders(Path("input"), Path("output"), Path("temp"))
        with torch.no_grad():
            return [
                made.reused
                for made in MotionWeaveEngine(request, LocalRuntime(folders, on_progress=on_progress)).generate()
            ]

    with pytest.raises(GenerationError, match=r"window 2 of 2.*the VAE overflowed in float16.*bfloat16") as caught:
        reused(drive_too_far)
    assert caught.value.window == 1
    drive(1)
    assert reused() == [True, False]
