"""Pose control: pose maps through a ControlNet, a PoseNet or ControlNeXt."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..tracks.pose import KeypointTrack, PoseTrack
from ..tracks.pose_styles import POSE_STYLES, PoseStyle
from ..types import Size, Window, float_pixels
from .base import TrackControl
from .controlnet import LoadedControlNet


class PoseControl(TrackControl):
    """A pose track drawn in the style that its network was trained on."""

    name: ClassVar[str] = "pose"
    network: LoadedControlNet

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the window's pose maps, (F, 3, H, W)."""
        track, style = self.track.window(window.start, window.stop), POSE_STYLES.get(self.network.style).build()
        return (self.network.ranged(float_pixels(drawn_poses(track, conditioning.identity.size, style))),)


def drawn_poses(track: PoseTrack, size: Size, style: PoseStyle) -> Tensor:
    """Draw a pose track, (F, 3, H, W) uint8; maps that were drawn elsewhere keep the style that they have."""
    return track.drawn(size, style) if isinstance(track, KeypointTrack) else track.drawn(size)
