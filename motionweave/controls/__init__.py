"""Controls: one file each, one line each."""

from __future__ import annotations

from typing import Any

from ..registry import Entry, Registry
from .base import Control
from .controlnet import LoadedControlNet, load_controlnet
from .pose import PoseControl


def _build_pose(**settings: Any) -> Control:
    return PoseControl(**settings)


CONTROLS: Registry[Control] = Registry("control", (Entry("pose", "Pose", _build_pose, needs=("controlnet",)),))

__all__ = ["CONTROLS", "Control", "LoadedControlNet", "PoseControl", "load_controlnet"]
