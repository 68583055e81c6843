"""What each window decides where all are denoised together: the parts of a step.

`fused` lets every window decide a share of each frame, larger toward its middle. `shifted` has windows that do not
overlap and that move from step to step, so that no frame stays at a border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..types import Window

SHIFT = 7 / 25
"""How far windows move from step to step, in windows: 7 frames where 25 are denoised together."""


@dataclass(frozen=True)
class Part:
    """One run of the network in a step."""

    window: Window
    """Frames that it sees."""
    share: Tensor
    """(F,) float32: how much of each of them it decides; over all parts of a step, a frame's shares sum to 1."""


def fused_parts(windows: Sequence[Window]) -> tuple[Part, ...]:
    """Let windows that overlap share their frames.

    A frame counts as much in a window as it is far from the window's nearer end: 1 at the ends, 2 beside them, and so
    on; shares are these numbers over their sum. Over an overlap of c frames, the later window's shares rise as
    1 / (c + 1), 2 / (c + 1), ..., which is MimicMotion's fusion; a frame that one window has alone is all its own.

    Args:
        windows: In order, covering every frame of the video from 0 on.

    Returns:
        One part for each window.

    Source: Bar-Tal et al., "MultiDiffusion" (2023), eq. 5, for windows that are merged at every step; Zhang et al.,
    "MimicMotion" (2024), section 3.4, for weights by position. Otherwise than there, weights go on rising beyond the
    overlap of two windows, so that they are right where three meet, as at the end of a video.
    """
    total = torch.zeros(max(window.stop for window in windows), dtype=torch.float64)
    for window in windows:
        total[window.start : window.stop] += _distance(window.frame_count)
    return tuple(
        Part(window, (_distance(window.frame_count) / total[window.start : window.stop]).float()) for window in windows
    )


def _distance(frame_count: int) -> Tensor:
    """Give each frame's distance to the nearer end, from 1."""
    places = torch.arange(1, frame_count + 1, dtype=torch.float64)
    return torch.minimum(places, places.flip(0))


def shifted_parts(frame_count: int, window_frames: int, step: int) -> tuple[Part, ...]:
    """Lay windows side by side, further on at each step.

    Every frame is decided by exactly one window a step. Where the video's first or last frames do not fill a window,
    its window is moved inward until it has its full length, and decides those frames alone: so the network always sees
    as many frames as it was trained on. That costs at most one more run a step.

    Args:
        frame_count: Frames of the video.
        window_frames: Frames of a window.
        step: Steps done.

    Returns:
        Parts in the order of the video.

    Source: Ji et al., "Sonic" (2024, arXiv 2411.16331), section 3.4, position-shift fusion. Otherwise than there: it
    closes the video to a ring, so that the last frames are denoised with the first; a video's end need not look like
    its beginning, so windows are moved inward instead.
    """
    if frame_count <= window_frames:
        return (Part(Window(0, 0, frame_count, 0), torch.ones(frame_count)),)
    offset = step * max(1, round(window_frames * SHIFT)) % window_frames
    edges = sorted({0, *range(offset, frame_count, window_frames), frame_count})
    parts: list[Part] = []
    for index, (first, last) in enumerate(pairwise(edges)):
        start = max(0, min(first, frame_count - window_frames))
        window = Window(index, start, start + window_frames, 0)
        places = torch.arange(window.start, window.stop)
        parts.append(Part(window, ((places >= first) & (places < last)).float()))
    return tuple(parts)
