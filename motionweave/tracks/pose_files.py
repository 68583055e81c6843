"""Keypoints in files: what OpenPose, editors, annotation tools and other packs leave on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import InputError, MediaError
from ..types import Size
from .coco import read_coco_annotations, read_coco_table
from .pose import KeypointTrack
from .pose_keypoint import read_pose_keypoint

_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)(?P<ending>(_keypoints|_pose)?)$")
"""A frame's file: ``dance_000000000012_keypoints``."""


def read_pose_file(path: Path, fps: Fraction, canvas: Size | None = None) -> KeypointTrack:
    """Read keypoints from disk.

    Args:
        path: A .json file (`POSE_KEYPOINT`, OpenPose, or COCO annotations), a .csv table of COCO's 17 points, or a
            folder with one OpenPose .json for each frame.
        fps: Frames per second; none of the formats says.
        canvas: The picture on which the points lie, where the file does not say. Annotated pictures of several sizes
            are fitted into it.

    Returns:
        The track.

    Raises:
        MediaError: If the file is missing or not what its ending says.
        InputError: If its content is no pose.
    """
    if path.is_dir():
        return read_pose_keypoint([_only_frame(file) for file in _frame_files(path)], fps, canvas)
    if not path.is_file():
        raise MediaError(path, "is not there; put it into the input folder, and give its name with the ending")
    if path.suffix.lower() == ".csv":
        return read_coco_table(_text(path), fps, canvas)
    if path.suffix.lower() != ".json":
        raise InputError(
            f"{path.name} is no file of keypoints; expected a .json, a .csv of COCO's 17 points, or a folder of .json "
            "files. Videos and images of poses go to Pose from Pose Maps or Extract Pose"
        )
    data = _json(path)
    if isinstance(data, Mapping) and "annotations" in data and "people" not in data:
        return read_coco_annotations(data, fps, canvas)
    return read_pose_keypoint(data, fps, canvas)


def pose_file_state(path: Path) -> str:
    """Say which state a file of keypoints is in, or a folder of them, so that a changed one is read again."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    states = [file.stat() for file in files if file.is_file()]
    return f"{len(states)} {sum(state.st_size for state in states)} {max((s.st_mtime_ns for s in states), default=0)}"


def _frame_files(folder: Path) -> list[Path]:
    """Give a folder's frames in order of their numbers."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(
            f"the folder {folder.name} holds no .json files; expected one for each frame, as OpenPose writes"
        )
    matches = [_NUMBERED.match(file.stem) for file in files]
    if not all(matches):
        if len(files) == 1:
            return files
        unnumbered = next(file.name for file, match in zip(files, matches, strict=True) if not match)
        raise InputError(
            f"{folder.name}/{unnumbered} has no frame number in its name; keep only one video's frames there"
        )
    stems = sorted({match["stem"] for match in matches if match})
    if len(stems) > 1:
        raise InputError(
            f"the folder {folder.name} holds frames of {len(stems)} videos ({stems[0]}, {stems[1]}); give each a folder"
        )
    numbered = sorted((int(match["number"]), file) for match, file in zip(matches, files, strict=True) if match)
    numbers = [number for number, _ in numbered]
    step = min((after - before for before, after in pairwise(numbers)), default=1)
    for before, after in pairwise(numbers):
        if after - before != step:
            raise InputError(
                f"the folder {folder.name} has no frame {before + step}; everything after it would come too early. "
                "Write the poses again: OpenPose writes a file for frames without people too"
            )
    return [file for _, file in numbered]


def _only_frame(path: Path) -> Any:
    data = _json(path)
    if isinstance(data, list):
        if len(data) != 1:
            raise InputError(f"{path.name} holds {len(data)} frames; in a folder every file holds one")
        return data[0]
    return data


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise MediaError(path, f"is not JSON ({error}); save it again, or bring it whole") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(path, f"cannot be read as text: {error}") from error
