"""A curve over seconds: keyframes with easing, for any number that may change while the video runs."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from ..errors import InputError

Easing = Literal["linear", "hold", "ease", "ease_in", "ease_out"]
EASINGS: tuple[Easing, ...] = get_args(Easing)

_SHAPES: dict[Easing, Callable[[float], float]] = {
    "linear": lambda t: t,
    "hold": lambda _: 0.0,
    "ease": lambda t: t * t * (3 - 2 * t),
    "ease_in": lambda t: t * t,
    "ease_out": lambda t: t * (2 - t),
}


@dataclass(frozen=True)
class Keyframe:
    """A value at a moment."""

    time_s: float
    """Seconds from the start of the video."""
    value: float
    """What the curve is then."""
    easing: Easing = "linear"
    """How it goes on toward the next keyframe."""


@dataclass(frozen=True)
class Curve:
    """A number over time. Before its first keyframe and after its last one it holds."""

    keyframes: tuple[Keyframe, ...]
    """In order of time, at least one."""

    def __post_init__(self) -> None:
        """Check the keyframes once."""
        if not self.keyframes:
            raise InputError("a curve without keyframes was given; expected at least one, such as '0: 1'")
        times = [key.time_s for key in self.keyframes]
        for key in self.keyframes:
            if not (math.isfinite(key.time_s) and math.isfinite(key.value) and key.time_s >= 0):
                raise InputError(
                    f"a keyframe {key.value} at {key.time_s} s was given; expected finite numbers, from 0 s on"
                )
            if key.easing not in EASINGS:
                raise InputError(f"there is no easing '{key.easing}'; known are {', '.join(EASINGS)}")
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise InputError(f"keyframes stand at {times} s; expected each later than the one before")

    def at(self, time_s: float) -> float:
        """Give the value at a moment, in seconds."""
        index = bisect_right(self.keyframes, time_s, key=lambda key: key.time_s) - 1
        if index < 0:
            return self.keyframes[0].value
        if index == len(self.keyframes) - 1:
            return self.keyframes[-1].value
        key, following = self.keyframes[index], self.keyframes[index + 1]
        share = (time_s - key.time_s) / (following.time_s - key.time_s)
        return key.value + (following.value - key.value) * _SHAPES[key.easing](share)

    def sample(self, start: int, stop: int, fps: Fraction) -> np.ndarray:
        """Give the values of frames [start, stop) on a clock of `fps`, (F,) float64."""
        return np.array([self.at(float(frame / fps)) for frame in range(start, stop)])


def constant(value: float) -> Curve:
    """Give a curve that does not change."""
    return Curve((Keyframe(0.0, value),))


def parse_curve(text: str) -> Curve:
    """Read a curve as people write it: ``0: 0.2, 1.5: 1 ease, 4: 0``.

    Each keyframe is seconds, a colon, the value, and the easing toward the next one (linear where none is given);
    keyframes are parted by commas, semicolons or line ends. A lone number is a curve that does not change.

    Raises:
        InputError: Naming the part that cannot be read.
    """
    parts = [part.strip() for part in text.replace(";", ",").replace("\n", ",").split(",") if part.strip()]
    if len(parts) == 1 and ":" not in parts[0]:
        return constant(_number(parts[0], parts[0]))
    keyframes: list[Keyframe] = []
    for part in parts:
        time, colon, rest = part.partition(":")
        words = rest.split()
        if not colon or len(words) not in (1, 2):
            raise InputError(
                f"'{part}' is no keyframe; expected seconds: value, and an easing if wanted: 1.5: 0.8 ease"
            )
        easing = words[1] if len(words) == 2 else "linear"
        if easing not in EASINGS:
            raise InputError(f"there is no easing '{easing}'; known are {', '.join(EASINGS)}")
        keyframes.append(Keyframe(_number(time, part), _number(words[0], part), easing))
    return Curve(tuple(keyframes))


def _number(text: str, part: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"'{text.strip()}' in '{part}' is no number; expected one such as 0.5") from error
