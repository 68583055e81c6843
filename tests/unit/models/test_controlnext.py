"""ControlNeXt-SVD v2: the published arithmetic, names and place."""

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from motionweave.models.controlnext import ControlNeXt
from motionweave.models.injections import Injections, UNetInputs
from motionweave.models.svd_unet import BlockInputs

FRAMES = 3


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(1)
    return ControlNeXt(32, (8, 16, 32), (16, 24)).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(2)
    sample, tokens = torch.randn(2, FRAMES, 8, 4, 4, generator=generator), torch.randn(2, 1, 32, generator=generator)
    return sample, torch.tensor(0.3), tokens, torch.tensor([[6.0, 127.0, 0.02]] * 2)


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(FRAMES, 3, 32, 32, generator=torch.Generator().manual_seed(3))


def published_map(net, pictures, timestep):
    """The published forward from the published names."""
    state = net.state_dict()

    def conv(hidden, name, **how):
        return F.conv2d(hidden, state[f"{name}.weight"], state[f"{name}.bias"], **how)

    def norm(hidden, name, groups):
        return F.group_norm(hidden, groups, state[f"{name}.weight"], state[f"{name}.bias"])

    def part(module, prefix):
        module.load_state_dict({name[len(prefix) :]: each for name, each in state.items() if name.startswith(prefix)})
        return module.eval()

    embedding = part(TimestepEmbedding(16, 24), "time_embedding.")
    time = embedding(Timesteps(16, True, 0)(timestep.reshape(1))).expand(len(pictures), -1)
    hidden = F.relu(norm(conv(pictures, "embedding.0", stride=2, padding=1), "embedding.1", 2))
    hidden = F.relu(norm(conv(hidden, "embedding.3"), "embedding.4", 2))
    hidden = F.relu(norm(conv(hidden, "embedding.6"), "embedding.7", 2))
    for index, (into, out, groups) in enumerate([(16, 16, 4), (16, 32, 8)]):
        resnet = ResnetBlock2D(in_channels=into, out_channels=out, temb_channels=24, groups=groups)
        hidden = part(resnet, f"down_res.{index}.")(hidden, time)
        hidden = conv(hidden, f"down_sample.{index}.conv", stride=2, padding=1)
    refined = norm(F.relu(conv(hidden, "mid_convs.0.0", padding=1)), "mid_convs.0.2", 8)
    refined = norm(conv(refined, "mid_convs.0.3", padding=1), "mid_convs.0.4", 8)
    return conv(refined + hidden, "mid_convs.1")


def test_its_map_is_the_published_networks(net, inputs, pictures):
    with torch.no_grad():
        (made,) = net(UNetInputs(*inputs), net.encode(pictures)).first_block
        expected = published_map(net, pictures, inputs[1])
    torch.testing.assert_close(made.feature, torch.cat([expected] * 2), rtol=0, atol=1e-5)
    assert made.strength.tolist() == pytest.approx([0.2])


def test_frames_do_not_see_each_other(net, inputs, pictures):
    many = pictures.repeat(4, 1, 1, 1)  # more than are done together
    with torch.no_grad():
        (few,) = net(UNetInputs(*inputs), net.encode(pictures)).first_block
        sample = inputs[0].repeat(1, 4, 1, 1, 1)
        (every,) = net(UNetInputs(sample, *inputs[1:]), net.encode(many)).first_block
    torch.testing.assert_close(every.feature[: 4 * FRAMES], few.feature[:FRAMES].repeat(4, 1, 1, 1), rtol=0, atol=1e-5)


