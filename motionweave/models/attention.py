"""Attention that reads tokens of controls beside its own: diffusers' arithmetic with two doors.

Sources: Hu et al., "Animate Anyone" (2024), section 3.2, for joined tokens; Ye et al., "IP-Adapter" (2023), eq. 5, for
added ones; Tu et al., "StableAnimator" (2024), for cross-normalisation. Otherwise than Animate Anyone, joined tokens
have a strength: its logarithm goes onto their logits, so that 1 is the published arithmetic and 0 plain self-attention.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import same_device
from .injections import AddedTokens, JoinedTokens, Tokens


class TokenReader:
    """An attention layer's processor for the time in which it has extra tokens to read."""

    def __init__(self, tokens: tuple[Tokens, ...]) -> None:
        """Take the tokens."""
        self.tokens = tokens

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """Attend.

        Args:
            attn: The layer.
            hidden_states: (N, L, C).
            encoder_hidden_states: (N, T, D) tokens; None for self-attention.
            _: What diffusers also hands over, which SVD has no use for.
        """
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = attn.to_q(hidden_states)
        joined = [one for one in self.tokens if isinstance(one, JoinedTokens)]
        result = _attend_joined(attn, query, context, joined)
        for one in self.tokens:
            if isinstance(one, AddedTokens):
                result = result + _attend_added(attn, query, one, result)
        return attn.to_out[1](attn.to_out[0](result))


def _attend_joined(attn: Any, query: Tensor, context: Tensor, joined: list[JoinedTokens]) -> Tensor:
    """Attend to the layer's own tokens and to all joined ones, (N, L, C)."""
    keys, values, biases = [attn.to_k(context)], [attn.to_v(context)], [torch.zeros(1, context.shape[1])]
    for one in joined:
        states = same_device(one.states, context)
        # Projected before they are repeated: a reference's are the same for every frame.
        keys.append(attn.to_k(states).expand(len(query), -1, -1))
        values.append(attn.to_v(states).expand(len(query), -1, -1))
        biases.append(one.strength.log().view(-1, 1).expand(-1, states.shape[1]))
    bias = None
    if any(bool((one.strength != 1).any()) for one in joined):
        rows = max(len(piece) for piece in biases)
        # N|1, heads, queries, keys
        bias = same_device(torch.cat([piece.expand(rows, -1) for piece in biases], 1), query)[:, None, None]
    return _attend(attn, query, torch.cat(keys, 1), torch.cat(values, 1), bias)


def _attend_added(attn: Any, query: Tensor, one: AddedTokens, own: Tensor) -> Tensor:
    """Attend to added tokens alone, (N, L, C); `own` is the layer's result without them."""
    key, value = (same_device(each, query).expand(query.shape[0], -1, -1) for each in (one.key, one.value))
    result = _attend(attn, query, key, value, None)
    if one.cross_normalised:
        axes = (1, 2)
        normal = (result - result.mean(axes, keepdim=True)) / (result.std(axes, keepdim=True) + 1e-5)
        result = normal * own.std(axes, keepdim=True) + own.mean(axes, keepdim=True)
    factor = same_device(one.strength, query).view(-1, 1, 1)
    if one.mask is not None:
        factor = factor * _cells(same_device(one.mask, query), query.shape[1])
    return factor * result


def _cells(mask: Tensor, count: int) -> Tensor:
    """Average a mask of latent cells (N, h, w) over a layer's own, which are fewer by a power of 4: (N, count, 1)."""
    shrink = round((mask.shape[-2] * mask.shape[-1] / count) ** 0.5)
    return F.avg_pool2d(mask[:, None], shrink, ceil_mode=True).flatten(2).transpose(1, 2)


def _attend(attn: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    def heads(states: Tensor) -> Tensor:
        return states.unflatten(-1, (attn.heads, -1)).transpose(1, 2)  # N heads L C

    mixed = F.scaled_dot_product_attention(heads(query), heads(key), heads(value), attn_mask=bias)
    return mixed.transpose(1, 2).flatten(2)
