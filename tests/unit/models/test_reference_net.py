"""The ReferenceNet: SVD's spatial layers, and reference attention against a plain re-implementation of it."""

import copy

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel

from motionweave.models.injections import Injections, UNetInputs
from motionweave.models.reference_net import CLEAN, SCALING, TIME_IDS, ReferenceNet
from motionweave.models.svd_unet import BlockInputs, run_down_blocks

FRAMES = 3


def draw(*shape, seed=4):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def net(tiny_backbone):
    return ReferenceNet.from_unet(tiny_backbone.unet).eval()


@pytest.fixture(scope="module")
def picture():
    return draw(1, 4, 4, 4, seed=1), draw(1, 1, 32, seed=2)


@pytest.fixture(scope="module")
def inputs():
    return draw(2, FRAMES, 8, 4, 4), torch.tensor(0.3), draw(2, 1, 32), draw(2, 3).abs()


def states_of_a_single_picture(unet, picture, decoder_half):
    """What enters SVD's self-attentions when it is told that it sees a picture, not a video."""
    latents, tokens = picture
    sample = torch.cat([latents * SCALING, latents], 1)[:, None]
    given = BlockInputs.embed(unet, sample, torch.tensor(CLEAN), tokens, torch.tensor([TIME_IDS]))
    given.image_only.fill_(1)
    seen = {}
    for name, layer in unet.named_modules():
        if name.endswith(".attn1") and ".transformer_blocks." in name:
            layer.register_forward_hook(lambda _, args, __, name=name: seen.__setitem__(name, args[0]))
    hidden, skips = run_down_blocks(unet, unet.conv_in(sample.flatten(0, 1)), given)
    hidden = unet.mid_block(hidden, given.time, given.context, given.image_only)
    decoder_half(unet, hidden, skips, given)
    return seen


def test_a_copy_sees_what_svd_itself_sees_in_a_single_picture(net, tiny_backbone, picture, decoder_half):
    with torch.no_grad():
        expected = states_of_a_single_picture(copy.deepcopy(tiny_backbone.unet), picture, decoder_half)
        found = net.read(*picture)
    assert set(found) == set(expected) == set(net.names)
    for name, states in expected.items():
        torch.testing.assert_close(found[name], states, rtol=0, atol=1e-5)


class ReadsTheBank:
    """Animate Anyone's reading, in plain arithmetic: keys and values of own tokens and the reference's, one softmax."""

    def __init__(self, bank):
        self.bank = bank

    def __call__(self, attn, hidden_states, **_):
        both = torch.cat([hidden_states, self.bank.expand(len(hidden_states), -1, -1)], 1)
        query, key, value = attn.to_q(hidden_states), attn.to_k(both), attn.to_v(both)
        width = query.shape[-1] // attn.heads
        parts = [slice(head * width, (head + 1) * width) for head in range(attn.heads)]
        mixed = [(query[..., p] @ key[..., p].transpose(1, 2) / width**0.5).softmax(-1) @ value[..., p] for p in parts]
        return attn.to_out[0](torch.cat(mixed, -1))


def test_reference_attention_is_that_of_animate_anyone(net, tiny_backbone, inputs, picture):
    plain: UNetSpatioTemporalConditionModel = copy.deepcopy(tiny_backbone.unet)
    with torch.no_grad():
        for name, states in net.read(*picture).items():
            plain.get_submodule(name).processor = ReadsTheBank(states)
        expected = UNetSpatioTemporalConditionModel.forward(plain, *inputs, return_dict=False)[0]
        made = net(UNetInputs(*inputs), net.encode(*picture))
        found, without = tiny_backbone.unet(*inputs, made), tiny_backbone.unet(*inputs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert (found - without).abs().max() > 1e-3


def test_several_pictures_are_read_side_by_side(net, picture):
    other = draw(1, 4, 4, 4, seed=8), draw(1, 1, 32, seed=9)
    with torch.no_grad():
        one, two = net.encode(*picture), net.encode(*other)
        both = net.encode(*(torch.cat(pair) for pair in zip(picture, other, strict=True)))
    for name, (tokens,) in both.attention.items():
        expected = torch.cat([one.attention[name][0].states, two.attention[name][0].states], 1)
        torch.testing.assert_close(tokens.states, expected, rtol=0, atol=1e-5)


def test_a_copy_holds_no_temporal_layer_and_all_that_it_holds_is_the_unets(net, tiny_backbone):
    own = tiny_backbone.unet.state_dict()
    for name, value in net.state_dict().items():
        assert "temporal" not in name and "time_mixer" not in name and "time_pos" not in name
        if not name.startswith("readers"):
            assert torch.equal(value, own[name])


def test_a_full_size_reference_net_is_svds_spatial_half():
    """16 self-attentions, and every tensor of SVD-XT's own spatial layers up to the last of them."""
    with torch.device("meta"):
        unet = UNetSpatioTemporalConditionModel(num_attention_heads=(5, 10, 20, 20))
        net = ReferenceNet({name: value for name, value in unet.config.items() if not name.startswith("_")})
    own = {name: value.shape for name, value in unet.state_dict().items()}
    mine = {name: value.shape for name, value in net.state_dict().items() if not name.startswith("readers")}
    spatial = {
        name
        for name in own
        if not any(part in name for part in ("temporal", "time_mixer", "time_pos", "conv_norm_out", "conv_out"))
    }
    assert set(mine) == spatial
    assert all(own[name] == shape for name, shape in mine.items())
    assert len(net.names) == len(net.readers) == 16


def test_it_hands_on_what_it_read(net, inputs):
    made = Injections()
    assert net(UNetInputs(*inputs), made) is made
