"""The arithmetic of giving one chunk's frames way to the next one's."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import InputError, ShapeError
from ..types import check_shape
from .plan import BLENDS


def fade_weights(frame_count: int, kind: str) -> Tensor:
    """Give the weight of the later chunk in each of the frames before a border that both chunks have.

    With n frames, frame i stands at t = (i + 1) / (n + 1) of the way, so that both chunks are seen in all of them.

    Args:
        frame_count: Frames to fade over; 0 for a cut.
        kind: `linear` for t itself, `cosine` for (1 - cos pi t) / 2, which starts and ends gently, `cut` for 0: the
            earlier chunk is seen up to the border, `replace` for 1: the later one is seen in all of them.

    Returns:
        (F,) float32; a fade rises within (0, 1).

    Raises:
        InputError: If nothing fades in this way, or the count is negative.
    """
    kinds = (*BLENDS, "replace")
    if frame_count < 0 or kind not in kinds:
        raise InputError(
            f"a fade '{kind}' over {frame_count} frames was asked for; expected {', '.join(kinds)} over 0 or more"
        )
    if kind in ("cut", "replace"):
        return torch.full((frame_count,), float(kind == "replace"))
    way = torch.arange(1, frame_count + 1, dtype=torch.float64) / (frame_count + 1)
    return (way if kind == "linear" else (1 - torch.cos(math.pi * way)) / 2).float()


def mix(earlier: Tensor, later: Tensor, weight: Tensor | float) -> Tensor:
    """Mix what two chunks show of the same frames, in linear steps between the two values.

    Args:
        earlier: (..., C, H, W) pixels or latents; 8-bit pixels are rounded to the nearest.
        later: The same shape and type.
        weight: Of `later`: a number, or one for each frame, (F,). 0 gives `earlier`, 1 gives `later`, bit for bit.

    Returns:
        The same shape and type.

    Raises:
        ShapeError: If the shapes differ.
    """
    if earlier.shape != later.shape:
        raise ShapeError("later", tuple(later.shape), " ".join(str(side) for side in earlier.shape))
    share = torch.as_tensor(weight, dtype=torch.float32, device=earlier.device)
    if share.ndim:
        check_shape("weight", share, str(earlier.shape[0]))
        share = share.view(-1, *[1] * (earlier.ndim - 1))
    if earlier.is_floating_point():
        return torch.lerp(earlier, later, share.to(earlier.dtype))
    mixed = torch.lerp(earlier.float(), later.float(), share)
    return mixed.round_().to(earlier.dtype)
