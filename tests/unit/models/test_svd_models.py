"""The UNet and its ControlNet against diffusers' class and the published network."""

import re

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel

from motionweave.models.injections import ControlResiduals, Injections, UNetInputs
from motionweave.models.svd_controlnet import SVDControlNet, skip_repeats
from motionweave.models.svd_unet import BlockInputs, run_down_blocks

FRAMES = 3


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(4)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    return draw(2, FRAMES, 8, 4, 4), torch.tensor(0.3), draw(2, 1, 32), draw(2, 3).abs()


@pytest.fixture(scope="module")
def residuals(tiny_controlnet, inputs):
    pictures = torch.rand(FRAMES, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1
    net = tiny_controlnet.net
    with torch.no_grad():
        return net(UNetInputs(*inputs), net.encode(pictures)).residuals


def test_without_residuals_the_unet_is_its_parent_to_the_bit(tiny_backbone, inputs):
    with torch.no_grad():
        parent = UNetSpatioTemporalConditionModel.forward(tiny_backbone.unet, *inputs, return_dict=False)[0]
        assert torch.equal(tiny_backbone.unet(*inputs), parent)


def test_residuals_of_zero_change_nothing(tiny_backbone, inputs, residuals):
    with torch.no_grad():
        silent = tiny_backbone.unet(*inputs, Injections(residuals.scaled(torch.zeros(2 * FRAMES))))
        assert torch.equal(silent, tiny_backbone.unet(*inputs))


def published_loop(unet, inputs, down, mid, decoder_half):
    """The UNet of svd-temporal-controlnet: every turn of the down loop adds all residuals that pair up so far."""
    sample, timestep, context, time_ids = inputs
    given = BlockInputs.embed(unet, sample, timestep, context, time_ids)
    hidden = unet.conv_in(sample.flatten(0, 1))
    skips = (hidden,)
    for block in unet.down_blocks:
        extra = {"encoder_hidden_states": given.context} if getattr(block, "has_cross_attention", False) else {}
        hidden, made = block(hidden_states=hidden, temb=given.time, image_only_indicator=given.image_only, **extra)
        skips += made
        skips = tuple(skip + added for skip, added in zip(skips, down, strict=False))
    hidden = unet.mid_block(hidden, given.time, given.context, given.image_only) + mid
    hidden = decoder_half(unet, hidden, skips, given)
    hidden = unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))
    return hidden.reshape(*sample.shape[:2], *hidden.shape[1:])


def test_residuals_act_as_in_the_published_loop(tiny_backbone, tiny_controlnet, inputs, residuals, decoder_half):
    net = tiny_controlnet.net
    once = tuple(made / count for made, count in zip(residuals.down, net.repeats, strict=True))
    with torch.no_grad():
        ours = tiny_backbone.unet(*inputs, Injections(residuals))
        published = published_loop(tiny_backbone.unet, inputs, once, residuals.mid, decoder_half)
        plain = tiny_backbone.unet(*inputs)
    torch.testing.assert_close(ours, published, rtol=0, atol=1e-5)
    assert (ours - plain).abs().max() > 0.1


def test_the_controlnet_gives_one_residual_a_skip(tiny_backbone, inputs, residuals):
    unet = tiny_backbone.unet
    with torch.no_grad():
        given = BlockInputs.embed(unet, *inputs)
        hidden, skips = run_down_blocks(unet, unet.conv_in(inputs[0].flatten(0, 1)), given)
    assert [tuple(made.shape) for made in residuals.down] == [tuple(skip.shape) for skip in skips]
    assert residuals.mid.shape == hidden.shape


def test_a_fresh_controlnet_says_nothing(tiny_backbone, inputs):
    net = SVDControlNet.from_unet(tiny_backbone.unet, (16, 16, 16, 16)).eval()
    with torch.no_grad():
        made = net(UNetInputs(*inputs), net.encode(torch.rand(FRAMES, 3, 32, 32))).residuals
    assert not any(bool(residual.any()) for residual in (*made.down, made.mid))
    assert torch.equal(net.down_blocks[0].resnets[0].spatial_res_block.conv1.weight,
                       tiny_backbone.unet.down_blocks[0].resnets[0].spatial_res_block.conv1.weight)  # fmt: skip


def test_residuals_add_and_scale():
    one = ControlResiduals((torch.ones(2, 1, 1, 1), torch.ones(2, 1, 1, 1)), torch.ones(2, 1, 1, 1))
    both = one + one.scaled(torch.tensor([0.0, 2.0]))
    assert [value.flatten().tolist() for value in (*both.down, both.mid)] == [[1.0, 3.0]] * 3


@pytest.mark.parametrize(("layers", "blocks"), [(2, 4), (1, 2), (1, 3), (2, 1)])
def test_repeats_count_the_turns_after_a_skip_was_made(layers, blocks):
    counts = [0]
    for block in range(blocks):
        counts += [0] * (layers + (block < blocks - 1))
        counts = [count + 1 for count in counts]
    assert skip_repeats(layers, blocks) == tuple(counts)


def test_full_size_names_and_shapes_are_those_published():
    with torch.device("meta"):
        ours = {name: tuple(value.shape) for name, value in SVDControlNet().state_dict().items()}
        unet = {
            name: tuple(value.shape)
            for name, value in UNetSpatioTemporalConditionModel(num_attention_heads=(5, 10, 20, 20))
            .state_dict()
            .items()
        }
    half = {
        name: shape
        for name, shape in unet.items()
        if re.match(r"(conv_in|time_embedding|add_embedding|down_blocks|mid_block)\.", name)
    }
    own = {name: shape for name, shape in ours.items() if name not in half}
    assert {name: ours[name] for name in half} == half
    widths = [(3, 16), *[(16, 16), (16, 32), (32, 32), (32, 96), (96, 96), (96, 256)], (256, 320)]
    names = ["conv_in", *[f"blocks.{index}" for index in range(6)], "conv_out"]
    expected = {}
    for name, (into, out) in zip(names, widths, strict=True):
        expected[f"controlnet_cond_embedding.{name}.weight"] = (out, into, 3, 3)
        expected[f"controlnet_cond_embedding.{name}.bias"] = (out,)
    for index, width in enumerate([320] * 4 + [640] * 3 + [1280] * 5):
        expected[f"controlnet_down_blocks.{index}.weight"] = (width, width, 1, 1)
        expected[f"controlnet_down_blocks.{index}.bias"] = (width,)
    expected |= {"controlnet_mid_block.weight": (1280, 1280, 1, 1), "controlnet_mid_block.bias": (1280,)}
    assert own == expected
