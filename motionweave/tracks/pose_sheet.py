"""Pictures of pose tracks by themselves: what the ControlNet will see, and what is odd about it."""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch import Tensor

from ..types import Size
from .pose import KeypointTrack, PoseTrack
from .pose_map_check import doubt_pose_maps
from .preview import INK, contact_sheet, spread

logger = logging.getLogger(__name__)

WITHIN = 240
"""Frames from the start among which pictures are chosen; further ones would have to be decoded up to there."""
SIDE = 384
"""Longer side of the pictures that are drawn."""
WARNING = (150, 60, 0)


def _preview_size(canvas: Size) -> Size:
    scale = SIDE / max(canvas.width, canvas.height)
    return Size(max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale)))


def sample_frames(track: PoseTrack, most: int = 8) -> Tensor:
    """Draw some frames of a track's first seconds, (F, 3, H, W) uint8 in the shape of its canvas."""
    size = _preview_size(track.canvas)
    chosen = spread(min(len(track), WITHIN), most)
    return torch.cat([track.window(index, index + 1).drawn(size) for index in chosen])


def track_sheet(track: PoseTrack) -> Tensor:
    """Lay out some frames of a track; maps that do not look like poses are said to, here and in the log.

    Args:
        track: Any pose track.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    frames = sample_frames(track)
    sheet = contact_sheet(frames)
    doubt = None if isinstance(track, KeypointTrack) else doubt_pose_maps(frames)
    if doubt is None:
        return sheet
    logger.warning("%s", doubt)
    return torch.cat([_banner(doubt, sheet.shape[-1]), sheet], 2)


def before_and_after(before: PoseTrack, after: PoseTrack, reference: PoseTrack) -> Tensor:
    """Lay out a track as it was (above) and as it was fitted (below), each over the reference's dimmed figure.

    Args:
        before: The track as it came; its canvas is fitted into the reference's.
        after: The fitted track.
        reference: Its first frame shows the reference.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    size = _preview_size(reference.canvas)
    ground = reference.window(0, 1).drawn(size).float().amax(1, keepdim=True) / 255 * 0.4
    chosen = spread(min(len(before), WITHIN), 4)
    rows = [
        torch.cat([track.window(index, index + 1).drawn(size) for index in chosen]).float() / 255
        for track in (before, after)
    ]
    return contact_sheet(torch.maximum(torch.cat(rows), ground), columns=len(chosen))


def _banner(text: str, width: int) -> Tensor:
    """Write a warning, (1, 3, H, width) in [0, 1]."""
    from PIL import Image, ImageDraw

    lines = [""]
    for word in text.split():
        lines = [*lines, word] if len(lines[-1]) + len(word) > width // 7 else [*lines[:-1], f"{lines[-1]} {word}"]
    image = Image.new("RGB", (width, 14 * len(lines) + 8), WARNING)
    ImageDraw.Draw(image).text((4, 4), "\n".join(line.strip() for line in lines), fill=INK)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255  # 1 3 H W
