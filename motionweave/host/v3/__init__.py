"""The public names of ``comfy_api.latest`` that node files use, without ComfyUI."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from . import io, ui
from .node import ComfyExtension
from .video import VideoCodec, VideoComponents, VideoContainer, VideoFromComponents, VideoFromFile, VideoInput


class Input:
    """Types of what comes in, for annotations."""

    Image = Tensor
    Audio = dict[str, Any]
    Mask = Tensor
    Latent = dict[str, Any]
    Video = VideoInput


class InputImpl:
    """Videos that a node can make."""

    VideoFromFile = VideoFromFile
    VideoFromComponents = VideoFromComponents


class Types:
    """Facts about videos."""

    VideoCodec = VideoCodec
    VideoContainer = VideoContainer
    VideoComponents = VideoComponents


IO = io
UI = ui

__all__ = ["IO", "UI", "ComfyExtension", "Input", "InputImpl", "Types", "io", "ui"]
