"""`POSE_KEYPOINT`: OpenPose-style JSON, as other packs and editors write it.

A list with one dict per frame (a single dict is one frame): ``people`` with flat x, y, confidence triples, and the
canvas in pixels. In the wild coordinates are pixels or, when none exceeds 1, shares of the canvas; missing parts are
null or empty; missing points are zeros or negatives, sometimes with confidence 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np

from ..errors import InputError
from ..types import Size
from .keypoints import BODY_COUNT, HAND_COUNT, Person
from .pose import KeypointTrack

_PARTS = {
    "pose_keypoints_2d": (BODY_COUNT, BODY_COUNT),
    "face_keypoints_2d": (68, 70),
    "hand_left_keypoints_2d": (HAND_COUNT, HAND_COUNT),
    "hand_right_keypoints_2d": (HAND_COUNT, HAND_COUNT),
}


def read_pose_keypoint(data: object, fps: Fraction, canvas: Size | None = None) -> KeypointTrack:
    """Read `POSE_KEYPOINT` data.

    Args:
        data: The list of frames, or one frame.
        fps: Frames per second; the format does not say.
        canvas: The canvas, where the data does not say.

    Returns:
        The track.

    Raises:
        InputError: If it is something else, or nobody is seen in any frame.
    """
    frames = [data] if isinstance(data, Mapping) else data
    if not isinstance(frames, Sequence) or isinstance(frames, (str, bytes)) or not frames:
        raise InputError(
            f"pose keypoints of type {type(data).__name__} were given; expected a list with one dict a frame"
        )
    people: list[tuple[Person, ...]] = []
    size = canvas
    for index, frame in enumerate(cast(Sequence[Any], frames)):
        if not isinstance(frame, Mapping) or not isinstance(frame.get("people"), list):
            known = ", ".join(str(key) for key in frame) if isinstance(frame, Mapping) else type(frame).__name__
            raise InputError(f"pose frame {index} has no list 'people' (it has: {known}); expected OpenPose-style JSON")
        size = size or _canvas(frame, index)
        people.append(tuple(_person(one, size, f"pose frame {index}") for one in frame["people"]))
    assert size is not None
    seen = [tuple(one for one in frame if (one.body[:, 2] > 0).any()) for frame in people]
    if not any(seen):
        raise InputError(
            f"nobody is seen in any of the {len(seen)} pose frames; check what the pose detector was given"
        )
    return KeypointTrack(tuple(seen), size, fps)


def _canvas(frame: Mapping[str, Any], index: int) -> Size:
    width, height = frame.get("canvas_width"), frame.get("canvas_height")
    if not isinstance(width, (int, float)) or not isinstance(height, (int, float)):
        raise InputError(f"pose frame {index} does not say its canvas_width and canvas_height; set the canvas by hand")
    return Size(int(width), int(height))


def _person(data: object, canvas: Size, where: str) -> Person:
    if not isinstance(data, Mapping):
        raise InputError(f"{where} has a person of type {type(data).__name__}; expected a dict of keypoint lists")
    parts = {name: _points(data.get(name), counts, f"{where}, {name}") for name, counts in _PARTS.items()}
    found = np.concatenate(list(parts.values()))
    seen = found[found[:, 2] > 0]
    if len(seen) and float(seen[:, :2].max()) <= 1.0:
        scale = np.array([canvas.width, canvas.height, 1], np.float32)
        parts = {name: points * scale for name, points in parts.items()}
    for points in parts.values():
        points[(points[:, :2] <= 0).any(-1)] = 0
    return Person(*(parts[name] for name in _PARTS))


def _points(values: object, counts: tuple[int, int], where: str) -> np.ndarray:
    """Give (P, 3); a part that is not there is (0, 3), a body that is not there is all unseen."""
    if values is None or (isinstance(values, Sequence) and not values):
        return np.zeros((BODY_COUNT if "pose" in where.rsplit(", ", 1)[-1] else 0, 3), np.float32)
    try:
        points = np.asarray(values, np.float32).reshape(-1, 3)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} is not a flat list of x, y, confidence triples: {error}") from error
    if not counts[0] <= len(points) <= counts[1] and not (counts[0] == BODY_COUNT and len(points) == 25):
        raise InputError(f"{where} has {len(points)} points; expected {counts[0]}")
    if len(points) == 25:  # BODY_25: the mid-hip is its ninth point, the feet follow the ears
        points = points[[*range(8), *range(9, 19)]]
    return np.where(np.isfinite(points), points, 0).astype(np.float32)


def write_pose_keypoint(track: KeypointTrack) -> list[dict[str, Any]]:
    """Give a track as `POSE_KEYPOINT` data, coordinates in pixels of the canvas."""

    def flat(points: np.ndarray) -> list[float] | None:
        return [round(float(value), 3) for value in points.reshape(-1)] if len(points) else None

    return [
        {
            "people": [
                {
                    "pose_keypoints_2d": flat(person.body),
                    "face_keypoints_2d": flat(person.face),
                    "hand_left_keypoints_2d": flat(person.hand_left),
                    "hand_right_keypoints_2d": flat(person.hand_right),
                }
                for person in frame
            ],
            "canvas_width": track.canvas.width,
            "canvas_height": track.canvas.height,
        }
        for frame in track.frames
    ]
