"""What a light looks like: white spheres under it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .light import LightTrack
from .linear_light import srgb_from_linear
from .preview import contact_sheet, spread
from .spherical_harmonics import shading

ALBEDO = 0.8
BACKDROP = 0.02
"""Linear grey behind the sphere."""


def draw_sphere(coefficients: np.ndarray, pixels: int = 384) -> Tensor:
    """Draw a matte sphere under a light, as the viewer sees it.

    Args:
        coefficients: (9, 3) light.
        pixels: Width and height.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    place = (np.arange(pixels) + 0.5) / pixels * 2.2 - 1.1
    x, y = np.broadcast_to(place, (pixels, pixels)), np.broadcast_to(-place[:, None], (pixels, pixels))
    distance = np.hypot(x, y)
    inside = np.maximum(distance, 1.0)  # beyond the edge: the normal there, for a soft outline
    flat_x, flat_y = x / inside, y / inside
    normal = np.stack([flat_x, flat_y, np.sqrt(np.maximum(0.0, 1 - flat_x**2 - flat_y**2))], -1)
    cover = np.clip((1 - distance) * pixels / 2.2 + 0.5, 0, 1)[..., None]
    linear = BACKDROP + cover * (ALBEDO * shading(normal, coefficients) - BACKDROP)
    return srgb_from_linear(torch.from_numpy(linear)).movedim(-1, 0)[None].float()  # 1 3 H W


def preview_light(track: LightTrack, most: int = 8) -> Tensor:
    """Draw a light: one sphere, or a strip of them over time.

    Args:
        track: The light.
        most: Spheres at most, evenly over the track.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    lights = [track.coefficients[i].double().numpy() for i in spread(len(track), most)]
    if len(lights) == 1:
        return draw_sphere(lights[0])
    return contact_sheet(
        torch.cat([draw_sphere(light, 192) for light in lights]), columns=most, width=192 * len(lights)
    )
