"""What a control network is shown: pictures in the range and the style that it was trained on."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.backbones.base import Conditioning, Identity
from motionweave.controls.controlnet import LoadedControlNet
from motionweave.controls.depth import DepthControl
from motionweave.controls.pose import PoseControl
from motionweave.models.pose_net import PoseNet
from motionweave.tracks.depth import DepthMaps
from motionweave.tracks.keypoints import from_wholebody
from motionweave.tracks.pose import KeypointTrack, PoseMapFrames
from motionweave.types import Size, Window

FPS, SIZE, WINDOW = Fraction(12), Size(64, 64), Window(0, 0, 2, 0)


@pytest.fixture(scope="module")
def net():
    return LoadedControlNet(PoseNet(32, (3, 8, 8, 8, 8)), "digest", unconditional=False)


@pytest.fixture(scope="module")
def poses():
    points = torch.rand(2, 133, 3, generator=torch.Generator().manual_seed(0))
    points[..., :2] = points[..., :2] * 48 + 8
    points[..., 2] = 0.5 + points[..., 2] / 2  # surely seen, but not equally
    return KeypointTrack(tuple((from_wholebody(each.numpy()),) for each in points), SIZE, FPS)


def shown(control):
    conditioning = Conditioning(Identity(torch.zeros(4, 8, 8), torch.zeros(1, 4), SIZE, 0.0, "who"), 12.0)
    (made,) = control.apply_to(conditioning, WINDOW).controls
    return made


def test_pictures_come_in_the_networks_range(net, poses):
    signed = shown(PoseControl(net, poses)).signal[0]
    positive = shown(PoseControl(replace(net, pictures="[0,1]"), poses)).signal[0]
    assert (signed.min(), positive.min()) == (-1, 0)
    torch.testing.assert_close(signed, positive * 2 - 1)
    assert positive.max() > 0.5


def test_poses_are_drawn_in_the_networks_style(net, poses):
    plain, faded, swapped = (
        shown(PoseControl(replace(net, style=style, pictures="[0,1]"), poses)).signal[0]
        for style in ("openpose", "confidence", "mimicmotion")
    )
    assert faded.mean() < plain.mean()
    # Drawn larger and scaled down, so alike only on the whole: red and blue have changed places.
    red, blue = (faded[:, channel].mean() for channel in (0, 2))
    assert (swapped[:, 2].mean() > swapped[:, 0].mean()) == (red > blue)


def test_depth_maps_go_the_same_way(net):
    maps = DepthMaps(PoseMapFrames(torch.rand(2, 3, 64, 64), FPS))
    signed = shown(DepthControl(net, maps)).signal[0]
    positive = shown(DepthControl(replace(net, pictures="[0,1]"), maps)).signal[0]
    assert signed.shape == (2, 3, 64, 64)
    torch.testing.assert_close(signed, positive * 2 - 1)


def test_what_a_network_says_of_passes_without_the_image_is_passed_on(net, poses):
    assert not shown(PoseControl(net, poses)).unconditional
    assert shown(PoseControl(replace(net, unconditional=True), poses)).unconditional
