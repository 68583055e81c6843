"""Pictures of pose tracks by themselves: what the ControlNet will see, and what is odd about it."""

from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..types import Size
from .keypoints import VISIBLE_ABOVE
from .people import link_people
from .pose import KeypointTrack, PoseTrack, require_keypoints
from .pose_map_check import doubt_pose_maps
from .pose_styles import OPENPOSE, PoseStyle
from .preview import INK, contact_sheet, draw_curves, spread
from .stacking import BODY, stack_people

logger = logging.getLogger(__name__)

WITHIN = 240
"""Frames from the start among which pictures are chosen; further ones would have to be decoded up to there."""
SIDE = 384
"""Longer side of the pictures that are drawn."""
WARNING = (150, 60, 0)
DIMMED = 0.4
JOINTS = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
    "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye",
    "right ear", "left ear",
)  # fmt: skip


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


def draw_range(track: PoseTrack, first: int, count: int, size: Size, style: PoseStyle = OPENPOSE) -> Tensor:
    """Draw some frames of a track.

    Args:
        track: Any pose track.
        first: First frame.
        count: How many at most.
        size: The pictures.
        style: The look; maps that are drawn already have theirs.

    Returns:
        (F, 3, H, W) uint8.

    Raises:
        InputError: If the track ends before, or is drawn already and a look is asked for.
    """
    if first >= len(track):
        raise InputError(f"the first frame to draw is {first}, but the track has {len(track)} frames")
    piece = track.window(first, min(first + count, len(track)))
    return piece.drawn(size) if style == OPENPOSE else require_keypoints(piece).drawn(size, style)


def fit_sheet(before: PoseTrack, after: PoseTrack, reference: PoseTrack, picture: Tensor | None = None) -> Tensor:
    """Lay out a track as it was (above) and as it was fitted (below), each over the dimmed reference.

    Args:
        before: The track as it came; its canvas is fitted into the reference's.
        after: The fitted track.
        reference: Its first frame shows the reference.
        picture: (1, 3, H, W) in [0, 1], the reference itself; its pose is shown where none is given.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    size = _preview_size(reference.canvas)
    if picture is None:
        ground = reference.window(0, 1).drawn(size).float().amax(1, keepdim=True) / 255
    else:
        ground = F.interpolate(picture[:1], (size.height, size.width), mode="bilinear", antialias=True).clamp(0, 1)
    chosen = spread(min(len(before), WITHIN), 4)
    maps = torch.cat([track.window(i, i + 1).drawn(size) for track in (before, after) for i in chosen]).float() / 255
    drawn = maps.amax(1, keepdim=True) > 0
    return contact_sheet(torch.where(drawn, maps, ground * DIMMED), columns=len(chosen))


def choice_sheet(everybody: KeypointTrack, chosen: KeypointTrack) -> Tensor:
    """Lay out some frames with the chosen person lit and the others dimmed, (1, 3, H, W) in [0, 1]."""
    ground = sample_frames(everybody).float() / 255 * DIMMED
    return contact_sheet(torch.maximum(sample_frames(chosen).float() / 255, ground))


def steadiness_plot(before: KeypointTrack, after: KeypointTrack) -> Tensor:
    """Plot the way of the joint that shook most, before and after smoothing.

    Args:
        before: The track as it came.
        after: The smoothed track, frame for frame.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    people = [link_people(track.frames)[0].people[:WITHIN] for track in (before, after)]
    first, second = (stack_people(each)[:, BODY] for each in people)
    seen = (first[..., 2] > VISIBLE_ABOVE) & (second[..., 2] > VISIBLE_ABOVE)
    moved = np.where(seen[..., None], first[..., :2] - second[..., :2], 0)
    joint, axis = np.unravel_index(int((moved**2).sum(0).argmax()), moved.shape[1:])
    times = np.arange(len(first))
    known = times[seen[:, joint]]
    curves = {
        name: np.interp(times, known, values[known, joint, axis]) if len(known) else np.zeros(len(times))
        for name, values in (("before", first), ("after", second))
    }
    title = f"{'xy'[int(axis)]} of the {JOINTS[int(joint)]} in pixels, where smoothing changed most"
    return draw_curves(curves, float(len(first) / before.fps), title)


def _banner(text: str, width: int) -> Tensor:
    """Write a warning, (1, 3, H, width) in [0, 1]."""
    from PIL import Image, ImageDraw

    lines = [""]
    for word in text.split():
        lines = [*lines, word] if len(lines[-1]) + len(word) > width // 7 else [*lines[:-1], f"{lines[-1]} {word}"]
    image = Image.new("RGB", (width, 14 * len(lines) + 8), WARNING)
    ImageDraw.Draw(image).text((4, 4), "\n".join(line.strip() for line in lines), fill=INK)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255  # 1 3 H W
