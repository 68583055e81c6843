"""What colour a picture is, as the eye counts it: the mean and deviation of CIE Lab.

Source: CIE 15:2004, equations 8.3 to 8.12, from sRGB by IEC 61966-2-1 under its own white, D65.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..tracks.linear_light import linear_from_srgb
from ..types import check_shape

SAMPLED_PX = 256
"""Pictures are read at every so many pixels that about this many rows or columns remain of the shorter side."""
XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
"""From linear sRGB; its rows sum to the white."""
LINEAR_BELOW = (6 / 29) ** 3


@dataclass(frozen=True)
class Colour:
    """Statistics of one picture, or the mean of several pictures' statistics."""

    mean: tuple[float, float, float]
    """Of L (0 to 100), a and b."""
    deviation: tuple[float, float, float]
    """Of L, a and b over the pixels."""


def lab_from_srgb(pixels: Tensor) -> Tensor:
    """Turn sRGB pixels into Lab.

    Args:
        pixels: (..., 3, H, W) in [0, 1].

    Returns:
        (..., 3, H, W): L from 0 to 100, a and b about -128 to 127.
    """
    to_xyz = torch.tensor(XYZ, dtype=pixels.dtype)
    scaled = to_xyz / to_xyz.sum(-1, keepdim=True)
    shares = torch.einsum("rc,...chw->...rhw", scaled, linear_from_srgb(pixels))
    bent = torch.where(shares > LINEAR_BELOW, shares.clamp(min=1e-9) ** (1 / 3), shares * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = bent.unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def colour_of(frame: Tensor) -> Colour:
    """Give the mean and deviation of a picture's Lab values.

    Args:
        frame: (3, H, W) uint8 or float in [0, 1]; large ones are sampled on a grid (`SAMPLED_PX`), unfiltered, so that
            the deviation is that of pixels.
    """
    check_shape("frame", frame, "3 H W")
    every = max(1, min(frame.shape[-2:]) // SAMPLED_PX)
    sampled = frame[:, ::every, ::every]
    pixels = sampled.float() / 255 if frame.dtype == torch.uint8 else sampled.float()
    lab = lab_from_srgb(pixels).flatten(1)
    mean, deviation = lab.mean(1).tolist(), lab.std(1, correction=0).tolist()
    return Colour((mean[0], mean[1], mean[2]), (deviation[0], deviation[1], deviation[2]))
