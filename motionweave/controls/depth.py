"""Depth control: depth maps through a ControlNet."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..types import Window, float_pixels
from .base import TrackControl
from .controlnet import LoadedControlNet


class DepthControl(TrackControl):
    """A depth track, near white, on the scale of its whole clip."""

    name: ClassVar[str] = "depth"
    network: LoadedControlNet

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the window's depth maps, (F, 3, H, W)."""
        maps = self.track.window(window.start, window.stop).drawn(conditioning.identity.size)
        return (self.network.ranged(float_pixels(maps)),)
