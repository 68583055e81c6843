"""Light control: spherical harmonics through a light encoder."""

from __future__ import annotations

import sys
from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..types import Window
from .base import TrackControl


class LightControl(TrackControl):
    """A light track; a light that does not change, and the last of one that ends, lasts as long as the video."""

    name: ClassVar[str] = "light"
    reads: ClassVar[str | None] = "LightEncoder"

    @property
    def frame_count(self) -> int:
        """Any number: the last light holds."""
        return sys.maxsize

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the window's light, (F, 9, 3)."""
        del conditioning
        return (self.track.held(window.stop).coefficients[window.start :],)
