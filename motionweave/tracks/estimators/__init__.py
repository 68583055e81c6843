"""Pose estimators, each one file and one registry line."""

from __future__ import annotations

from typing import Any

from ...errors import MissingModelError
from ...registry import Entry, Registry
from ...runtime import Folders
from ...weights.locate import available_models, locate_model
from .base import PoseEstimator


def _dwpose(*arguments: Any, **options: Any) -> PoseEstimator:
    from .dwpose import load_dwpose

    return load_dwpose(*arguments, **options)


def _openpose(*arguments: Any, **options: Any) -> PoseEstimator:
    from .openpose import load_openpose

    return load_openpose(*arguments, **options)


POSE_ESTIMATORS: Registry[PoseEstimator] = Registry(
    "pose estimator",
    (
        Entry("dwpose", "DWPose (YOLOX and SimCC whole body, ONNX)", _dwpose, needs=("pose",)),
        Entry("openpose", "OpenPose (controlnet-aux, non-commercial)", _openpose, needs=("pose-openpose",)),
    ),
)
"""Each entry's ``build`` takes the model's folder and how many frames lie between two looks for people."""


def pose_models(folders: Folders) -> tuple[str, ...]:
    """List the pose models on this machine, of every estimator."""
    roles = [role for entry in POSE_ESTIMATORS for role in entry.needs]
    return tuple(name for role in roles for name in available_models(role, folders))


def load_pose_model(name: str, folders: Folders, detect_every: int) -> PoseEstimator:
    """Load a pose model by the name under which `pose_models` lists it.

    Args:
        name: The model.
        folders: The host's.
        detect_every: Frames from one look for people to the next; estimators that look at every frame as a whole take
            no notice.

    Raises:
        MissingModelError: If it is not on this machine.
    """
    for entry in POSE_ESTIMATORS:
        for role in entry.needs:
            if name in available_models(role, folders):
                return entry.build(locate_model(role, name, folders), detect_every)
    known = ", ".join(pose_models(folders)) or "none"
    raise MissingModelError(name, folders.models, f"Pose models here: {known}.")


__all__ = ["POSE_ESTIMATORS", "PoseEstimator", "load_pose_model", "pose_models"]
