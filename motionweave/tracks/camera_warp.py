"""Move a camera through a still picture: what it would show, as far as the picture knows.

Every pixel of the moved view marches along its ray to the first point that lies behind the picture's relief, which is
what it sees. What the picture never showed is filled with what is behind, or beside the picture's edge, and marked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..runtime import Runtime
from ..types import Progress, Size, check_shape
from .camera import CameraPoses, CameraTrack
from .camera_rays import pixel_rays, relative_to

STEP_PX, MOST_STEPS = 2.0, 96
"""A ray is followed in steps that pass this many pixels of the picture, as long as there are not more of them."""
CLOSE_PX = 0.05
"""How exactly it is then known where a ray meets the relief."""
STRETCHED = 2.0
"""What is drawn out to more than this many times its size was not seen by the picture."""
SLOPE, REACH, BEYOND_PX = 0.01, 1 / 32, 2.0
"""An edge goes on while depth rises by this share a pixel, for at most this share of the picture's width; what fills a
hole lies some pixels beyond it, because depth and picture seldom end at the same one."""
NEAREST = 1e-3
"""Least distance that a camera sees, in units of the subject's distance."""


@dataclass(frozen=True)
class MovedView:
    """A picture seen by a moving camera."""

    frames: Tensor
    """(F, 3, H, W) in [0, 1]."""
    holes: Tensor
    """(F, H, W) in [0, 1]: 1 where the picture does not know what is there."""


def relief_depth(nearness: Tensor, relief: float) -> Tensor:
    """Give depth in units of the subject's distance from nearness.

    Args:
        nearness: (H, W) in [0, 1], 1 for near; a half is where the subject stands.
        relief: How deep the scene is; 0 is a flat picture, 1 has its near end at two thirds of the distance and its far
            end at twice as far.
    """
    return 1 / (1 + relief * (nearness.float() - 0.5))


def nearness_of(depth: Tensor, picture: Tensor) -> Tensor:
    """Turn a depth picture (1, 3, h, w), near white, into nearness (H, W) at a picture's (1, 3, H, W) size."""
    size = tuple(picture.shape[-2:])
    return F.interpolate(depth.mean(1, keepdim=True), size, mode="bilinear", align_corners=False)[0, 0]


@dataclass(frozen=True)
class _Scene:
    """A picture, its relief, and the camera that took it."""

    image: Tensor
    depth: Tensor
    background: Tensor
    """(H, W, 2): where one comes to, in pixels, by going from each pixel to what lies behind its edge."""
    camera: CameraPoses

    @property
    def size(self) -> Size:
        return Size(self.image.shape[-1], self.image.shape[-2])


@dataclass(frozen=True)
class _Rays:
    """A moved view's rays, in the axes and pixels of the camera that took the picture."""

    scene: _Scene
    eye: Tensor
    """(3,)"""
    way: Tensor
    """(H, W, 3): one unit of the moved camera's depth along each ray."""

    def places(self, distance: Tensor) -> tuple[Tensor, Tensor]:
        """Give the pixels (H, W, 2) at which the picture shows points at a distance along the rays, and their depth."""
        size = self.scene.size
        x, y, z = (self.eye + self.way * distance[..., None]).unbind(-1)
        depth = (-z).clamp(min=NEAREST)
        pitch = float(self.scene.camera.focal[0]) * size.height
        return torch.stack([size.width / 2 + x * pitch / depth, size.height / 2 - y * pitch / depth], -1), depth

    def behind(self, distance: Tensor) -> Tensor:
        """Say which points at a distance along the rays lie behind the relief, (H, W)."""
        places, depth = self.places(distance)
        return depth >= _look_up(self.scene.depth[None, None], places)[0, 0]


def warp_by_camera(
    image: Tensor,
    track: CameraTrack,
    nearness: Tensor | None = None,
    relief: float = 1.0,
    shown: Sequence[int] | None = None,
    runtime: Runtime | None = None,
) -> MovedView:
    """Show a still picture through a moving camera.

    The track's first frame sees the picture as it is. Nothing behind a near thing is known: where it comes into view,
    the background's nearest colours are stretched over it, and `MovedView.holes` says so.

    Args:
        image: (1, 3, H, W) in [0, 1], at least 2x2.
        track: The camera.
        nearness: (H, W) in [0, 1], near 1; None for a flat picture.
        relief: How deep the scene is, 0 to 1.9.
        shown: Which of the track's frames to make; all where none are given.
        runtime: Told of each frame.

    Returns:
        The frames and what is unknown in them.

    Raises:
        InputError: If `relief` is out of range, nearness and picture differ in size, or the track lacks a frame.
    """
    check_shape("image", image, "1 3 H W")
    size = Size(image.shape[-1], image.shape[-2])
    if min(size.width, size.height) < 2:
        raise InputError(f"a picture of {size} pixels was given; a camera needs at least 2x2 to move through")
    if not 0 <= relief <= 1.9:
        raise InputError(f"a relief of {relief:g} was given; expected 0 (flat) to 1.9, usually 1")
    if nearness is not None and tuple(nearness.shape) != (size.height, size.width):
        raise InputError(f"depth of {tuple(nearness.shape)} was given for a picture of {size}; expected the same size")
    shown = range(len(track)) if shown is None else shown
    depth = torch.ones(size.height, size.width) if nearness is None else relief_depth(nearness, relief)
    scene = _Scene(image.float(), depth, _behind_edges(depth), track.window(0, 1).poses())
    frames, holes = torch.empty(len(shown), 3, size.height, size.width), torch.empty(len(shown), *depth.shape)
    for made, frame in enumerate(shown):
        frames[made], holes[made] = _view(scene, relative_to(scene.camera, track.window(frame, frame + 1).poses()))
        if runtime is not None:
            runtime.report(Progress("camera", 0, 1, made + 1, len(shown)))
    return MovedView(frames, holes)


