"""Camera control: the rays of a camera path through a camera encoder, and the reference as that camera would see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..backbones.base import Conditioning
from ..tracks.camera_rays import plucker_rays, view_grid
from ..types import Size, Window
from .base import TrackControl, strength_over


@dataclass(frozen=True)
class CameraControl(TrackControl):
    """A camera track, whose first frame is the reference's own view."""

    name: ClassVar[str] = "camera"
    reads: ClassVar[str | None] = "CameraEncoder"
    moves_reference: bool = True
    """Whether each frame is drawn from the reference as the camera would see it, taken for a wall through the subject.
    That is for backbones that take the picture for a reference, which copy the scene from the place where it lies."""

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the rays through the window's latent cells, (F, 6, h, w), and those of the first frame, (1, 6, h, w)."""
        height, width = conditioning.identity.image_latents.shape[-2:]
        cells = Size(width, height)
        rays = plucker_rays(self.track.window(window.start, window.stop), cells, self.track)
        return rays, plucker_rays(self.track.window(0, 1), cells)

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Add the encoder, and move the reference's latents; a strength below 1 moves them part of the way."""
        told = super().apply_to(conditioning, window)
        if told is conditioning or not self.moves_reference:
            return told
        rays, origin = told.controls[-1].signal
        part = strength_over(self.strength, window, self.track.fps).clamp(max=1).view(-1, 1, 1, 1)
        grid = torch.lerp(view_grid(origin, origin).expand(len(rays), -1, -1, -1), view_grid(rays, origin), part)
        return replace(told, image_latents=moved(conditioning.identity.image_latents, grid))


def moved(latents: Tensor, grid: Tensor) -> Tensor:
    """Read latents (C, h, w) at the places of a grid (F, h, w, 2), (F, C, h, w); beyond the edge, the edge."""
    every = latents[None].expand(len(grid), -1, -1, -1)
    return F.grid_sample(every, grid, mode="bilinear", padding_mode="border", align_corners=False)
