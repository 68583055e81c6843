"""When each frame of a video is shown: exact rational times from a container's rounded ones.

Containers round. Matroska counts milliseconds, so frame 2 of a 30 fps file says 0.067 s and is, at 2/30 s, not there
yet. Times are therefore moved to the grid of the frame rate where they lie within one tick of it, and left alone where
they do not (variable frame rate). Arithmetic is on `Fraction` throughout, so nothing adds up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

RATE_TOLERANCE = Fraction(1, 1_000_000)
"""How far, relatively, a container's rate may lie from the standard one that it means (19001/317 is 60000/1001)."""


def exact_rate(rate: Fraction) -> Fraction:
    """Give the standard frame rate that a container's rounded one means.

    Args:
        rate: Frames per second as the container tells it.

    Returns:
        The whole number, or the whole number times 1000/1001, within one part in a million of `rate`; else `rate`.
    """
    for candidate in (Fraction(round(rate)), Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)):
        if candidate > 0 and abs(rate - candidate) <= candidate * RATE_TOLERANCE:
            return candidate
    return rate


def on_grid(time_s: Fraction, fps: Fraction, tick_s: Fraction) -> Fraction:
    """Move a rounded time to the frame grid if it lies within one tick of it.

    Args:
        time_s: Seconds since the first frame, rounded by the container.
        fps: Frames per second of the grid.
        tick_s: The container's unit of time, in seconds.

    Returns:
        The exact time in seconds.
    """
    nearest = Fraction(round(time_s * fps)) / fps
    return nearest if abs(time_s - nearest) <= tick_s else time_s


def held_frame_index(output_index: int, output_fps: Fraction, times_s: Sequence[Fraction]) -> int:
    """Say which input frame is on screen when an output frame is shown (sample and hold).

    Args:
        output_index: Index of the output frame, from 0.
        output_fps: Frames per second of the output.
        times_s: Time of every input frame in seconds, rising, the first one 0.

    Returns:
        Index of the input frame whose display interval contains ``output_index / output_fps``.
    """
    return max(bisect_right(times_s, output_index / output_fps) - 1, 0)


@dataclass(frozen=True)
class Timeline:
    """When each frame of one video is shown."""

    ticks: tuple[int, ...]
    """Presentation time of every frame on the container's clock, rising; empty if that clock cannot be believed."""
    times_s: tuple[Fraction, ...]
    """Exact seconds since the first frame."""
    fps: Fraction
    """Frames per second; the mean where it varies."""
    start_s: Fraction
    """Where the first frame lies on the file's clock, in seconds."""
    last_duration_s: Fraction
    """How long the last frame stays."""

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        return len(self.times_s)

    @property
    def duration_s(self) -> Fraction:
        """Seconds from the first frame's start to the last one's end."""
        return self.times_s[-1] + self.last_duration_s

    def index_of(self, tick: int) -> int:
        """Give the index of the frame shown at a time of the container's clock."""
        return max(bisect_right(self.ticks, tick) - 1, 0)

    def count_at(self, fps: Fraction) -> int:
        """Say how many frames of another rate begin while the video plays."""
        return ceil(self.duration_s * fps)


def choose_rate(offsets_s: Sequence[Fraction], candidates: Iterable[Fraction], tick_s: Fraction) -> Fraction:
    """Find the frame rate: the first candidate on whose grid every frame lies, else the mean.

    Args:
        offsets_s: Seconds of every frame since the first one, rounded by the container.
        candidates: Rates that the container tells, best first.
        tick_s: The container's unit of time, in seconds.

    Returns:
        Frames per second.

    Raises:
        ValueError: If there is one frame only and no candidate.
    """
    rates = [exact_rate(rate) for rate in candidates if rate > 0]
    if len(offsets_s) > 1 and offsets_s[-1] > 0:
        mean = (len(offsets_s) - 1) / offsets_s[-1]
        nearby = (Fraction(round(mean)), Fraction(round(mean * Fraction(1001, 1000)) * 1000, 1001), mean)
        rates += [rate for rate in nearby if rate > 0]
    for rate in rates:
        if all(abs(offset - index / rate) <= tick_s for index, offset in enumerate(offsets_s)):
            return rate
    if not rates:
        raise ValueError("one frame and no rate")
    return rates[-1]


def build_timeline(
    ticks: Sequence[int], time_base: Fraction, candidates: Iterable[Fraction], last_duration: int = 0
) -> Timeline:
    """Turn a container's presentation times into exact ones.

    Args:
        ticks: Presentation time of every frame in units of `time_base`, in any order; at least one.
        time_base: The container's unit of time, in seconds.
        candidates: Frame rates that the container tells, best first.
        last_duration: How long the container says the last frame stays, in units of `time_base`; 0 if it does not.

    Returns:
        The timeline.

    Raises:
        ValueError: If there is one frame only and no candidate rate.
    """
    ordered = tuple(sorted(ticks))
    offsets_s = [(tick - ordered[0]) * time_base for tick in ordered]
    fps = choose_rate(offsets_s, candidates, time_base)
    stays = last_duration * time_base
    return Timeline(
        ticks=ordered,
        times_s=tuple(on_grid(offset, fps, time_base) for offset in offsets_s),
        fps=fps,
        start_s=ordered[0] * time_base,
        last_duration_s=1 / fps if stays <= 0 or abs(stays - 1 / fps) <= time_base else stays,
    )


def even_timeline(frame_count: int, fps: Fraction) -> Timeline:
    """Give the timeline of a file without a clock: one frame after the other.

    Args:
        frame_count: How many frames there are, at least one.
        fps: Frames per second.

    Returns:
        The timeline, starting at 0.
    """
    times_s = tuple(index / fps for index in range(frame_count))
    return Timeline(ticks=(), times_s=times_s, fps=fps, start_s=Fraction(0), last_duration_s=1 / fps)
