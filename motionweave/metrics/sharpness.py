"""How much of a picture's contrast is fine detail."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import check_shape

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in brightness as stored (ITU-R BT.601)."""


def luma(frame: Tensor) -> Tensor:
    """Give a picture's brightness as stored, (H, W) in [0, 1].

    Args:
        frame: (3, H, W) uint8 or float in [0, 1].
    """
    scale = 255.0 if frame.dtype == torch.uint8 else 1.0
    return torch.einsum("c,chw->hw", torch.tensor(LUMA) / scale, frame.float())


def sharpness(frame: Tensor) -> float:
    """Give the variance of the Laplacian of brightness over the variance of brightness; 0 for a flat picture.

    Blur lowers it; brightness and contrast do not change it. It depends on the picture's size and on what is shown, so
    only frames of one video are compared.

    Args:
        frame: (3, H, W) uint8 or float in [0, 1].

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy" (2000), the variance of the Laplacian;
    divided by the variance of the picture, so that contrast that drifts does not pass for sharpness.
    """
    check_shape("frame", frame, "3 H W")
    bright = luma(frame)
    variance = float(bright.var())
    if variance < 1e-8:
        return 0.0
    # Differences of neighbours by slices: a convolution of one channel costs several times that.
    inner = bright[1:-1, 1:-1]
    laplacian = bright[:-2, 1:-1] + bright[2:, 1:-1] + bright[1:-1, :-2] + bright[1:-1, 2:] - 4 * inner
    return float(laplacian.var()) / variance


def shrunk(frame: Tensor, short_px: int) -> Tensor:
    """Reduce a picture by area until its shorter side has `short_px` pixels; smaller ones stay.

    Args:
        frame: (3, H, W) uint8 or float in [0, 1].
        short_px: Pixels.

    Returns:
        (3, H', W') float32 in [0, 1].
    """
    pixels = frame.float() / 255 if frame.dtype == torch.uint8 else frame.float()
    short = min(frame.shape[-2:])
    if short <= short_px:
        return pixels
    size = [max(short_px, round(side * short_px / short)) for side in frame.shape[-2:]]
    return F.interpolate(pixels[None], size, mode="area")[0]
