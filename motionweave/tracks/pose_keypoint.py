"""`POSE_KEYPOINT`: OpenPose-style JSON, as other packs, editors and OpenPose itself write it.

A list with one dict per frame (a single dict is one frame): ``people`` with flat x, y, confidence triples, and the
canvas in pixels. In the wild coordinates are pixels or shares of the canvas; bodies have OpenPose's 18 points or
BODY_25's; missing parts are null or empty; missing points are zeros, or lie at -1 pixel with whatever confidence.
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

_BODY = "pose_keypoints_2d"
_PARTS = {
    _BODY: (BODY_COUNT, 25),
    "face_keypoints_2d": (68, 70),
    "hand_left_keypoints_2d": (HAND_COUNT,),
    "hand_right_keypoints_2d": (HAND_COUNT,),
}
"""Numbers of points that each part may have."""
_FROM_BODY_25 = (*range(8), *range(9, 19))
"""BODY_25's ninth point is the middle of the hips; its feet follow the ears."""

SHARES_UP_TO = 2.0
"""Coordinates of which none exceeds this are shares of the canvas: points may lie somewhat outside of it."""
_SLACK = 1e-4
"""How near to -1 pixel a point counts as missing."""
_SLACK_OF_SHARES = 0.5
"""The same for shares of the canvas, which other programs have rounded."""


def read_pose_keypoint(data: object, fps: Fraction, canvas: Size | None = None) -> KeypointTrack:
    """Read `POSE_KEYPOINT` data.

    Args:
        data: The list of frames, or one frame.
        fps: Frames per second; the format does not say.
        canvas: The picture on which the points lie; None takes what the data says.

    Returns:
        The track, without people of whom nothing is seen.

    Raises:
        InputError: If it is something else, frames lie on different canvases, or nobody is seen in any frame.
    """
    frames = [data] if isinstance(data, Mapping) else data
    if not isinstance(frames, Sequence) or isinstance(frames, (str, bytes)) or not frames:
        raise InputError(
            f"pose keypoints of type {type(data).__name__} were given; expected a list with one dict a frame"
        )
    checked = [_frame(frame, index) for index, frame in enumerate(cast(Sequence[Any], frames))]
    size = canvas or _canvas(checked)
    people = [
        [_parts(one, f"pose frame {index}") for one in frame.get("people") or ()] for index, frame in enumerate(checked)
    ]
    scale = size if _are_shares(people) else None
    placed = (tuple(_person(one, scale) for one in frame) for frame in people)
    seen = tuple(tuple(one for one in frame if _is_seen(one)) for frame in placed)
    if not any(seen):
        raise InputError(
            f"nobody is seen in any of the {len(seen)} pose frames; check what the pose detector was given"
        )
    return KeypointTrack(seen, size, fps)


def _frame(frame: object, index: int) -> Mapping[str, Any]:
    """Check that a frame is one of people."""
    if isinstance(frame, Mapping) and (isinstance(frame.get("people"), list) or frame.get("people", 0) is None):
        return cast("Mapping[str, Any]", frame)
    known = ", ".join(str(key) for key in frame) if isinstance(frame, Mapping) else type(frame).__name__
    advice = "expected OpenPose-style JSON"
    if isinstance(frame, Mapping) and "animals" in frame:
        advice = "it holds animals' keypoints, which no model here can follow; use a pose detector for people"
    elif isinstance(frame, Mapping) and "annotations" in frame:
        advice = "it is a COCO annotation file; save it as .json and read it with Load Pose File"
    raise InputError(f"pose frame {index} has no list 'people' (it has: {known}); {advice}")


def _canvas(frames: Sequence[Mapping[str, Any]]) -> Size:
    """Give the canvas that all frames lie on."""
    found: dict[tuple[int, int], int] = {}
    for index, frame in enumerate(frames):
        width, height = frame.get("canvas_width"), frame.get("canvas_height")
        if isinstance(width, (int, float)) and isinstance(height, (int, float)):
            found.setdefault((int(width), int(height)), index)
    if not found:
        raise InputError("pose frame 0 does not say its canvas_width and canvas_height; set the canvas by hand")
    if len(found) > 1:
        sizes = ", ".join(f"{width}x{height} from frame {index}" for (width, height), index in found.items())
        raise InputError(
            f"the pose frames lie on canvases of different sizes ({sizes}); a track has one: extract the poses from "
            "pictures of one size"
        )
    return Size(*next(iter(found)))


