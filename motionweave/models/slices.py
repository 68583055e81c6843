"""Attention and feed-forward in slices: less memory at once for the same numbers.

torch's fused attention never makes the matrix of all queries by all keys, so what slices save there is the query, key
and value of one layer; where no fused kernel fits (float32 on some graphics cards, head sizes of other models), they
keep that matrix to a few frames, which is far more. The feed-forward's inner states are eight times as wide as its
input and the largest thing a UNet of SVD's size makes: slice that first of all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .shortcuts import OneTokenReader


class SlicedReader:
    """Attention over some rows (frames, or places in the picture) at a time."""

    def __init__(self, whole: Any, parts: int) -> None:
        """Keep the processor that does each part."""
        self.whole, self.parts = whole, parts

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **others: Any
    ) -> Tensor:
        """Attend.

        Args:
            attn: The layer.
            hidden_states: (N, L, C).
            encoder_hidden_states: (N, T, D) tokens; None for self-attention.
            others: What diffusers also hands over.
        """
        rows = hidden_states.chunk(self.parts)
        tokens = [None] * len(rows) if encoder_hidden_states is None else encoder_hidden_states.chunk(self.parts)
        made = [self.whole(attn, each, seen, **others) for each, seen in zip(rows, tokens, strict=True)]
        return torch.cat(made)


def set_slices(net: nn.Module, parts: int) -> None:
    """Have a UNet or ControlNet work in slices, in place.

    Layers that read a control's tokens attend in one piece all the same, for as long as they do.

    Args:
        net: Any network of diffusers' SVD blocks.
        parts: Slices of each attention; the feed-forward goes frame by frame if there is more than one. 1 for whole.
    """
    layer: Any
    for layer in net.modules():
        if hasattr(layer, "set_chunk_feed_forward"):
            layer.set_chunk_feed_forward(1 if parts > 1 else None, dim=0)
        processor = getattr(layer, "processor", None)
        # One token costs nothing to read, in one piece too.
        if processor is None or isinstance(processor, OneTokenReader):
            continue
        whole = processor.whole if isinstance(processor, SlicedReader) else processor
        layer.processor = SlicedReader(whole, parts) if parts > 1 else whole


def is_sliced(net: nn.Module) -> bool:
    """Say whether a network works in slices."""
    return any(isinstance(getattr(layer, "processor", None), SlicedReader) for layer in net.modules())
