"""Move a camera through a still picture: what it would show, as far as the picture knows.

Every pixel of the moved view marches along its ray to the first point that lies behind the picture's relief, which is
what it sees. What the picture never showed is filled from the edges around it and marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..types import Size, check_shape
from .camera import CameraPoses, CameraTrack
from .camera_rays import pixel_rays, project

STEPS, HALVINGS = 24, 7
NEARER, FARTHER = 0.5, 2.0
"""The march begins and ends at these shares of the relief's nearest and farthest depth."""
AGREES = 0.02
"""Relative difference of depth up to which a ray has met the relief, and not the step between two of its parts."""


@dataclass(frozen=True)
class MovedView:
    """A picture seen by a moving camera."""

    frames: Tensor
    """(F, 3, H, W) in [0, 1]."""
    holes: Tensor
    """(F, H, W) in [0, 1]: 1 where the picture does not know what is there."""


def relief_depth(nearness: Tensor, relief: float) -> np.ndarray:
    """Give depth in units of the subject's distance from nearness.

    Args:
        nearness: (H, W) in [0, 1], 1 for near; a half is where the subject stands.
        relief: How deep the scene is; 0 is a flat picture, 1 has its near end at two thirds of the distance and its far
            end at twice as far.
    """
    return 1 / (1 + relief * (nearness.double().numpy() - 0.5))


def nearness_of(depth: Tensor, picture: Tensor) -> Tensor:
    """Turn a depth picture (1, 3, h, w), near white, into nearness (H, W) at a picture's (1, 3, H, W) size."""
    size = tuple(picture.shape[-2:])
    return F.interpolate(depth.mean(1, keepdim=True), size, mode="bilinear", align_corners=False)[0, 0]


def warp_by_camera(image: Tensor, track: CameraTrack, nearness: Tensor | None = None, relief: float = 1.0) -> MovedView:
    """Show a still picture through a moving camera.

    The track's first frame sees the picture as it is. Nothing behind a near thing is known: where it comes into view,
    the picture's neighbouring colours are stretched over it, and `MovedView.holes` says so.

    Args:
        image: (1, 3, H, W) in [0, 1].
        track: F frames; cut a window first where the track is long.
        nearness: (H, W) in [0, 1], near 1; None for a flat picture.
        relief: How deep the scene is, 0 to 1.9.

    Returns:
        The frames and what is unknown in them.

    Raises:
        InputError: If `relief` is out of range, or nearness and picture differ in size.
    """
    check_shape("image", image, "1 3 H W")
    size = Size(image.shape[-1], image.shape[-2])
    if not 0 <= relief <= 1.9:
        raise InputError(f"a relief of {relief:g} was given; expected 0 (flat) to 1.9, usually 1")
    if nearness is not None and tuple(nearness.shape) != (size.height, size.width):
        raise InputError(f"depth of {tuple(nearness.shape)} was given for a picture of {size}; expected the same size")
    flat = torch.full((size.height, size.width), 0.5)
    depth = relief_depth(flat if nearness is None else nearness, relief)
    cameras = track.poses()
    views = [_view(image, depth, cameras, frame, size) for frame in range(len(cameras))]
    return MovedView(torch.cat([frame for frame, _ in views]), torch.stack([hole for _, hole in views]))


def _view(image: Tensor, depth: np.ndarray, cameras: CameraPoses, frame: int, size: Size) -> tuple[Tensor, Tensor]:
    rays, eye = pixel_rays(cameras, frame, size), cameras.position[frame]
    relief = torch.from_numpy(depth)[None, None]

    def look(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give where the picture is met at a distance along each ray, and how far behind its relief that is."""
        places, seen = project(eye + rays * distance[..., None], cameras, 0, size)
        wanted = F.grid_sample(relief, _grid(places, size), padding_mode="border", align_corners=False)[0, 0].numpy()
        return places, seen / wanted - 1

    # March outward, evenly in inverse distance, to the first step that lies behind the relief; then halve the step.
    marks = 1 / np.linspace(1 / (NEARER * depth.min()), 1 / (FARTHER * depth.max()), STEPS)
    near, far = np.full(depth.shape, marks[0]), np.full(depth.shape, marks[-1])
    met = np.zeros(depth.shape, bool)
    for before, mark in pairwise(marks.tolist()):
        hit = ~met & (look(np.full(depth.shape, mark))[1] >= 0)
        near[hit], far[hit] = before, mark
        met |= hit
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        behind = look(middle)[1] >= 0
        near, far = np.where(behind, near, middle), np.where(behind, middle, far)
    places, error = look(far)
    inside = (places >= 0).all(-1) & (places[..., 0] <= size.width) & (places[..., 1] <= size.height)
    known = met & inside & (np.abs(error) < AGREES)
    shown = F.grid_sample(image, _grid(places, size).float(), padding_mode="border", align_corners=False)
    return shown, torch.from_numpy((~known).astype(np.float32))


def _grid(places: np.ndarray, size: Size) -> Tensor:
    """Turn pixels (H, W, 2) into what `grid_sample` takes."""
    return torch.from_numpy(2 * places / (size.width, size.height) - 1)[None]
