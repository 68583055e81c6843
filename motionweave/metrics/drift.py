"""How far a long video wanders from where it began."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PER_FRAMES = 1000
"""Slopes are given per so many frames."""


def slope(frames: Sequence[int], values: Sequence[float]) -> float | None:
    """Give the least-squares slope of a measure per 1000 frames; None for fewer than two frames.

    A constant that is taken from every value, such as the reference's own, does not change it.

    Args:
        frames: Indices of the frames that were measured.
        values: The measure at each.
    """
    if len(frames) < 2:
        return None
    times = np.asarray(frames, dtype=np.float64)
    centred = times - times.mean()
    return float(centred @ np.asarray(values)) / float(centred @ centred) * PER_FRAMES


def ends(frames: Sequence[int], values: Sequence[float], span: int) -> tuple[float, float] | None:
    """Give a measure's mean over the first and the last frames.

    Args:
        frames: Indices of the frames that were measured, rising.
        values: The measure at each.
        span: Frames that count as the start, and as the end: those of a second.

    Returns:
        Start and end; None where nothing was measured. A video shorter than two spans has the same frames in both.
    """
    if not frames:
        return None
    last = frames[-1]
    start = [value for frame, value in zip(frames, values, strict=True) if frame < frames[0] + span]
    end = [value for frame, value in zip(frames, values, strict=True) if frame > last - span]
    return float(np.mean(start)), float(np.mean(end))


def end_over_start(frames: Sequence[int], values: Sequence[float], span: int) -> float | None:
    """Give the last second's mean over the first second's; None where nothing was measured, or the first is 0."""
    found = ends(frames, values, span)
    return None if found is None or found[0] == 0 else found[1] / found[0]


def lab_shift(frames: Sequence[int], means: Sequence[tuple[float, float, float]], span: int) -> float | None:
    """Give how far the mean colour of the last second lies from the first second's.

    Args:
        frames: Indices of the frames that were measured.
        means: Mean L, a, b of each.
        span: Frames of a second.

    Returns:
        The distance in Lab units (CIE 1976); about 2 is the least that people notice in pictures.
    """
    pairs = [ends(frames, [mean[channel] for mean in means], span) for channel in range(3)]
    known = [pair for pair in pairs if pair is not None]
    return float(np.linalg.norm([last - first for first, last in known])) if known else None
