"""Controls: one file each, one line each."""

from __future__ import annotations

from typing import Any

from ..registry import Entry, Registry
from .base import Control
from .controlnet import LoadedControlNet, load_controlnet
from .pose import PoseControl


def _pose(**settings: Any) -> Control:
    return PoseControl(**settings)


def _depth(**settings: Any) -> Control:
    from .depth import DepthControl

    return DepthControl(**settings)


def _reference(**settings: Any) -> Control:
    from .reference import ReferenceControl

    return ReferenceControl(**settings)


def _face(**settings: Any) -> Control:
    from .face import FaceControl

    return FaceControl(**settings)


def _speech(**settings: Any) -> Control:
    from .speech import SpeechControl

    return SpeechControl(**settings)


def _light(**settings: Any) -> Control:
    from .light import LightControl

    return LightControl(**settings)


def _camera(**settings: Any) -> Control:
    from .camera import CameraControl

    return CameraControl(**settings)


CONTROLS: Registry[Control] = Registry(
    "control",
    (
        Entry("pose", "Pose", _pose, needs=("controlnet",)),
        Entry("depth", "Depth", _depth, needs=("controlnet",)),
        Entry("reference", "Reference", _reference, needs=("reference-net",)),
        Entry("face", "Face", _face, needs=("face-adapter",)),
        Entry("speech", "Speech", _speech, needs=("adapter",)),
        Entry("light", "Light", _light, needs=("adapter",)),
        Entry("camera", "Camera", _camera, needs=("adapter",)),
    ),
)

__all__ = ["CONTROLS", "Control", "LoadedControlNet", "PoseControl", "load_controlnet"]
