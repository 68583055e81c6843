"""How near pictures are to the truth."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import check_shape

FOREGROUND_DIFFERENCE = 0.1
"""Mean absolute difference over the channels by which a pixel counts as no longer the empty scene."""


def psnr_db(produced: Tensor, truth: Tensor) -> float:
    """Give the peak signal-to-noise ratio over all frames together.

    Args:
        produced: (F, 3, H, W) in [0, 1].
        truth: The same shape.

    Returns:
        Decibels; infinite for equal pictures.
    """
    check_shape("produced", produced, "F 3 H W")
    return float(-10 * torch.log10((produced - truth).square().mean()))


def ssim(produced: Tensor, truth: Tensor) -> float:
    """Give the structural similarity, averaged over pixels, channels and frames.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity" (2004), eq. 13, with
    its 11x11 Gaussian window of deviation 1.5 and constants 0.01 and 0.03; borders are left out.

    Args:
        produced: (F, 3, H, W) in [0, 1], at least 11 pixels each way.
        truth: The same shape.
    """
    check_shape("produced", produced, "F 3 H W")
    offsets = torch.arange(11) - 5.0
    line = torch.exp(-offsets.square() / (2 * 1.5**2))
    line = line / line.sum()
    window = (line[:, None] * line[None]).expand(3, 1, 11, 11)

    def blurred(pixels: Tensor) -> Tensor:
        return F.conv2d(pixels, window, groups=3)

    mean_a, mean_b = blurred(produced), blurred(truth)
    var_a, var_b = blurred(produced**2) - mean_a**2, blurred(truth**2) - mean_b**2
    covariance = blurred(produced * truth) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


def foreground(frames: Tensor, empty: Tensor) -> Tensor:
    """Say where a picture shows more than the empty scene.

    Args:
        frames: (F, 3, H, W) in [0, 1].
        empty: (3, H, W): the scene without anybody.

    Returns:
        (F, H, W) bool.
    """
    return (frames - empty).abs().mean(1) > FOREGROUND_DIFFERENCE


def iou(found: Tensor, truth: Tensor) -> float:
    """Give intersection over union of two masks over all frames together; 1 where both are empty."""
    union = (found | truth).sum()
    return float((found & truth).sum() / union) if union else 1.0
