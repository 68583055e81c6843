"""People as keypoints: the OpenPose-style values that pose estimators give and other packs exchange."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

BODY_COUNT = 18
"""Nose, neck, right shoulder, elbow, wrist, left ones, right hip, knee, ankle, left ones, eyes, ears."""
HAND_COUNT = 21
"""Wrist, then four points a finger from the thumb on."""

VISIBLE_ABOVE = 0.3
"""A point counts as seen above this confidence (DWPose, `util.py`)."""

_COCO_TO_OPENPOSE = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)


@dataclass(frozen=True)
class Person:
    """One person in one frame. Each array holds x and y in pixels of the canvas and a confidence in [0, 1]."""

    body: np.ndarray
    """(18, 3) in OpenPose order."""
    face: np.ndarray
    """(P, 3): 68 or 70 points, or (0, 3) where the face is not known."""
    hand_left: np.ndarray
    """(21, 3), or (0, 3)."""
    hand_right: np.ndarray
    """(21, 3), or (0, 3)."""

    def __post_init__(self) -> None:
        """Check the shapes once."""
        if self.body.shape != (BODY_COUNT, 3):
            raise InputError(
                f"a body of shape {self.body.shape} was given; expected {BODY_COUNT} points of x, y, confidence"
            )


def _body(points: np.ndarray) -> np.ndarray:
    """Turn COCO's 17 body points, the first of `points`, into OpenPose's 18.

    The neck, which COCO lacks, is the middle of the shoulders, seen where both are (DWPose, `wholebody.py`).
    """
    body = points[list(_COCO_TO_OPENPOSE)].astype(np.float32)
    shoulders = points[[5, 6]]
    seen = float((shoulders[:, 2] > VISIBLE_ABOVE).all())
    body[1] = (*shoulders[:, :2].mean(0), seen)
    return body


def from_wholebody(points: np.ndarray) -> Person:
    """Turn COCO-WholeBody points into OpenPose's.

    Args:
        points: (133, 3) x, y, confidence.

    Returns:
        The person.
    """
    return Person(
        body=_body(points),
        face=points[23:91].astype(np.float32),
        hand_left=points[91:112].astype(np.float32),
        hand_right=points[112:133].astype(np.float32),
    )


def from_coco(points: np.ndarray) -> Person:
    """Turn COCO's body points into OpenPose's; face and hands are not known.

    Args:
        points: (17, 3) x, y, confidence.

    Returns:
        The person; what is not seen is all zeros.
    """
    body = _body(points)
    body[body[:, 2] <= 0] = 0
    empty = np.zeros((0, 3), np.float32)
    return Person(body=body, face=empty, hand_left=empty, hand_right=empty)
