"""Poses out of footage: streamed through an estimator, kept on disk by content."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..media.footage import Footage
from ..runtime import Runtime
from ..types import Progress
from .estimators import PoseEstimator
from .keypoints import Person
from .pose import KeypointTrack

logger = logging.getLogger(__name__)

LAYOUT = "1"
"""Of the files that keep poses; another one is another key."""

People = tuple[tuple[Person, ...], ...]
_PARTS = ("body", "face", "hand_left", "hand_right")


def extract_pose(footage: Footage, estimator: PoseEstimator, runtime: Runtime) -> KeypointTrack:
    """Find everybody's keypoints in every frame.

    What was found is kept below `Folders.cache` under a hash of the footage and the estimator, so that the same footage
    is read once. Memory does not grow with the footage but for the keypoints themselves, about 1.5 kB a person and
    frame.

    Args:
        footage: A video file or frames.
        estimator: Finds the people.
        runtime: Told of the progress; gives the cache's folder.

    Returns:
        The track, on the footage's own frame rate, in its pixels.

    Raises:
        InputError: If nobody is found in any frame.
    """
    key = hashlib.sha256(f"{LAYOUT} {footage.digest()} {estimator.digest}".encode()).hexdigest()
    path = runtime.folders.cache / f"pose-{key[:32]}.npz"
    frames = load_people(path)
    if frames is None:
        frames = _read(footage, estimator, runtime)
        save_people(path, frames)
    else:
        logger.info("%d frames of poses were extracted before and are taken from %s", len(frames), path.name)
    if not any(frames):
        raise InputError(
            f"nobody was found in any of the {len(frames)} frames of the driving video; check that it shows a person, "
            "large enough and upright, and that the pose model was made for such pictures (mini-dwpose knows "
            "marionettes only)"
        )
    return KeypointTrack(frames, footage.size, Fraction(footage.fps))


def _read(footage: Footage, estimator: PoseEstimator, runtime: Runtime) -> People:
    found: list[tuple[Person, ...]] = []
    for people in estimator.people(footage.batches(estimator.batch_size)):
        found.append(people)
        if len(found) % estimator.batch_size == 0 or len(found) == len(footage):
            runtime.report(Progress("pose", 0, 1, min(len(found), len(footage)), len(footage)))
    return tuple(found)


def save_people(path: Path, frames: People) -> None:
    """Keep people in a file, written beside its place and moved there whole.

    Args:
        path: An .npz.
        frames: Who is there in each frame.
    """
    people = [person for frame in frames for person in frame]
    values: dict[str, np.ndarray] = {"people": np.array([len(frame) for frame in frames], np.int64)}
    for part in _PARTS:
        arrays = [getattr(person, part) for person in people]
        values[f"{part}_counts"] = np.array([len(array) for array in arrays], np.int64)
        values[part] = np.concatenate([np.zeros((0, 3), np.float32), *arrays])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, **values)  # pyright: ignore[reportArgumentType] - its options share the namespace of names
    partial.replace(path)


def load_people(path: Path) -> People | None:
    """Read people from a file of `save_people`; None if there is none, or if it is damaged."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as values:
            parts = [np.split(values[part], np.cumsum(values[f"{part}_counts"])[:-1]) for part in _PARTS]
            counts = values["people"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("%s is damaged (%s); poses are extracted again", path.name, error)
        return None
    people = iter([Person(*arrays) for arrays in zip(*parts, strict=True)] if counts.sum() else [])
    return tuple(tuple(next(people) for _ in range(count)) for count in counts)
