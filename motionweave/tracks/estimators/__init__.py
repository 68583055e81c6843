"""Pose estimators, each one file and one registry line."""

from __future__ import annotations

from typing import Any

from ...registry import Entry, Registry
from .base import PoseEstimator


def _dwpose(*arguments: Any, **options: Any) -> PoseEstimator:
    from .dwpose import load_dwpose

    return load_dwpose(*arguments, **options)


POSE_ESTIMATORS: Registry[PoseEstimator] = Registry(
    "pose estimator", (Entry("dwpose", "DWPose (YOLOX and SimCC whole body, ONNX)", _dwpose, needs=("pose",)),)
)
"""Each entry's ``build`` takes the model's folder."""

__all__ = ["POSE_ESTIMATORS", "PoseEstimator"]
