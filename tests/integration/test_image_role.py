"""What the reference image is to later windows: their own first frame, or the character in any pose."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.backbones.base import Conditioning
from motionweave.engine import MotionWeaveEngine
from motionweave.errors import InputError
from motionweave.longform.plan import plan_chunks
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance, KnownFrames, denoise_window, frame_noise

FPS, OVERLAP = Fraction(7), 2
OPTIONS = DenoiseOptions(2, Guidance(1.5))


def request_for(backbone, identity, folder, **changes) -> Request:
    plan = plan_chunks(backbone.facts, 8, FPS)
    return Request(backbone, identity, (), plan, OPTIONS, 3, folder, **changes)


def engine_of(request):
    return MotionWeaveEngine(request, LocalRuntime(Folders(Path("input"), Path("output"), Path("temp"))))


def second_chunk(request):
    """Run both chunks; give the latents that the second carried on from, and its own new ones."""
    engine = engine_of(request)
    with torch.inference_mode():
        made = [chunk.reused for chunk in engine.generate()]
    return engine.store.latents(0)[-OVERLAP:], engine.store.latents(1), made


def by_hand(backbone, identity, carried):
    known = KnownFrames(carried, torch.arange(OVERLAP))
    noise = frame_noise(3, 2, 8, (4, 4, 4), backbone.facts.window, skip=3 * 32 * 32)
    with torch.inference_mode():
        return denoise_window(backbone, Conditioning(identity, float(FPS)), noise, OPTIONS, known)[OVERLAP:]


def test_a_first_frame_backbone_draws_later_windows_from_their_own_first_frame(tiny_backbone, identity, tmp_path):
    assert tiny_backbone.facts.image_role == "first_frame"
    carried, made, _ = second_chunk(request_for(tiny_backbone, identity, tmp_path))
    # Image latents are the VAE's as they are; carried ones are scaled to unit deviation.
    drawn_from = replace(identity, image_latents=carried[0] / tiny_backbone.vae.config.scaling_factor)
    assert torch.equal(made, by_hand(tiny_backbone, drawn_from, carried))
    assert not torch.equal(made, by_hand(tiny_backbone, identity, carried))


def test_a_reference_backbone_draws_every_window_from_the_reference(tiny_backbone, identity, tmp_path):
    backbone = replace(tiny_backbone, facts=replace(tiny_backbone.facts, image_role="reference"))
    carried, made, _ = second_chunk(request_for(backbone, identity, tmp_path))
    assert torch.equal(made, by_hand(tiny_backbone, identity, carried))


def test_the_role_can_be_given_and_only_later_chunks_are_made_again(tiny_backbone, identity, tmp_path):
    request = request_for(tiny_backbone, identity, tmp_path)
    assert second_chunk(request)[2] == [False, False]
    assert second_chunk(replace(request, image_role="first_frame"))[2] == [True, True]
    carried, made, reused = second_chunk(replace(request, image_role="reference"))
    assert reused == [True, False]
    assert torch.equal(made, by_hand(tiny_backbone, identity, carried))


def test_a_made_frame_is_the_size_of_the_pictures_own_latents(tiny_backbone, identity):
    """A picture that is encoded, decoded and drawn from again stays where it was."""
    latents = identity.image_latents * tiny_backbone.vae.config.scaling_factor
    drawn = tiny_backbone.redrawn(identity, latents)
    torch.testing.assert_close(drawn.image_latents, identity.image_latents)
    assert torch.equal(drawn.tokens, identity.tokens)
    assert drawn.digest != identity.digest


def test_a_role_that_does_not_exist_is_refused(tiny_backbone, identity, tmp_path):
    with pytest.raises(InputError, match=r"'last_frame'.*auto, first_frame, reference"):
        request_for(tiny_backbone, identity, tmp_path, image_role="last_frame")
