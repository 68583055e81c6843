"""A strength that changes over time: each window sees its own part of the one curve."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.backbones.base import Conditioning, Identity
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
