"""Tracks: signals in time. A track knows its frame rate and nothing about any model."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from typing_extensions import Self

from ..errors import InputError


class Track(Protocol):
    """A signal with its own frame rate; frame i holds from i / fps until the next."""

    @property
    def fps(self) -> Fraction:
        """Frames per second, exactly."""
        ...

    def __len__(self) -> int:
        """Count the frames."""
        ...

    def resample(self, fps: Fraction) -> Self:
        """Give the same signal at another frame rate, on the same clock."""
        ...

    def window(self, start: int, stop: int) -> Self:
        """Give frames [start, stop)."""
        ...


def check_window(start: int, stop: int, length: int) -> None:
    """Refuse a range that the track does not have.

    Raises:
        InputError: If it is empty or reaches beyond the track.
    """
    if not 0 <= start < stop <= length:
        raise InputError(f"frames [{start}, {stop}) were asked for; the track has [0, {length})")


def resampled_length(length: int, old: Fraction, new: Fraction) -> int:
    """Give how many frames a track has at another frame rate: those whose time lies within it."""
    return -((-length * new) // old)
