"""The algebra of guidance, and which passes it costs."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
import torch

from motionweave.backbones.base import Conditioning, Pass
from motionweave.controls import PoseControl
from motionweave.errors import InputError
from motionweave.sampling import DenoiseOptions, Guidance, denoise_window, frame_noise
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size, Window

BOTH, IMAGE, CONTROLS, NEITHER = (
    Pass(),
    Pass(controls=False),
    Pass(image=False),
    Pass(image=False, controls=False),
)
SAID = {
    each: torch.randn(3, 4, 2, 2, generator=torch.Generator().manual_seed(index))
    for index, each in enumerate((BOTH, IMAGE, CONTROLS, NEITHER))
}


def mixed(guidance):
    return guidance.combine(tuple(SAID[each] for each in guidance.passes))


@pytest.mark.parametrize(
    ("guidance", "passes"),
    [
        (Guidance(1.0), (BOTH,)),
        (Guidance(1.0, 1.0), (BOTH,)),
        (Guidance(2.5), (CONTROLS, BOTH)),
        (Guidance(1.0, 3.0), (CONTROLS, BOTH)),
        (Guidance(1.0, control=4.0), (IMAGE, BOTH)),
        (Guidance(1.0, control=0.0), (IMAGE, BOTH)),
        (Guidance(2.5, control=4.0), (NEITHER, IMAGE, BOTH)),
        (Guidance(3.0, 1.0, control=4.0), (NEITHER, IMAGE, BOTH)),
    ],
)
def test_only_the_passes_that_count_are_run(guidance, passes):
    assert guidance.passes == passes


def test_three_ways_go_from_nothing_to_the_image_and_from_there_to_the_controls():
    none, image, both = SAID[NEITHER], SAID[IMAGE], SAID[BOTH]
    expected = none + 2.0 * (image - none) + 7.5 * (both - image)
    torch.testing.assert_close(mixed(Guidance(2.0, control=7.5)), expected)


def test_the_ramp_is_the_images_alone():
    none, image, both = SAID[NEITHER], SAID[IMAGE], SAID[BOTH]
    scale = torch.tensor([1.0, 2.0, 3.0]).view(-1, 1, 1, 1)
    expected = none + scale * (image - none) + 4.0 * (both - image)
    torch.testing.assert_close(mixed(Guidance(3.0, 1.0, control=4.0)), expected)


@pytest.mark.parametrize("scale", [1.5, 2.5, 9.0])
def test_control_guidance_of_1_is_plain_guidance_to_the_bit(scale):
    plain = SAID[CONTROLS] + scale * (SAID[BOTH] - SAID[CONTROLS])
    assert torch.equal(mixed(Guidance(scale, control=1.0)), plain)


def test_both_scales_of_1_are_one_pass_as_it_is():
    assert mixed(Guidance(1.0, control=1.0)) is SAID[BOTH]


def test_equal_scales_are_plain_guidance_against_nothing_at_all():
    plain = SAID[NEITHER] + 3.0 * (SAID[BOTH] - SAID[NEITHER])
    torch.testing.assert_close(mixed(Guidance(3.0, control=3.0)), plain)


def test_control_guidance_alone_moves_from_the_image_toward_the_controls():
    torch.testing.assert_close(mixed(Guidance(1.0, control=0.0)), SAID[IMAGE])
    expected = SAID[IMAGE] + 5.0 * (SAID[BOTH] - SAID[IMAGE])
    torch.testing.assert_close(mixed(Guidance(1.0, control=5.0)), expected)


@pytest.mark.parametrize("control", [-0.1, 100.5, float("nan")])
def test_control_scales_that_mean_nothing_are_refused(control):
    with pytest.raises(InputError, match="control guidance"):
        Guidance(1.0, control=control)


@dataclass(frozen=True)
class Counting:
    """The real backbone, and which passes it was asked for."""

    backbone: Any
    asked: list[tuple[Pass, ...]] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.backbone, name)

    def predict(self, *inputs):
        self.asked.append(inputs[4])
        return self.backbone.predict(*inputs)


@pytest.fixture(scope="module")
def plain(tiny_backbone):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return Conditioning(tiny_backbone.encode_image(picture, Size(32, 32), 0.02, 0), 7.0)


@pytest.fixture(scope="module")
def posed(plain, tiny_controlnet):
    maps = PoseMapFrames(torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(2)), Fraction(7))
    return PoseControl(tiny_controlnet, maps).apply_to(plain, Window(0, 0, 4, 0))


def window(backbone, conditioning, guidance, steps=2):
    with torch.no_grad():
        noise = frame_noise(5, 0, 4, (4, 4, 4), 4)
        return denoise_window(backbone, conditioning, noise, DenoiseOptions(steps, guidance))


def test_control_guidance_acts_on_a_real_control(tiny_backbone, posed):
    weak, as_trained, strong = (window(tiny_backbone, posed, Guidance(1.0, control=k), 1) for k in (0.0, 1.0, 3.0))
    # One step is linear in the prediction.
    torch.testing.assert_close(strong, weak + 3 * (as_trained - weak), rtol=1e-3, atol=1e-3)
    assert (as_trained - weak).abs().max() > 0.5


def test_control_guidance_of_0_is_a_window_without_controls(tiny_backbone, plain, posed):
    made = window(tiny_backbone, posed, Guidance(2.0, control=0.0))
    torch.testing.assert_close(made, window(tiny_backbone, plain, Guidance(2.0)), rtol=1e-4, atol=1e-4)


def test_where_there_is_no_control_its_guidance_costs_no_pass(tiny_backbone, plain, posed):
    counting = Counting(tiny_backbone)
    made = window(counting, plain, Guidance(2.0, control=5.0))
    assert counting.asked == [(CONTROLS, BOTH)] * 2
    assert torch.equal(made, window(tiny_backbone, plain, Guidance(2.0)))
    counting = Counting(tiny_backbone)
    window(counting, posed, Guidance(2.0, control=5.0))
    assert counting.asked == [(NEITHER, IMAGE, BOTH)] * 2
