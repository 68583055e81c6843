"""What controls add to the UNet: each place against a plain re-implementation, and exactly nothing at strength 0."""

import pytest
import torch

from motionweave.errors import InputError
from motionweave.models.attention import TokenReader
from motionweave.models.injections import (
    AddedTokens,
    ControlResiduals,
    CrossNormalised,
    Injections,
    JoinedTokens,
    UNetInputs,
)

FRAMES = 3
LAYER = "down_blocks.0.attentions.0.transformer_blocks.0"


def draw(*shape, seed=4):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def inputs():
    return draw(2, FRAMES, 8, 4, 4), torch.tensor(0.3), draw(2, 1, 32), draw(2, 3).abs()


@pytest.fixture(scope="module")
def layer(tiny_backbone):
    return tiny_backbone.unet.get_submodule(LAYER + ".attn1")


def run(unet, inputs, injections=None):
    with torch.no_grad():
        return unet(*inputs, injections)


def plain_attention(layer, query, key, value, bias=None):
    """Softmax attention, head by head."""
    width = query.shape[-1] // layer.heads
    pieces = []
    for head in range(layer.heads):
        part = slice(head * width, (head + 1) * width)
        logits = query[..., part] @ key[..., part].transpose(1, 2) / width**0.5
        pieces.append((logits if bias is None else logits + bias).softmax(-1) @ value[..., part])
    return torch.cat(pieces, -1)


def read(layer, hidden, tokens):
    with torch.no_grad():
        return TokenReader(tokens)(layer, hidden)


@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_joined_tokens_are_animate_anyones_reference_attention(layer, strength):
    hidden, states = draw(FRAMES, 16, 32, seed=1), draw(1, 9, 32, seed=2)
    found = read(layer, hidden, (JoinedTokens(states, torch.tensor([strength])),))
    every = torch.cat([hidden, states.expand(FRAMES, -1, -1)], 1)
    bias = torch.cat([torch.zeros(16), torch.full((9,), strength).log()])
    with torch.no_grad():
        mixed = plain_attention(layer, layer.to_q(hidden), layer.to_k(every), layer.to_v(every), bias)
        torch.testing.assert_close(found, layer.to_out[0](mixed), rtol=0, atol=1e-5)


def test_joined_tokens_of_strength_0_are_plain_self_attention(layer):
    hidden = draw(FRAMES, 16, 32, seed=1)
    found = read(layer, hidden, (JoinedTokens(draw(1, 9, 32), torch.tensor([0.0, 1.0, 0.0])),))
    with torch.no_grad():
        plain = layer(hidden)  # diffusers' own
    torch.testing.assert_close(found[[0, 2]], plain[[0, 2]], rtol=0, atol=1e-6)
    assert (found[1] - plain[1]).abs().max() > 1e-3


def test_added_tokens_are_an_attention_of_their_own_where_the_mask_lets_them(layer):
    hidden, key, value = draw(FRAMES, 16, 32, seed=1), draw(1, 5, 32, seed=2), draw(1, 5, 32, seed=3)
    mask = torch.zeros(1, 16)
    mask[:, 4:8] = 0.5
    cells = mask.view(1, 4, 4).repeat_interleave(2, 1).repeat_interleave(2, 2)  # a finer grid, averaged to the layer's
    found = read(layer, hidden, (AddedTokens(key, value, torch.tensor([2.0]), cells),))
    with torch.no_grad():
        query, own = layer.to_q(hidden), (layer.to_k(hidden), layer.to_v(hidden))
        extra = plain_attention(layer, query, key.expand(FRAMES, -1, -1), value.expand(FRAMES, -1, -1))
        expected = layer.to_out[0](plain_attention(layer, query, *own) + 2 * mask[..., None] * extra)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_cross_normalised_tokens_take_on_the_layers_own_statistics(layer):
    hidden, key, value = draw(FRAMES, 16, 32, seed=1), draw(1, 5, 32, seed=2), 7 * draw(1, 5, 32, seed=3) + 4
    found = read(layer, hidden, (AddedTokens(key, value, torch.ones(1), None, True),))
    with torch.no_grad():
        query = layer.to_q(hidden)
        own = plain_attention(layer, query, layer.to_k(hidden), layer.to_v(hidden))
        extra = plain_attention(layer, query, key.expand(FRAMES, -1, -1), value.expand(FRAMES, -1, -1))
        for frame in range(FRAMES):
            normal = (extra[frame] - extra[frame].mean()) / (extra[frame].std() + 1e-5)
            extra[frame] = normal * own[frame].std() + own[frame].mean()
        torch.testing.assert_close(found, layer.to_out[0](own + extra), rtol=0, atol=1e-5)


