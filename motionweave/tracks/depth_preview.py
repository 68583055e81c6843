"""Depth to look at: some frames of a track side by side."""

from __future__ import annotations

import torch
from torch import Tensor

from ..types import Size
from .depth import DepthTrack
from .preview import contact_sheet, spread

SHORT_SIDE = 256


def depth_sheet(track: DepthTrack, most: int = 8) -> Tensor:
    """Lay some frames of a depth track out, near white.

    Args:
        track: The track.
        most: Pictures on the sheet.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    scale = SHORT_SIDE / min(track.canvas.width, track.canvas.height)
    size = Size(round(track.canvas.width * scale), round(track.canvas.height * scale))
    chosen = spread(len(track), most)
    return contact_sheet(torch.cat([track.window(index, index + 1).drawn(size) for index in chosen]))
