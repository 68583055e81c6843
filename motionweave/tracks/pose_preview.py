"""Poses laid over the footage that they were read from, to look whether they fit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from ..media.footage import Footage
from ..types import Size
from .pose import PoseTrack
from .preview import contact_sheet, spread

WITHIN = 240
"""Frames from the start among which pictures are chosen; further ones would have to be decoded up to there."""
DIMMED = 0.55
SIDE = 384
"""Longer side of single pictures."""


def shown_frames(count: int, most: int = 8) -> list[int]:
    """Give which of a clip's frames are shown: some of its first seconds."""
    return spread(min(count, WITHIN), most)


@dataclass(frozen=True)
class FootageSample:
    """A few pictures of a film."""

    indices: tuple[int, ...]
    """Which of its frames they are."""
    pictures: Tensor
    """(F, 3, H, W) uint8."""

    def small(self) -> Tensor:
        """Give the pictures for a look, (F, 3, h, w) in [0, 1], the longer side at most `SIDE`."""
        height, width = self.pictures.shape[-2:]
        scale = min(1.0, SIDE / max(height, width))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        return F.interpolate(self.pictures.float() / 255, size, mode="bilinear", antialias=True).clamp(0, 1)


def sample_footage(footage: Footage, track: PoseTrack) -> FootageSample:
    """Read the pictures of the frames that are shown of a track.

    Args:
        footage: The film.
        track: What was read from it, frame for frame.
    """
    chosen = shown_frames(min(len(track), len(footage)))
    frames = (frame for batch in footage.batches(8) for frame in batch)
    shown = [frame for index, frame in enumerate(islice(frames, chosen[-1] + 1)) if index in chosen]
    return FootageSample(tuple(chosen), torch.stack(shown))


def overlay_sheet(sample: FootageSample, track: PoseTrack) -> Tensor:
    """Draw some frames of a track over their footage.

    Args:
        sample: The pictures.
        track: The poses of the whole film.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    height, width = sample.pictures.shape[-2:]
    windows = [track.window(index, index + 1) for index in sample.indices]
    maps = torch.cat([window.drawn(Size(width, height)) for window in windows]).float() / 255
    drawn = maps.amax(1, keepdim=True) > 0
    return contact_sheet(torch.where(drawn, maps, sample.pictures.float() / 255 * DIMMED))
