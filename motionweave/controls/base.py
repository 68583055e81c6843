"""A control: a track, and the adapter that turns a window of it into conditioning."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from torch import nn

from ..backbones.base import Conditioning
from ..types import Window


class Control(Protocol):
    """Something that says what should happen in the video."""

    @property
    def module(self) -> nn.Module | None:
        """The network it runs, so that the host can make room for it; None if it has none."""
        ...

    @property
    def frame_count(self) -> int:
        """Frames of the video that it covers."""
        ...

    def resample(self, fps: Fraction) -> Control:
        """Give the same control on another frame rate."""
        ...

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Give the conditioning with this control's part of the window added."""
        ...
