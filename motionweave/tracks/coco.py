"""COCO's 17 body points: annotation files, and tables as pose-estimation examples keep them."""

from __future__ import annotations

import csv
import io
import logging
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import InputError
from ..types import Size
from .keypoints import Person, from_coco
from .pose import KeypointTrack

logger = logging.getLogger(__name__)

COCO_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
FULLY_VISIBLE = 2
"""COCO's visibility: 0 not labelled, 1 labelled but hidden, 2 visible. As a confidence: 0, a half, 1."""


def read_coco_annotations(data: Mapping[str, Any], fps: Fraction, canvas: Size | None = None) -> KeypointTrack:
    """Read a COCO person-keypoint annotation file, one frame for each picture in the order listed.

    Args:
        data: The file's content, with ``images`` and ``annotations``.
        fps: Frames per second; the format does not say.
        canvas: Picture into which every one is fitted, whole and centred; None takes their size, which has to be one.

    Returns:
        The track, without people who have no labelled point.

    Raises:
        InputError: If it is of something else than people, pictures differ in size and no canvas is given, or nobody
            is labelled in any picture.
    """
    pictures = {each["id"]: Size(int(each["width"]), int(each["height"])) for each in data.get("images", ())}
    sizes = sorted({(size.width, size.height) for size in pictures.values()})
    if not pictures:
        raise InputError("the COCO annotations list no pictures; expected one for every frame")
    if canvas is None and len(sizes) > 1:
        told = ", ".join(f"{width}x{height}" for width, height in sizes)
        raise InputError(
            f"the annotated pictures have {len(sizes)} sizes ({told}), and a pose track lies on one canvas; set the "
            "canvas, and every picture is fitted into it"
        )
    target = canvas or Size(*sizes[0])
    people: defaultdict[Any, list[Person]] = defaultdict(list)
    for annotation in _of_people(data):
        size = pictures.get(annotation.get("image_id"))
        points = _labelled(annotation)
        if size is not None and points is not None:
            people[annotation["image_id"]].append(from_coco(_fitted(points, size, target)))
    frames = tuple(tuple(people[image]) for image in pictures)
    shown, listed = sum(map(len, frames)), len(data.get("annotations", ()))
    if not shown:
        raise InputError(f"none of the {listed} annotations has a labelled keypoint; expected people with keypoints")
    if shown < listed:
        logger.warning("%d of %d annotated people have no labelled keypoint and are left out", listed - shown, listed)
    return KeypointTrack(frames, target, fps)


def _of_people(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    for category in data.get("categories", ()):
        names = category.get("keypoints")
        if names and tuple(names) != COCO_NAMES:
            raise InputError(
                f"the annotations of '{category.get('name')}' have the keypoints {', '.join(names[:4])} ...; expected "
                "COCO's 17 of a person"
            )
    return list(data.get("annotations", ()))


def _labelled(annotation: Mapping[str, Any]) -> np.ndarray | None:
    """Give (17, 3) with confidences, or None if nothing is labelled."""
    values = annotation.get("keypoints") or ()
    if not values:
        return None
    if len(values) != 3 * len(COCO_NAMES):
        raise InputError(
            f"annotation {annotation.get('id')} has {len(values)} numbers as keypoints; expected 17 times x, y, "
            "visibility"
        )
    points = np.asarray(values, np.float64).reshape(-1, 3)
    points[:, 2] /= FULLY_VISIBLE
    return points if (points[:, 2] > 0).any() else None


def _fitted(points: np.ndarray, size: Size, target: Size) -> np.ndarray:
    scale = min(target.width / size.width, target.height / size.height)
    offset = (target.width - size.width * scale) / 2, (target.height - size.height * scale) / 2
    return np.concatenate([points[:, :2] * scale + offset, points[:, 2:]], 1)


def read_coco_table(text: str, fps: Fraction, canvas: Size | None = None) -> KeypointTrack:
    """Read a table: one person a row, columns such as ``nose_x``, ``nose_y`` and, where there is one, ``nose_score``.

    Args:
        text: Comma-separated values with a heading; every row is a frame.
        fps: Frames per second.
        canvas: The picture on which the points lie, in pixels; the format does not say.

    Returns:
        The track. An empty or negative cell is a point that is not there.

    Raises:
        InputError: If columns are missing, a cell is no number, there is no row, or no canvas is given.
    """
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    columns = [f"{name}_{axis}" for name in COCO_NAMES for axis in "xy"]
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"the table lacks {len(missing)} of 34 columns, such as {missing[0]}; expected x and y of COCO's 17 body "
            "points, nose_x to right_ankle_y"
        )
    if canvas is None:
        raise InputError("a table of keypoints does not say how large its picture is; set the canvas by hand")
    frames = tuple((from_coco(_row(row, line)),) for line, row in enumerate(reader, start=2))
    if not any((person.body[:, 2] > 0).any() for people in frames for person in people):
        raise InputError(f"nobody is seen in any of the table's {len(frames)} rows")
    return KeypointTrack(frames, canvas, fps)


def _row(row: Mapping[str, str | None], line: int) -> np.ndarray:
    try:
        cells = [[_number(row.get(f"{name}_{axis}")) for axis in ("x", "y", "score")] for name in COCO_NAMES]
    except ValueError as error:
        raise InputError(f"line {line} of the table holds something that is no number: {error}") from error
    points = np.array(cells)
    points[np.isnan(points[:, 2]), 2] = 1
    gone = np.isnan(points[:, :2]).any(1) | (points[:, :2] < 0).any(1)
    points[gone] = 0
    return points


def _number(cell: str | None) -> float:
    return float(cell) if cell and cell.strip() else float("nan")