def _view(scene: _Scene, camera: CameraPoses) -> tuple[Tensor, Tensor]:
    size = scene.size
    way = torch.from_numpy(pixel_rays(camera, 0, size)).float()
    rays = _Rays(scene, torch.from_numpy(camera.position[0]).float(), way)
    away, start = -way[..., 2], -float(camera.position[0, 2])
    ahead = away > 1e-6  # a ray that comes back toward the picture's camera shows the back of things
    away = torch.where(ahead, away, 1.0)
    # All of the relief lies between its nearest and its farthest depth, so that is where it is looked for.
    near = ((scene.depth.min() - start) / away).clamp(min=NEAREST)
    far = (scene.depth.max() - start) / away
    ahead &= far > NEAREST
    distance, buried = _first_met(rays, near, torch.maximum(far, near), ahead)
    places, depth = rays.places(distance)
    inside = (places >= 0).all(-1) & (places[..., 0] <= size.width) & (places[..., 1] <= size.height)
    # A pixel of the moved view is `distance` over its pitch across, one of the picture `depth` over its own.
    expected = float(scene.camera.focal[0] / camera.focal[0]) * distance / depth
    known = ahead & inside & ~buried & (_least_step(places) * STRETCHED > expected)
    filled = torch.where(
        (known | ~inside)[..., None], places, _look_up(_planes(scene.background), places)[0].movedim(0, -1)
    )
    return _look_up(scene.image, filled)[0], (~known).float()


def _planes(places: Tensor) -> Tensor:
    return places.movedim(-1, 0)[None]  # 1 2 H W


def _behind_edges(depth: Tensor) -> Tensor:
    """Walk from every pixel to greater depth until its edge ends, (H, W, 2) in pixels."""
    height, width = depth.shape
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    places, last = torch.stack([x, y], -1), torch.zeros(height, width, 2)
    smooth = F.avg_pool2d(F.pad(depth[None, None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0, 0]
    slopes = torch.stack(torch.gradient(smooth)[::-1]) / smooth  # 2 H W: to the right, down
    for _ in range(max(4, round(width * REACH))):
        slope = _look_up(slopes[None], places)[0].movedim(0, -1)  # H W 2
        steepness = slope.norm(dim=-1, keepdim=True)
        step = torch.where(steepness > SLOPE, slope / steepness.clamp(min=1e-9), 0.0)
        places, last = places + step, torch.where(steepness > SLOPE, step, last)
    return places + BEYOND_PX * last


def _first_met(rays: _Rays, near: Tensor, far: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
    """Give how far along each ray it first meets the relief, and which rays begin behind it already."""
    size, buried = rays.scene.size, rays.behind(near) & (near <= NEAREST)
    bounds = torch.tensor([size.width, size.height], dtype=torch.float32)
    passed = rays.places(far)[0].clamp(torch.zeros(2), bounds) - rays.places(near)[0].clamp(torch.zeros(2), bounds)
    pixels = float(torch.where(ahead, passed.norm(dim=-1), 0.0).max())
    steps = min(max(1, math.ceil(pixels / STEP_PX)), MOST_STEPS)
    before, after, open_ones = near, far, torch.ones_like(ahead)
    for share in np.linspace(0, 1, steps + 1)[1:-1].tolist():
        mark = 1 / torch.lerp(1 / near, 1 / far, share)  # evenly on the picture, not in space
        met = open_ones & rays.behind(mark)
        after = torch.where(met, mark, after)
        open_ones = open_ones & ~met
        before = torch.where(open_ones, mark, before)
    for _ in range(math.ceil(math.log2(max(1.0, pixels / steps / CLOSE_PX)))):
        middle = (before + after) / 2
        met = rays.behind(middle)
        before, after = torch.where(met, before, middle), torch.where(met, middle, after)
    return after, buried


def _least_step(places: Tensor) -> Tensor:
    """Give the shortest way over the picture that belongs to a step of one pixel of the view, in pixels, (H, W)."""
    (a, c), (b, d) = (torch.gradient(places, dim=axis)[0].unbind(-1) for axis in (1, 0))
    area, spread = (a * d - b * c).abs(), a * a + b * b + c * c + d * d
    longest = ((spread + (spread * spread - 4 * area * area).clamp(min=0).sqrt()) / 2).sqrt()
    return area / longest.clamp(min=1e-9)


def _look_up(picture: Tensor, places: Tensor) -> Tensor:
    """Read a picture (1, C, H, W) at pixels (H', W', 2); beyond its edges their colours go on."""
    grid = 2 * places / torch.tensor([picture.shape[-1], picture.shape[-2]]) - 1
    return F.grid_sample(picture, grid[None], padding_mode="border", align_corners=False)
