"""MimicMotion's PoseNet: the published arithmetic, names and place."""

import pytest
import torch
import torch.nn.functional as F

from motionweave.backbones.base import ActiveControl, Conditioning, Identity, Pass
from motionweave.models.injections import UNetInputs
from motionweave.models.pose_net import PoseNet
from motionweave.types import Size

FRAMES = 3


@pytest.fixture
def net():
    torch.manual_seed(1)
    net = PoseNet(32, (3, 8, 8, 16, 16)).eval()
    torch.nn.init.normal_(net.final_proj.weight, std=0.5)
    return net.requires_grad_(False)


@pytest.fixture
def inputs():
    return torch.randn(2, FRAMES, 8, 4, 4), torch.tensor(0.3), torch.randn(2, 1, 32), torch.rand(2, 3)


def test_it_is_the_published_convolutions(net):
    pictures = torch.rand(FRAMES, 3, 32, 32) * 2 - 1
    state, hidden = net.state_dict(), pictures
    for index in range(0, 16, 2):
        weight, bias = (state[f"conv_layers.{index}.{part}"] for part in ("weight", "bias"))
        hidden = F.silu(F.conv2d(hidden, weight, bias, stride=2 if weight.shape[-1] == 4 else 1, padding=1))
    hidden = F.conv2d(hidden, state["final_proj.weight"], state["final_proj.bias"]) * state["scale"]
    assert hidden.shape == (FRAMES, 32, 4, 4)
    torch.testing.assert_close(net.encode(pictures), hidden, rtol=0, atol=1e-6)


def test_a_scale_of_zero_leaves_the_unet_as_it_was(tiny_backbone, net, inputs):
    pictures = torch.rand(FRAMES, 3, 32, 32)
    unet = tiny_backbone.unet
    with torch.no_grad():
        plain = unet(*inputs)
        assert (unet(*inputs, net(UNetInputs(*inputs), net.encode(pictures))) - plain).abs().max() > 1e-3
        net.scale.zero_()
        assert torch.equal(unet(*inputs, net(UNetInputs(*inputs), net.encode(pictures))), plain)


def test_a_fresh_one_says_nothing(inputs):
    net = PoseNet(32, (3, 8, 8, 8, 8))
    with torch.no_grad():
        assert not net(UNetInputs(*inputs), net.encode(torch.rand(FRAMES, 3, 32, 32))).stem.any()


def test_a_pass_without_the_image_gets_no_pose(tiny_backbone, net):
    identity = Identity(torch.randn(4, 4, 4), torch.randn(1, 32), Size(32, 32), 0.02, "who")
    control = ActiveControl(net, "net", (torch.rand(FRAMES, 3, 32, 32),), torch.ones(FRAMES), unconditional=False)
    passes, sample = (Pass(image=False), Pass()), torch.randn(FRAMES, 4, 4, 4)

    def predict(*controls):
        conditioning = Conditioning(identity, 7.0, controls=controls)
        with torch.no_grad():
            return tiny_backbone.predict(sample, torch.tensor(0.1), conditioning, 0.5, passes)

    plain, posed = predict(), predict(control)
    torch.testing.assert_close(posed[0], plain[0], rtol=0, atol=1e-6)
    assert (posed[1] - plain[1]).abs().max() > 1e-3


def test_the_full_size_one_has_the_published_names_and_shapes():
    with torch.device("meta"):
        state = {name: tuple(value.shape) for name, value in PoseNet().state_dict().items()}
    convolutions = [
        (3, 3, 3),
        (16, 3, 4),
        (16, 16, 3),
        (32, 16, 4),
        (32, 32, 3),
        (64, 32, 4),
        (64, 64, 3),
        (128, 64, 3),
    ]
    expected = {"scale": (1,), "final_proj.weight": (320, 128, 1, 1), "final_proj.bias": (320,)}
    for index, (out, into, kernel) in enumerate(convolutions):
        expected[f"conv_layers.{2 * index}.weight"] = (out, into, kernel, kernel)
        expected[f"conv_layers.{2 * index}.bias"] = (out,)
    assert state == expected
    assert sum(torch.Size(shape).numel() for shape in state.values()) == 205_557
