"""Poses laid over the footage that they were read from, to look whether they fit."""

from __future__ import annotations

from itertools import islice

import torch
from torch import Tensor

from ..media.footage import Footage
from .pose import PoseTrack
from .preview import contact_sheet, spread

WITHIN = 240
"""Frames from the start among which pictures are chosen; further ones would have to be decoded up to there."""
DIMMED = 0.55


def overlay_sheet(footage: Footage, track: PoseTrack, most: int = 8) -> Tensor:
    """Draw some frames of a track over their footage.

    Args:
        footage: The pictures.
        track: The poses, frame for frame.
        most: Pictures on the sheet.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    chosen = spread(min(len(track), len(footage), WITHIN), most)
    frames = (frame for batch in footage.batches(8) for frame in batch)
    shown = [frame for index, frame in enumerate(islice(frames, chosen[-1] + 1)) if index in chosen]
    pictures = torch.stack(shown).float() / 255
    maps = torch.cat([track.window(index, index + 1).drawn(footage.size) for index in chosen]).float() / 255
    drawn = maps.amax(1, keepdim=True) > 0
    return contact_sheet(torch.where(drawn, maps, pictures * DIMMED))
