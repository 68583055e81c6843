"""Camera paths as RealEstate10K's text, which camera-controlled video models and trackers write and read.

The first line is the clip's address and says nothing about cameras. Each further line is one camera: its time in
microseconds; fx, fy, cx, cy, those of x over the picture's width and those of y over its height; two zeros; the first
three rows of the world-to-camera matrix in OpenCV's axes.

Source: the RealEstate10K data set's format (Zhou et al., 2018); CameraCtrl's ``inference.py`` skips the first line too.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..errors import InputError
from ..types import Size
from .camera import CameraFrames, CameraPoses, CameraTrack, cameras_between
from .camera_rays import OPENCV, camera_to_world, relative_to_first

NUMBERS = 19
SAME_TIME_S = 1e-3
"""Times are rounded to microseconds and come from videos; a frame this close to the last camera still has one."""


def write_realestate(track: CameraTrack, size: Size) -> str:
    """Give a track as RealEstate10K's text, relative to its first frame.

    Args:
        track: F frames.
        size: The picture's size; the text holds focal lengths over both its width and its height.
    """
    cameras = relative_to_first(track.poses())
    lines = ["motionweave"]
    for index, (matrix, focal) in enumerate(zip(camera_to_world(cameras), cameras.focal, strict=True)):
        time = round(index / track.fps * 1_000_000)
        numbers = [focal * size.height / size.width, focal, 0.5, 0.5, 0, 0, *np.linalg.inv(matrix)[:3].reshape(-1)]
        lines.append(f"{time} " + " ".join(f"{value:.9g}" for value in numbers))
    return "\n".join(lines) + "\n"


def read_realestate(text: str, fps: Fraction, scale: float = 1.0) -> CameraFrames:
    """Read a camera path from RealEstate10K's text.

    Args:
        text: What the file holds, with or without its first line.
        fps: Frame rate of the track; cameras are read off between the file's own times.
        scale: Units of the subject's distance for one unit of the file, whose own scale means nothing.

    Returns:
        The path, set down where paths begin: one unit in front of the subject, looking at it.

    Raises:
        InputError: Naming the line that cannot be read.
    """
    rows = [line.split() for line in text.splitlines() if line.strip()]
    rows = rows[1:] if rows and len(rows[0]) != NUMBERS else rows
    if not rows:
        raise InputError("there is no camera in the text; expected lines of 19 numbers, as RealEstate10K has them")
    values = np.stack([_numbers(row) for row in rows])
    times = (values[:, 0] - values[0, 0]) / 1_000_000
    if (np.diff(times) <= 0).any():
        raise InputError("the cameras' times do not rise from line to line; expected microseconds, in order")
    if np.abs(values[:, 3:5] - 0.5).max() > 1e-3:
        raise InputError("the cameras look past the picture's middle (cx, cy are not 0.5); centre them first")
    matrices = np.linalg.inv(
        np.concatenate([values[:, 7:].reshape(-1, 3, 4), np.tile([[[0.0, 0, 0, 1]]], (len(rows), 1, 1))], 1)
    )
    turns = OPENCV @ np.swapaxes(matrices[:, :3, :3], 1, 2) @ OPENCV
    found = relative_to_first(CameraPoses(turns, matrices[:, :3, 3] @ OPENCV, values[:, 2]))
    placed = CameraPoses(found.rotation, found.position * scale + (0, 0, 1), found.focal)
    count = int((times[-1] + SAME_TIME_S) * fps) + 1
    return CameraFrames(cameras_between(placed, times, np.arange(count) / float(fps)), fps)


def _numbers(row: list[str]) -> np.ndarray:
    try:
        values = np.array([float(word) for word in row])
    except ValueError as error:
        raise InputError(f"'{' '.join(row)}' is no camera; expected {NUMBERS} numbers") from error
    turn = values[7:].reshape(3, 4)[:, :3] if len(values) == NUMBERS else np.zeros((3, 3))
    if not (np.isfinite(values).all() and np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) and np.linalg.det(turn) > 0):
        raise InputError(f"'{' '.join(row)}' is no camera; expected {NUMBERS} numbers, the last 12 a turn and a shift")
    return values
