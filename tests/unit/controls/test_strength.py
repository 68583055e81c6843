"""A strength that changes over time: each window sees its own part of the one curve."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.backbones.base import Conditioning, Identity, Pass
from motionweave.controls import PoseControl
from motionweave.controls.controlnet import LoadedControlNet
from motionweave.errors import InputError
from motionweave.tracks.pose import PoseMapFrames
from motionweave.tracks.timeline import parse_curve
from motionweave.types import Size, Window

FPS = Fraction(24)


@pytest.fixture
def control():
    maps = torch.rand(48, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    net = LoadedControlNet(torch.nn.Identity(), "digest")  # type: ignore[arg-type]
    return PoseControl(net, PoseMapFrames(maps, FPS), parse_curve("0.5: 0, 1: 1, 1.5: 0"))


@pytest.fixture
def conditioning():
    return Conditioning(Identity(torch.zeros(4, 2, 2), torch.zeros(1, 4), Size(16, 16), 0.0, "who"), 24.0)


def strengths(control, conditioning, start, stop):
    (residual,) = control.apply_to(conditioning, Window(0, start, stop, 0)).controls
    return residual.strength


def test_windows_read_one_curve_on_the_videos_clock(control, conditioning):
    whole = strengths(control, conditioning, 0, 48)
    assert whole.max() == 1
    for start in (8, 20, 30):
        assert torch.equal(strengths(control, conditioning, start, start + 12), whole[start : start + 12])


def test_a_window_in_which_the_curve_is_nothing_is_left_as_it_was(control, conditioning):
    assert control.apply_to(conditioning, Window(0, 0, 12, 0)) is conditioning


def test_another_frame_rate_keeps_the_curves_seconds(control, conditioning):
    slower = control.resample(Fraction(12))
    assert torch.equal(strengths(slower, conditioning, 0, 24), strengths(control, conditioning, 0, 48)[::2])


def test_a_curve_that_leaves_the_range_is_refused(control):
    with pytest.raises(InputError, match="strength"):
        replace(control, strength=parse_curve("0: 0, 1: 11"))


@pytest.mark.parametrize("steps", [2, 5, 10])
def test_of_two_that_hand_over_exactly_one_acts_in_each_step(tiny_backbone, tiny_controlnet, steps):
    torch.manual_seed(0)
    plain = Conditioning(Identity(torch.randn(4, 4, 4), torch.randn(1, 32), Size(32, 32), 0.0, "who"), 24.0)
    maps, window = PoseMapFrames(torch.rand(2, 3, 32, 32), FPS), Window(0, 0, 2, 0)
    first = PoseControl(tiny_controlnet, maps, active=(0.0, 0.4))
    second = replace(first, active=(0.4, 1.0))
    both = second.apply_to(first.apply_to(plain, window), window)
    always = replace(first, active=(0.0, 1.0)).apply_to(plain, window)
    sample = torch.randn(2, 4, 4, 4)
    for step in range(steps):
        with torch.no_grad():
            made, expected = (
                tiny_backbone.predict(sample, torch.tensor(0.2), each, step / steps, (Pass(),))
                for each in (both, always)
            )
        assert torch.equal(made[0], expected[0])


def test_from_the_end_to_the_end_is_never(tiny_backbone, tiny_controlnet):
    plain = Conditioning(Identity(torch.zeros(4, 4, 4), torch.zeros(1, 32), Size(32, 32), 0.0, "who"), 24.0)
    control = PoseControl(tiny_controlnet, PoseMapFrames(torch.rand(2, 3, 32, 32), FPS), active=(0.0, 0.0))
    sample = torch.randn(2, 4, 4, 4)
    with torch.no_grad():
        never, without = (
            tiny_backbone.predict(sample, torch.tensor(0.2), each, 0.0, (Pass(),))[0]
            for each in (control.apply_to(plain, Window(0, 0, 2, 0)), plain)
        )
    assert torch.equal(never, without)
