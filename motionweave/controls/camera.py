"""Camera control: the rays of a camera path through a camera encoder."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..tracks.camera_rays import plucker_rays
from ..types import Size, Window
from .base import TrackControl


class CameraControl(TrackControl):
    """A camera track, whose first frame is the reference's own view."""

    name: ClassVar[str] = "camera"
    reads: ClassVar[str | None] = "CameraEncoder"

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the rays through the window's latent cells, (F, 6, h, w), in the axes of the video's first frame."""
        height, width = conditioning.identity.image_latents.shape[-2:]
        return (plucker_rays(self.track.window(window.start, window.stop), Size(width, height), self.track),)
