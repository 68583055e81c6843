"""Where the face is in each frame of a pose track, as a soft mask: what speech may change."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..types import Size
from .keypoints import VISIBLE_ABOVE, Person
from .pose import KeypointTrack

MARGIN = 1.25
"""How much larger than the face's points the region is; lips and chin move."""
SOFT = 0.35
"""Width of the soft edge over the region's radius."""


def face_box(person: Person) -> np.ndarray | None:
    """Give a face's centre and half size, (4,) pixels of the canvas; None where too little of it is seen.

    From the face's own points where there are some, else from eyes and ears, which a face is about as high as wide
    around, its middle a little below them.
    """
    seen = person.face[person.face[:, 2] > VISIBLE_ABOVE, :2]
    if len(seen) >= 8:
        low, high = seen.min(0), seen.max(0)
        return np.concatenate([(low + high) / 2, (high - low) / 2])
    ears = person.body[[14, 15, 16, 17]]
    ears = ears[ears[:, 2] > VISIBLE_ABOVE, :2]
    nose = person.body[0]
    if len(ears) < 2 or nose[2] <= VISIBLE_ABOVE:
        return None
    half = max(float(np.ptp(ears[:, 0])) * 0.6, 1.0)
    return np.array([nose[0], nose[1] + 0.2 * half, half, 1.3 * half])


def face_regions(track: KeypointTrack, size: Size) -> Tensor:
    """Draw where the faces are.

    Args:
        track: F frames; cut a window where the track is long.
        size: The grid; the canvas is fitted into it whole, centred, as pose maps are.

    Returns:
        (F, h, w) float32 in [0, 1], 1 inside; all 0 in frames without a face.
    """
    scale = min(size.width / track.canvas.width, size.height / track.canvas.height)
    left, top = (size.width - scale * track.canvas.width) / 2, (size.height - scale * track.canvas.height) / 2
    x, y = np.arange(size.width) + 0.5, np.arange(size.height)[:, None] + 0.5
    regions = np.zeros((len(track), size.height, size.width), np.float32)
    for region, people in zip(regions, track.frames, strict=True):
        for person in people:
            box = face_box(person)
            if box is None:
                continue
            # Half a cell is added, so that a face smaller than a cell still has one.
            half = MARGIN * scale * box[2:] + 0.5
            away = np.hypot((x - left - scale * box[0]) / half[0], (y - top - scale * box[1]) / half[1])
            np.maximum(region, np.clip((1 + SOFT / 2 - away) / SOFT, 0, 1), out=region)
    return torch.from_numpy(regions)


def require_faces(track: KeypointTrack) -> None:
    """Refuse a track in which no face is ever seen.

    Raises:
        InputError: Saying what to give.
    """
    if not any(face_box(person) is not None for people in track.frames for person in people):
        raise InputError(
            "the pose track shows no face in any frame, so there is none that could speak; extract the pose with face "
            "points, from footage in which the face is seen"
        )
