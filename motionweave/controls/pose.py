"""Pose control: pose maps through a ControlNet, a PoseNet or ControlNeXt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..errors import InputError
from ..tracks.pose import KeypointTrack, PoseTrack
from ..tracks.pose_styles import POSE_STYLES, PoseStyle
from ..types import Size, Window, float_pixels
from .base import TrackControl
from .controlnet import LoadedControlNet


@dataclass(frozen=True)
class PoseControl(TrackControl):
    """A pose track drawn in the style that its network was trained on."""

    name: ClassVar[str] = "pose"
    network: LoadedControlNet
    reference_pose: PoseTrack | None = None
    """The reference picture's own pose, its first frame; read by networks that were trained with it, which need it."""

    def __post_init__(self) -> None:
        """Check numbers, and that the reference's pose is there where it is needed."""
        super().__post_init__()
        if self.network.reference_first and not self.reference_pose:
            raise InputError(
                f"this {type(self.network.net).__name__} (MimicMotion's, ControlNeXt's) was trained to see the "
                "reference picture in its own pose before every window; connect reference_pose of Apply Pose to "
                "Extract Pose, reading the picture that Encode Identity reads"
            )

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the window's pose maps, (F, 3, H, W)."""
        return (self._maps(self.track.window(window.start, window.stop), conditioning),)

    def anchor(self, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the reference's own pose map, (1, 3, H, W), if the network was trained with it."""
        if not self.network.reference_first:
            return ()
        assert self.reference_pose is not None  # checked when it was made
        return (self._maps(self.reference_pose.window(0, 1), conditioning),)

    def _maps(self, track: PoseTrack, conditioning: Conditioning) -> Tensor:
        style = POSE_STYLES.get(self.network.style).build()
        return self.network.ranged(float_pixels(drawn_poses(track, conditioning.identity.size, style)))


def drawn_poses(track: PoseTrack, size: Size, style: PoseStyle) -> Tensor:
    """Draw a pose track, (F, 3, H, W) uint8; maps that were drawn elsewhere keep the style that they have."""
    return track.drawn(size, style) if isinstance(track, KeypointTrack) else track.drawn(size)
