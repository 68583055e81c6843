"""Speech, light and camera adapters: silent until trained, heard once they are, and only where they should be."""

import pytest
import torch

from motionweave.models.camera_encoder import CameraEncoder
from motionweave.models.injections import UNetInputs
from motionweave.models.layer_tokens import spatial_cross_attention
from motionweave.models.light_encoder import LightEncoder
from motionweave.models.speech_projector import SpeechProjector

FRAMES = 3


def draw(*shape, seed=4):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def inputs():
    return UNetInputs(draw(2, FRAMES, 8, 4, 4), torch.tensor(0.3), draw(2, 1, 32), draw(2, 3).abs())


def build(kind, unet):
    torch.manual_seed(3)
    layers = spatial_cross_attention(unet)
    if kind == "speech":
        return SpeechProjector(layers, 5, 2, 8, 16, 32, 4).eval(), (draw(FRAMES, 5, 2, 8), torch.ones(FRAMES, 4, 4))
    if kind == "light":
        return LightEncoder(layers, 16, 32, 4, 128).eval(), (draw(FRAMES, 9, 3),)
    return CameraEncoder((32, 64), 1, 16).eval(), (draw(FRAMES, 6, 4, 4), draw(1, 6, 4, 4))


def train_a_little(net):
    """Stand in for training: whatever began at zero does so no more."""
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)


def run(unet, inputs, made=None):
    with torch.no_grad():
        return unet(inputs.sample, inputs.timestep, inputs.tokens, inputs.time_ids, made)


@pytest.mark.parametrize("kind", ["speech", "light", "camera"])
def test_it_says_nothing_until_it_is_trained_and_something_then(tiny_backbone, inputs, kind):
    unet = tiny_backbone.unet
    net, signal = build(kind, unet)
    plain = run(unet, inputs)
    with torch.no_grad():
        torch.testing.assert_close(run(unet, inputs, net(inputs, net.encode(*signal))), plain, rtol=0, atol=1e-5)
        train_a_little(net)
        made = net(inputs, net.encode(*signal))
    assert (run(unet, inputs, made) - plain).abs().max() > 1e-3
    silent = run(unet, inputs, made.scaled(torch.zeros(2 * FRAMES)))
    torch.testing.assert_close(silent, plain, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["speech", "light", "camera"])
def test_each_frame_is_told_of_its_own_moment_alone(tiny_backbone, kind):
    net, signal = build(kind, tiny_backbone.unet)
    train_a_little(net)
    one = UNetInputs(draw(1, 1, 8, 4, 4), torch.tensor(0.3), draw(1, 1, 32), draw(1, 3))
    three = UNetInputs(draw(1, FRAMES, 8, 4, 4), torch.tensor(0.3), draw(1, 1, 32), draw(1, 3))
    with torch.no_grad():
        whole, last = net(three, net.encode(*signal)), net(one, net.encode(*(each[-1:] for each in signal)))
    if whole.residuals is not None:
        torch.testing.assert_close(whole.residuals.mid[-1:], last.residuals.mid)
    for name, (tokens,) in whole.attention.items():
        torch.testing.assert_close(tokens.value[-1:], last.attention[name][0].value)


def test_speech_changes_nothing_where_there_is_no_face(tiny_backbone, inputs):
    unet = tiny_backbone.unet
    net, (heard, region) = build("speech", unet)
    train_a_little(net)
    with torch.no_grad():
        made = net(inputs, net.encode(heard, 0 * region))
    torch.testing.assert_close(run(unet, inputs, made), run(unet, inputs), rtol=0, atol=1e-5)


def test_a_camera_encoder_gives_one_map_a_skip_of_svd_xt():
    with torch.device("meta"):
        net = CameraEncoder()
        made = net.encode(torch.zeros(2, 6, 16, 16), torch.zeros(1, 6, 16, 16))
    assert [tuple(each.shape[1:]) for each in made.down] == [
        (320, 16, 16), (320, 16, 16), (320, 16, 16), (320, 8, 8), (640, 8, 8), (640, 8, 8), (640, 4, 4),
        (1280, 4, 4), (1280, 4, 4), (1280, 2, 2), (1280, 2, 2), (1280, 2, 2),
    ]  # fmt: skip
    assert tuple(made.mid.shape) == (2, 1280, 2, 2)


def test_the_layers_that_read_tokens_are_the_spatial_cross_attentions():
    from diffusers import UNetSpatioTemporalConditionModel

    with torch.device("meta"):
        layers = spatial_cross_attention(UNetSpatioTemporalConditionModel(num_attention_heads=(5, 10, 20, 20)))
    assert sorted(layers.values()) == [320] * 5 + [640] * 5 + [1280] * 6
