"""Pixels to read a light from: well exposed, on surfaces whose direction is known, spread over all directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError, ShapeError
from .linear_light import LUMINANCE, linear_from_srgb
from .spherical_harmonics import LAMBERT, basis

DARKEST, BRIGHTEST = 0.004, 0.97
"""Linear values between which a pixel tells how bright its surface is: not lost in 8 bits, not clipped."""
AGREEMENT = 0.97
"""Length of the mean normal of a pixel and its eight neighbours below which there is an edge or noise."""
GRAZING = 0.15
"""Least component of a normal toward the viewer; beyond, silhouettes mix with what is behind."""
CELLS = 10
"""Cells along each axis over which normals are spread; no cell may outweigh the others, as a wall else would."""


@dataclass(frozen=True)
class LightSamples:
    """Pixels of one or more frames."""

    colour: np.ndarray
    """(N, 3) linear RGB, above 0."""
    falling: np.ndarray
    """(N, 9): shading of a white surface for each coefficient of the light."""

    def __len__(self) -> int:
        """Count the pixels."""
        return len(self.colour)

    @property
    def chroma(self) -> np.ndarray:
        """Give the colour apart from its brightness, (N, 2): half the logs of red and blue over green."""
        log = np.log(self.colour)
        return 0.5 * (log[:, [0, 2]] - log[:, 1:2])

    @property
    def log_luminance(self) -> np.ndarray:
        """Give the log brightness, (N,)."""
        return np.log(self.colour @ LUMINANCE)


def gather_samples(frame: Tensor, normal: Tensor, mask: Tensor | None = None, most: int = 2000) -> LightSamples:
    """Choose the pixels of a frame that tell of its light; the same frame always gives the same ones.

    Args:
        frame: (3, H, W) sRGB in [0, 1].
        normal: (3, H, W) unit normals.
        mask: (H, W) in [0, 1]; pixels above 0.5 are used, all if None.
        most: How many pixels at most.

    Raises:
        ShapeError: If the sizes differ.
    """
    for name, value in (("normals", normal), ("mask", mask)):
        if value is not None and value.shape[-2:] != frame.shape[-2:]:
            raise ShapeError(name, tuple(value.shape), f"the picture's size, {frame.shape[-2]} {frame.shape[-1]}")
    linear = linear_from_srgb(frame.double())
    usable = (linear.amin(0) > DARKEST) & (linear.amax(0) < BRIGHTEST) & (normal[2] > GRAZING)
    around = F.avg_pool2d(F.pad(normal[None].double(), (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
    usable &= around.norm(dim=0) > AGREEMENT
    if mask is not None:
        usable &= mask > 0.5
    colour = linear[:, usable].T.numpy()
    direction = normal.double()[:, usable].T.numpy()
    chosen = _spread(direction, most)
    return LightSamples(colour[chosen], basis(direction[chosen]) * LAMBERT.astype(np.float64) / np.pi)


def join_samples(samples: list[LightSamples]) -> LightSamples:
    """Put the pixels of several frames together."""
    return LightSamples(np.concatenate([s.colour for s in samples]), np.concatenate([s.falling for s in samples]))


def check_samples(samples: LightSamples, least: int = 200) -> None:
    """Refuse pixels that cannot tell where light comes from.

    Raises:
        InputError: If there are too few, or all face the same way.
    """
    if len(samples) < least:
        raise InputError(
            f"only {len(samples)} pixels of the picture are well exposed, on smooth surfaces and inside the mask; "
            f"expected {least} or more: use a larger picture, a wider mask or better normals"
        )
    if float(np.std(samples.falling[:, 1:4], axis=0).max()) < 0.02:
        raise InputError(
            "all surfaces face the same way, which does not tell where light comes from; check the normals"
        )


def _spread(direction: np.ndarray, most: int) -> np.ndarray:
    """Choose up to `most` rows, few of each cell of directions."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(direction))
    cell = np.clip(((direction[order, :2] + 1) * CELLS / 2).astype(int), 0, CELLS - 1) @ [CELLS, 1]
    by_cell = np.argsort(cell, kind="stable")
    ranked = cell[by_cell]
    rank = np.arange(len(ranked)) - np.searchsorted(ranked, ranked)
    kept = order[by_cell[rank < max(1, 6 * most // CELLS**2)]]
    return rng.permutation(kept)[:most]