def every_kind(unet, inputs):
    """Everything that can be added, at full strength."""
    hidden = unet.conv_in(inputs[0].flatten(0, 1))
    width = unet.config.block_out_channels[0]
    return Injections(
        stem=draw(*hidden.shape, seed=5),
        first_block=(CrossNormalised(draw(2 * FRAMES, width, 2, 2, seed=6)),),
        style=draw(1, unet.time_embedding.linear_2.out_features, seed=7),
        attention={
            LAYER + ".attn1": (JoinedTokens(draw(1, 9, width, seed=8)),),
            LAYER + ".attn2": (AddedTokens(draw(1, 4, width, seed=9), draw(1, 4, width, seed=10)),),
        },
    )


def test_each_place_changes_the_prediction_and_none_does_at_strength_0(tiny_backbone, inputs):
    unet = tiny_backbone.unet
    plain, whole = run(unet, inputs), every_kind(unet, inputs)
    for part in (
        Injections(stem=whole.stem),
        Injections(first_block=whole.first_block),
        Injections(style=whole.style),
        *(Injections(attention={name: tokens}) for name, tokens in whole.attention.items()),
    ):
        assert (run(unet, inputs, part) - plain).abs().max() > 1e-4
        torch.testing.assert_close(run(unet, inputs, part.scaled(torch.zeros(2 * FRAMES))), plain, rtol=0, atol=1e-5)
    assert torch.equal(run(unet, inputs), plain)  # and no layer keeps what it was given


def test_a_pass_of_strength_0_stays_plain_beside_one_that_is_controlled(tiny_backbone, inputs):
    unet = tiny_backbone.unet
    strength = torch.tensor([0.0] * FRAMES + [1.0] * FRAMES)
    mixed = run(unet, inputs, every_kind(unet, inputs).scaled(strength))
    plain, full = run(unet, inputs), run(unet, inputs, every_kind(unet, inputs))
    torch.testing.assert_close(mixed[0], plain[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(mixed[1], full[1], rtol=0, atol=1e-5)


def test_two_controls_add_up(tiny_backbone, inputs):
    whole = every_kind(tiny_backbone.unet, inputs)
    both = whole + whole.scaled(torch.tensor([2.0]))
    torch.testing.assert_close(both.stem, 3 * whole.stem)
    assert [len(tokens) for tokens in both.attention.values()] == [2, 2]
    assert len(both.first_block) == 2
    residuals = ControlResiduals((torch.ones(6, 1, 1, 1),), torch.ones(6, 1, 1, 1))
    assert (Injections(residuals) + Injections()).residuals is residuals


def test_tokens_for_a_layer_that_is_not_there_are_refused(tiny_backbone, inputs):
    strange = Injections(attention={"down_blocks.7.attn1": (JoinedTokens(draw(1, 2, 32)),)})
    with pytest.raises(InputError, match=r"down_blocks\.7\.attn1, which this UNet lacks"):
        run(tiny_backbone.unet, inputs, strange)


def test_frames_are_repeated_for_every_pass():
    inputs = UNetInputs(torch.zeros(2, FRAMES, 8, 4, 4), torch.tensor(0.0), torch.zeros(2, 1, 4), torch.zeros(2, 3))
    frames = torch.arange(FRAMES).view(-1, 1)
    assert inputs.rows(frames).flatten().tolist() == [0, 1, 2, 0, 1, 2]
    assert inputs.rows(inputs.rows(frames)).flatten().tolist() == [0, 1, 2, 0, 1, 2]
