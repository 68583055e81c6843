"""Camera tracks: where the camera is, where it looks, and how far it is zoomed in, over time.

Axes of world and camera: x right, y up, z toward the viewer, as in Marionette. The subject stands at the origin and the
camera begins one unit away from it on +z, so lengths are in units of the subject's distance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, Protocol, get_args

import numpy as np

from ..errors import InputError
from .base import Track, check_window, resampled_length
from .timeline import Curve

Move = Literal["pan", "tilt", "roll", "zoom", "truck", "pedestal", "dolly", "orbit"]
MOVES: tuple[Move, ...] = get_args(Move)
"""Pan right, tilt up, roll clockwise, orbit right, in degrees; zoom as a factor on the focal length; truck right,
pedestal up and dolly toward the subject in units of its distance."""

RESTING = {"zoom": 1.0}
"""What a move is where nothing is said; 0 for all others."""

DEFAULT_FOCAL = 1.4
"""Focal length over the picture's height: about 39 degrees from top to bottom, a normal lens."""


@dataclass(frozen=True)
class CameraPoses:
    """A pinhole camera in each of F frames."""

    rotation: np.ndarray
    """(F, 3, 3) float64: rows are the camera's axes in world coordinates."""
    position: np.ndarray
    """(F, 3) float64."""
    focal: np.ndarray
    """(F,) float64: focal length over the picture's height."""

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.focal)


class CameraTrack(Track, Protocol):
    """A track that says how the camera stands in each frame."""

    def poses(self) -> CameraPoses:
        """Give the camera of every frame."""
        ...


@dataclass(frozen=True)
class CameraPath:
    """A camera that follows curves, exact at any frame rate."""

    moves: tuple[tuple[Move, Curve], ...]
    """Each move at most once; the others rest."""
    fps: Fraction
    """Frames per second."""
    start: int
    """First frame, counted at `fps`."""
    stop: int
    """One past the last frame."""
    focal: float = DEFAULT_FOCAL
    """Focal length over the picture's height, before any zoom."""

    def __post_init__(self) -> None:
        """Check the moves once."""
        names = [name for name, _ in self.moves]
        if len(set(names)) != len(names) or not set(names) <= set(MOVES):
            raise InputError(
                f"camera moves {', '.join(names)} were given; expected each of {', '.join(MOVES)} once at most"
            )
        if not 0 <= self.start < self.stop or self.focal <= 0:
            raise InputError(
                f"a camera path of frames [{self.start}, {self.stop}) was given; expected at least one frame"
            )
        for name, curve in self.moves:
            values = [key.value for key in curve.keyframes]
            if name == "zoom" and min(values) <= 0:
                raise InputError(
                    f"zoom goes to {min(values):g}; expected factors above 0, such as 2 for twice as close"
                )
            if name == "dolly" and max(values) >= 1:
                raise InputError(
                    f"dolly goes to {max(values):g}; expected less than 1, which is where the subject stands"
                )

    def __len__(self) -> int:
        """Count the frames."""
        return self.stop - self.start

    def resample(self, fps: Fraction) -> CameraPath:
        """Give the same path at another frame rate; it is read off the curves anew, so nothing is lost."""
        start = -((-self.start * fps) // self.fps)
        return replace(self, fps=fps, start=start, stop=start + resampled_length(len(self), self.fps, fps))

    def window(self, start: int, stop: int) -> CameraPath:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, start=self.start + start, stop=self.start + stop)

    def values(self, move: Move) -> np.ndarray:
        """Give a move in every frame, (F,)."""
        for name, curve in self.moves:
            if name == move:
                return curve.sample(self.start, self.stop, self.fps)
        return np.full(len(self), RESTING.get(move, 0.0))

    def poses(self) -> CameraPoses:
        """Give the camera of every frame: orbit first, then the way it is carried, then the way it turns."""
        turned = about_y(np.deg2rad(self.values("orbit")))
        offset = np.stack([self.values("truck"), self.values("pedestal"), 1 - self.values("dolly")], -1)
        position = np.einsum("fij,fi->fj", turned, offset)
        pan, tilt, roll = (np.deg2rad(self.values(name)) for name in ("pan", "tilt", "roll"))
        rotation = about_z(roll) @ about_x(tilt) @ about_y(-pan) @ turned
        return CameraPoses(rotation, position, self.focal * self.values("zoom"))


@dataclass(frozen=True)
class CameraFrames:
    """A camera whose every frame is given, as a tracker or a file does."""

    cameras: CameraPoses
    """One for each frame."""
    fps: Fraction
    """Frames per second."""

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.cameras)

    def resample(self, fps: Fraction) -> CameraFrames:
        """Give the cameras in between, on the same clock; the last one is held."""
        times = np.arange(resampled_length(len(self), self.fps, fps)) * float(self.fps / fps)
        return CameraFrames(cameras_between(self.cameras, np.arange(len(self)), times), fps)

    def window(self, start: int, stop: int) -> CameraFrames:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, cameras=_chosen(self.cameras, np.arange(start, stop)))

    def poses(self) -> CameraPoses:
        """Give the camera of every frame."""
        return self.cameras


def cameras_between(cameras: CameraPoses, own: np.ndarray, times: np.ndarray) -> CameraPoses:
    """Read cameras that stand at some times, (F,) and rising, at others.

    Places and focal lengths lie on straight lines, turns on the shortest arc; the first and the last camera are held.
    """
    from scipy.spatial.transform import Rotation, Slerp

    if len(cameras) == 1:
        return _chosen(cameras, np.zeros(len(times), int))
    held = np.clip(times, own[0], own[-1])
    turns = Slerp(own, Rotation.from_matrix(cameras.rotation))(held).as_matrix()
    places = np.stack([np.interp(held, own, column) for column in cameras.position.T], -1)
    return CameraPoses(turns, places, np.interp(held, own, cameras.focal))


def _chosen(cameras: CameraPoses, frames: np.ndarray) -> CameraPoses:
    return CameraPoses(cameras.rotation[frames], cameras.position[frames], cameras.focal[frames])


def _stack(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.stack([np.stack(row, -1) for row in rows], -2)


def about_y(angle: np.ndarray) -> np.ndarray:
    """Give axes of a camera that went round the subject to the right by (F,) radians and looks back at it."""
    zero, one, cos, sin = np.zeros_like(angle), np.ones_like(angle), np.cos(angle), np.sin(angle)
    return _stack([[cos, zero, -sin], [zero, one, zero], [sin, zero, cos]])


def about_x(angle: np.ndarray) -> np.ndarray:
    """Give axes of a camera that tilts up by (F,) radians."""
    zero, one, cos, sin = np.zeros_like(angle), np.ones_like(angle), np.cos(angle), np.sin(angle)
    return _stack([[one, zero, zero], [zero, cos, sin], [zero, -sin, cos]])


def about_z(angle: np.ndarray) -> np.ndarray:
    """Give axes of a camera that rolls clockwise, as seen by the viewer, by (F,) radians."""
    zero, one, cos, sin = np.zeros_like(angle), np.ones_like(angle), np.cos(angle), np.sin(angle)
    return _stack([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
