"""Camera moves by name, and by keyframes as people write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ..errors import InputError
from .camera import DEFAULT_FOCAL, MOVES, CameraPath, Move
from .timeline import Curve, Easing, Keyframe, constant, parse_curve

CAMERA_PRESETS: dict[str, dict[Move, float]] = {
    "static": {},
    "push in": {"dolly": 0.35},
    "pull out": {"dolly": -0.5},
    "zoom in": {"zoom": 1.6},
    "zoom out": {"zoom": 0.65},
    "dolly zoom": {"dolly": 0.4, "zoom": 0.6},
    "pan left": {"pan": -15.0},
    "pan right": {"pan": 15.0},
    "tilt up": {"tilt": 10.0},
    "tilt down": {"tilt": -10.0},
    "roll": {"roll": 10.0},
    "truck left": {"truck": -0.25},
    "truck right": {"truck": 0.25},
    "crane up": {"pedestal": 0.35, "tilt": -18.0},
    "orbit left": {"orbit": -25.0},
    "orbit right": {"orbit": 25.0},
    "arc in": {"orbit": 20.0, "dolly": 0.25},
    "handheld": {},
}
"""Where each move ends at an amount of 1; all begin at rest. Half of the way is half of it, for zoom as a power."""

HANDHELD: dict[Move, float] = {"pan": 0.6, "tilt": 0.5, "roll": 0.3, "truck": 0.008, "pedestal": 0.006}
"""How far a hand trembles at an amount of 1: the deviation of each move."""
HANDHELD_HZ = (0.35, 0.8, 1.7)
KEYS_PER_S = 12
"""Keyframes by which trembling, powers and sums of curves are followed."""
JUMP_S = 1e-6
"""Time in which a held curve goes over to its next keyframe where curves are joined."""


@dataclass(frozen=True)
class CameraRequest:
    """A move by name."""

    preset: str
    """One of `CAMERA_PRESETS`."""
    amount: float | Curve = 1.0
    """How much of it: 1 as listed, negative the other way; a curve says how much has been gone at each moment."""
    seconds: float = 4.0
    """Length of the path; without a curve the move takes all of it."""
    fps: Fraction = Fraction(24)
    """Frame rate."""
    easing: Easing = "ease"
    """How the move begins and ends, without a curve."""
    seed: int = 0
    """Draws the hand's trembling."""
    focal: float = DEFAULT_FOCAL
    """Focal length over the picture's height."""


def camera_path(request: CameraRequest, moves: Mapping[Move, Curve] | None = None) -> CameraPath:
    """Make a camera path.

    Args:
        request: A move by name.
        moves: Curves that are added to it (zoom: multiplied).

    Returns:
        The path.

    Raises:
        InputError: If the name or a number makes no sense.
    """
    if request.preset not in CAMERA_PRESETS:
        raise InputError(f"there is no camera move '{request.preset}'; known are {', '.join(CAMERA_PRESETS)}")
    frames = round(request.seconds * request.fps)
    if frames < 1:
        raise InputError(f"a camera path of {request.seconds:g} s was asked for; expected at least one frame")
    curves: dict[Move, Curve] = dict(moves or {})
    named = _handheld(request) if request.preset == "handheld" else _named(request)
    for move, curve in named.items():
        curves[move] = _together(move, curve, curves[move], request) if move in curves else curve
    chosen: list[tuple[Move, Curve]] = [(move, curves[move]) for move in MOVES if move in curves]
    return CameraPath(tuple(chosen), request.fps, 0, frames, request.focal)


def parse_moves(text: str) -> dict[Move, Curve]:
    """Read moves as people write them, one a line: ``pan 0: 0, 2: 30 ease``.

    Raises:
        InputError: Naming the line that cannot be read.
    """
    moves: dict[Move, Curve] = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        name, _, rest = line.partition(" ")
        found: Move | None = next((move for move in MOVES if move == name.lower().rstrip(":")), None)
        if found is None:
            raise InputError(f"'{line}' begins with no camera move; expected one of {', '.join(MOVES)}")
        if found in moves:
            raise InputError(f"'{found}' stands there twice; put all its keyframes into one line")
        moves[found] = parse_curve(rest)
    return moves


def _amount(request: CameraRequest) -> Curve:
    """Give how much of the move has been gone, over time."""
    if isinstance(request.amount, Curve):
        return request.amount
    return Curve((Keyframe(0, 0, request.easing), Keyframe(request.seconds, request.amount)))


def _affine(curve: Curve, factor: float, offset: float = 0.0) -> Curve:
    """Give a curve times a factor, and an offset added; easing stays as it is, so nothing is lost."""
    return Curve(tuple(replace(key, value=offset + factor * key.value) for key in curve.keyframes))


def _read_off(value: Callable[[float], float], request: CameraRequest, *sources: Curve) -> Curve:
    """Give a curve of any value over time, exact at the keyframes of the curves it comes from, and where they jump."""
    times = set(_times(request).tolist())
    for key, following in (pair for source in sources for pair in pairwise(source.keyframes)):
        times |= {key.time_s, following.time_s}
        if key.easing == "hold":
            times.add(max(key.time_s, following.time_s - JUMP_S))
    return _curve([(time, value(time)) for time in sorted(times)])


def _times(request: CameraRequest) -> np.ndarray:
    return np.linspace(0, request.seconds, max(2, math.ceil(request.seconds * KEYS_PER_S) + 1))


def _named(request: CameraRequest) -> dict[Move, Curve]:
    """Give the curves of a preset."""
    ends, amount = CAMERA_PRESETS[request.preset], _amount(request)
    if request.preset == "dolly zoom":  # the subject keeps its size: focal length over distance stays the same
        dolly = _affine(amount, ends["dolly"])
        return {"dolly": dolly, "zoom": _affine(dolly, -1.0, 1.0)}
    curves: dict[Move, Curve] = {move: _affine(amount, end) for move, end in ends.items() if move != "zoom"}
    if "zoom" in ends:  # by equal factors, so that its speed looks even
        curves["zoom"] = _read_off(lambda time: ends["zoom"] ** amount.at(time), request, amount)
    return curves


def _handheld(request: CameraRequest) -> dict[Move, Curve]:
    rng, times = np.random.default_rng([request.seed, 21]), _times(request)
    amount = request.amount if isinstance(request.amount, Curve) else constant(request.amount)
    moves: dict[Move, Curve] = {}
    for move, deviation in HANDHELD.items():
        phases = rng.uniform(0, 2 * np.pi, len(HANDHELD_HZ))
        waves = [np.sin(2 * np.pi * hz * times + phase) for hz, phase in zip(HANDHELD_HZ, phases, strict=True)]
        values = deviation * np.sqrt(2 / len(waves)) * np.sum(waves, 0)
        trembling = _curve(list(zip(times.tolist(), (values - values[0]).tolist(), strict=True)))
        moves[move] = _product(trembling, amount, request)
    return moves


def _together(move: Move, first: Curve, second: Curve, request: CameraRequest) -> Curve:
    """Add two curves of one move, or multiply two zooms."""
    if move == "zoom":
        return _product(first, second, request)
    return _read_off(lambda time: first.at(time) + second.at(time), request, first, second)


def _product(first: Curve, second: Curve, request: CameraRequest) -> Curve:
    return _read_off(lambda time: first.at(time) * second.at(time), request, first, second)


def _curve(points: list[tuple[float, float]]) -> Curve:
    return Curve(tuple(Keyframe(time, value) for time, value in points))
