"""One person over time as one array, so that filters and fits work on whole joints instead of frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .keypoints import BODY_COUNT, HAND_COUNT, Person

FACE_COUNT = 70
"""Room for a face: 68 points, and two eyes where there are 70."""
BODY = slice(0, BODY_COUNT)
FACE = slice(BODY_COUNT, BODY_COUNT + FACE_COUNT)
HAND_LEFT = slice(FACE.stop, FACE.stop + HAND_COUNT)
HAND_RIGHT = slice(HAND_LEFT.stop, HAND_LEFT.stop + HAND_COUNT)
JOINT_COUNT = HAND_RIGHT.stop


def stack_people(people: Sequence[Person | None]) -> np.ndarray:
    """Give one person's points over time.

    Args:
        people: The person in each of F frames; None where it is not there.

    Returns:
        (F, 130, 3) float64: 18 body, 70 face, 21 left and 21 right hand points; zeros where there is none.
    """
    points = np.zeros((len(people), JOINT_COUNT, 3))
    for row, person in zip(points, people, strict=True):
        if person is not None:
            row[BODY] = person.body
            row[FACE][: len(person.face)] = person.face
            row[HAND_LEFT][: len(person.hand_left)] = person.hand_left
            row[HAND_RIGHT][: len(person.hand_right)] = person.hand_right
    return points


def unstack_people(points: np.ndarray, like: Sequence[Person | None]) -> list[Person | None]:
    """Turn an array back into people.

    Args:
        points: (F, 130, 3), as `stack_people` gives it.
        like: Who was there before, F frames. A part that somebody lacked stays away unless it is seen now; faces have
            as many points as the track's others.

    Returns:
        The person in each frame; None where there was nobody and nothing is seen now.
    """
    face_count = max((len(person.face) for person in like if person is not None), default=0)
    people: list[Person | None] = []
    for row, before in zip(points, like, strict=True):
        if before is None and not (row[:, 2] > 0).any():
            people.append(None)
            continue
        people.append(
            Person(
                body=row[BODY].astype(np.float32),
                face=_part(row[FACE], before and len(before.face), face_count),
                hand_left=_part(row[HAND_LEFT], before and len(before.hand_left), HAND_COUNT),
                hand_right=_part(row[HAND_RIGHT], before and len(before.hand_right), HAND_COUNT),
            )
        )
    return people


def _part(points: np.ndarray, before: int | None, usual: int) -> np.ndarray:
    """Cut a part to its number of points: those it had, or the usual ones if it is seen for the first time."""
    count = before or (usual if (points[:, 2] > 0).any() else 0)
    return points[:count].astype(np.float32)
