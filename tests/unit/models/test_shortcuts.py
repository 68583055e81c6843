"""Less work for the same numbers: held to diffusers' own networks on random weights."""

from copy import deepcopy

import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder

from motionweave.backbones.svd_files import load_svd
from motionweave.models.shortcuts import OneTokenReader, TimeConvolution, take_shortcuts
from motionweave.models.slices import set_slices
from motionweave.models.svd_unet import SVDUNet

FRAMES = 5
UNET = {
    "sample_size": 8,
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "num_attention_heads": (2, 4),
    "cross_attention_dim": 32,
    "addition_time_embed_dim": 32,
    "projection_class_embeddings_input_dim": 96,
    "num_frames": FRAMES,
    "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
    "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
}


@pytest.fixture(scope="module")
def plain():
    torch.manual_seed(0)
    return SVDUNet(**UNET).eval()


@pytest.fixture(scope="module")
def short(plain):
    net = deepcopy(plain)
    take_shortcuts(net)
    return net


def inputs(tokens=1):
    made = torch.Generator().manual_seed(1)
    return (
        torch.randn(2, FRAMES, 8, 8, 8, generator=made),
        torch.tensor(0.3),
        torch.randn(2, tokens, 32, generator=made),
        torch.rand(2, 3, generator=made),
    )


@torch.no_grad()
def test_the_unet_is_diffusers_within_rounding(plain, short):
    torch.testing.assert_close(short(*inputs()), plain(*inputs()), rtol=0, atol=1e-5)


@torch.no_grad()
def test_several_tokens_are_read_as_before(plain, short):
    torch.testing.assert_close(short(*inputs(tokens=3)), plain(*inputs(tokens=3)), rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_vae_is_diffusers_within_rounding():
    torch.manual_seed(0)
    plain = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2, layers_per_block=1
    ).eval()
    short = deepcopy(plain)
    take_shortcuts(short)
    latents = torch.randn(FRAMES, 4, 8, 8)
    expected = plain.decode(latents, num_frames=FRAMES).sample
    torch.testing.assert_close(short.decode(latents, num_frames=FRAMES).sample, expected, rtol=0, atol=1e-5)


def test_every_layer_that_can_takes_its_shortcut_once_and_parameters_stay_where_they_were(plain):
    net = deepcopy(plain)
    before = {name: value.data_ptr() for name, value in net.state_dict().items()}
    take_shortcuts(net)
    take_shortcuts(net)
    assert {name: value.data_ptr() for name, value in net.state_dict().items()} == before
    convolutions = [each for each in net.modules() if isinstance(each, torch.nn.Conv3d)]
    assert convolutions
    assert all(type(each) is TimeConvolution for each in convolutions)
    readers = [each.processor for name, each in net.named_modules() if name.endswith("attn2")]
    assert readers
    assert all(type(each) is OneTokenReader and type(each.otherwise) is not OneTokenReader for each in readers)
    assert not any(
        type(each.processor) is OneTokenReader for name, each in net.named_modules() if name.endswith("attn1")
    )


def test_other_convolutions_in_three_dimensions_are_left_alone():
    net = torch.nn.Sequential(torch.nn.Conv3d(2, 2, 3, padding=1), torch.nn.Conv3d(2, 2, (3, 1, 1)))
    take_shortcuts(net)
    assert all(type(each) is torch.nn.Conv3d for each in net)


def test_a_loaded_backbone_takes_them(tiny_svd_folder):
    backbone = load_svd(tiny_svd_folder)
    for net in (backbone.unet, backbone.vae):
        assert any(type(each) is TimeConvolution for each in net.modules())
        assert not any(type(each) is torch.nn.Conv3d for each in net.modules())


@pytest.mark.parametrize("parts", [2, 3, 50])
@torch.no_grad()
def test_slices_change_nothing_but_memory(short, parts):
    net = deepcopy(short)
    set_slices(net, parts)
    torch.testing.assert_close(net(*inputs()), short(*inputs()), rtol=0, atol=1e-5)
    set_slices(net, 1)
    assert torch.equal(net(*inputs()), short(*inputs()))


@torch.no_grad()
def test_slices_are_what_layers_see(short):
    net, seen = deepcopy(short), []
    layer = net.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0")
    layer.ff.register_forward_pre_hook(lambda _, given: seen.append(("ff", given[0].shape[0])))
    layer.attn1.to_q.register_forward_pre_hook(lambda _, given: seen.append(("q", given[0].shape[0])))
    set_slices(net, 3)
    net(*inputs())
    assert [rows for name, rows in seen if name == "q"] == [4, 4, 2]
    assert [rows for name, rows in seen if name == "ff"] == [1] * 2 * FRAMES