def _parts(data: object, where: str) -> dict[str, np.ndarray]:
    if not isinstance(data, Mapping):
        raise InputError(f"{where} has a person of type {type(data).__name__}; expected a dict of keypoint lists")
    return {name: _points(data.get(name), counts, f"{where}, {name}") for name, counts in _PARTS.items()}


def _points(values: object, counts: tuple[int, ...], where: str) -> np.ndarray:
    """Give (P, 3), what is no number as zeros; a part that is not there is (0, 3)."""
    if values is None or (isinstance(values, Sequence) and not values):
        return np.zeros((0, 3), np.float32)
    try:
        points = np.asarray(values, np.float32).reshape(-1, 3)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} is not a flat list of x, y, confidence triples: {error}") from error
    if len(points) not in counts:
        raise InputError(f"{where} has {len(points)} points; expected {' or '.join(map(str, counts))}")
    if len(points) == 25:
        points = points[list(_FROM_BODY_25)]
    usable = np.isfinite(points).all(1) & (points[:, 2] >= 0)
    return np.where(usable[:, None], points, 0).astype(np.float32)


def _is_seen(person: Person) -> bool:
    return any((points[:, 2] > 0).any() for points in (person.body, person.face, person.hand_left, person.hand_right))


def _are_shares(frames: list[list[dict[str, np.ndarray]]]) -> bool:
    """Say whether coordinates are shares of the canvas; one program writes a file, so all of it is judged together."""
    seen = [points[points[:, 2] > 0, :2] for people in frames for parts in people for points in parts.values()]
    return max((float(np.abs(points).max()) for points in seen if len(points)), default=np.inf) <= SHARES_UP_TO


def _person(parts: dict[str, np.ndarray], canvas: Size | None) -> Person:
    """Give the person in pixels; `canvas` is given where the points are shares of it."""
    placed = [_placed(points, canvas) for points in parts.values()]
    body = placed[0] if len(placed[0]) else np.zeros((BODY_COUNT, 3), np.float32)
    return Person(body, *placed[1:])


def _placed(points: np.ndarray, canvas: Size | None) -> np.ndarray:
    """Give pixels, with points that mean "missing" as zeros."""
    slack = _SLACK if canvas is None else _SLACK_OF_SHARES
    pixels = points if canvas is None else points * np.array([canvas.width, canvas.height, 1], np.float32)
    missing = (np.abs(pixels[:, :2] + 1) < slack).any(1) | (pixels[:, :2] == 0).all(1)
    if canvas is not None:
        missing |= (points[:, :2] <= -0.99).all(1)
    return np.where((missing & (pixels[:, 2] > 0))[:, None], 0, pixels).astype(np.float32)


def _flat(points: np.ndarray) -> list[float] | None:
    """Give a part as a list: the shortest decimals that come back as the same numbers."""
    if not len(points):
        return None
    told = points.astype(np.float32)
    # A seen point that lies where "missing" is written goes aside by less than a thousandth of a pixel.
    seen = told[:, 2] > 0
    told[:, :2][(np.abs(told[:, :2] + 1) < _SLACK) & seen[:, None]] = -1 - 2 * _SLACK
    told[:, 0][(told[:, :2] == 0).all(1) & seen] = _SLACK
    return told.reshape(-1).astype(str).astype(np.float64).tolist()


def write_pose_keypoint(track: KeypointTrack) -> list[dict[str, Any]]:
    """Give a track as `POSE_KEYPOINT` data, coordinates in pixels of the canvas; reading it gives the same track."""
    return [
        {
            "people": [
                {
                    _BODY: _flat(person.body),
                    "face_keypoints_2d": _flat(person.face),
                    "hand_left_keypoints_2d": _flat(person.hand_left),
                    "hand_right_keypoints_2d": _flat(person.hand_right),
                }
                for person in frame
            ],
            "canvas_width": track.canvas.width,
            "canvas_height": track.canvas.height,
        }
        for frame in track.frames
    ]