def published_unet(unet, inputs, control, decoder_half):
    """The published UNet: cross-normalised and then pooled, after the first block, behind its skips."""
    sample, timestep, context, time_ids = inputs
    given = BlockInputs.embed(unet, sample, timestep, context, time_ids)
    hidden = unet.conv_in(sample.flatten(0, 1))
    skips = (hidden,)
    for index, block in enumerate(unet.down_blocks):
        extra = {"encoder_hidden_states": given.context} if getattr(block, "has_cross_attention", False) else {}
        hidden, made = block(hidden_states=hidden, temb=given.time, image_only_indicator=given.image_only, **extra)
        skips += made
        if index == 0:
            axes = (1, 2, 3)
            mean, deviation = hidden.mean(axes, keepdim=True), hidden.std(axes, keepdim=True)
            own_mean, own_deviation = control.mean(axes, keepdim=True), control.std(axes, keepdim=True)
            normal = (control - own_mean) * (deviation / (own_deviation + 1e-5)) + mean
            hidden = hidden + F.adaptive_avg_pool2d(normal, hidden.shape[-2:]) * 0.2
    hidden = unet.mid_block(hidden, given.time, given.context, given.image_only)
    hidden = decoder_half(unet, hidden, skips, given)
    hidden = unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))
    return hidden.reshape(*sample.shape[:2], *hidden.shape[1:])


def test_it_acts_as_in_the_published_unet(tiny_backbone, net, inputs, pictures, decoder_half):
    unet = tiny_backbone.unet
    with torch.no_grad():
        ours = unet(*inputs, net(UNetInputs(*inputs), net.encode(pictures)))
        control = published_map(net, pictures, inputs[1])
        # The map is larger than what it is added to, so that the order of normalising and pooling shows.
        assert control.shape[-1] > 2
        published = published_unet(unet, inputs, torch.cat([control] * 2), decoder_half)
        plain = unet(*inputs, Injections())
    torch.testing.assert_close(ours, published, rtol=0, atol=1e-5)
    assert (ours - plain).abs().max() > 1e-3


def test_a_strength_of_zero_leaves_a_pass_as_it_was(tiny_backbone, net, inputs, pictures):
    factor = torch.tensor([0.0] * FRAMES + [1.0] * FRAMES)
    with torch.no_grad():
        made = net(UNetInputs(*inputs), net.encode(pictures)).scaled(factor)
        mixed, plain = tiny_backbone.unet(*inputs, made), tiny_backbone.unet(*inputs)
    torch.testing.assert_close(mixed[0], plain[0], rtol=0, atol=1e-6)
    assert (mixed[1] - plain[1]).abs().max() > 1e-3


def test_the_full_size_one_has_the_published_names_and_shapes():
    with torch.device("meta"):
        state = {name: tuple(value.shape) for name, value in ControlNeXt().state_dict().items()}
    layers: dict[str, tuple[int, ...]] = {
        "time_embedding.linear_1": (256, 128),
        "time_embedding.linear_2": (256, 256),
        "embedding.0": (64, 3, 3, 3),
        "embedding.1": (64,),
        "embedding.3": (64, 64, 3, 3),
        "embedding.4": (64,),
        "embedding.6": (128, 64, 3, 3),
        "embedding.7": (128,),
        "down_res.1.conv_shortcut": (256, 128, 1, 1),
        "down_sample.0.conv": (128, 128, 3, 3),
        "down_sample.1.conv": (256, 256, 3, 3),
        "mid_convs.0.0": (256, 256, 3, 3),
        "mid_convs.0.2": (256,),
        "mid_convs.0.3": (256, 256, 3, 3),
        "mid_convs.0.4": (256,),
        "mid_convs.1": (320, 256, 1, 1),
    }
    for index, (into, out) in enumerate([(128, 128), (128, 256)]):
        layers |= {
            f"down_res.{index}.norm1": (into,),
            f"down_res.{index}.conv1": (out, into, 3, 3),
            f"down_res.{index}.time_emb_proj": (out, 256),
            f"down_res.{index}.norm2": (out,),
            f"down_res.{index}.conv2": (out, out, 3, 3),
        }
    expected = {f"{name}.weight": shape for name, shape in layers.items()}
    expected |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    assert state == expected
    assert sum(nn.Parameter(torch.empty(shape, device="meta")).numel() for shape in state.values()) == 3_526_400
