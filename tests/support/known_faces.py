"""Faces whose places are known: frames that say which of them they show, and a finder that reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from motionweave.types import Size
from motionweave.upscale.face_places import TEMPLATE


@dataclass(frozen=True)
class KnownFaces:
    """A finder of faces that are known: the red of a frame's first pixel says which of them it shows."""

    faces: tuple[tuple[np.ndarray, ...], ...]
    digest: str = "known"

    def find_points(self, picture: torch.Tensor) -> np.ndarray:
        shown = self.faces[round(float(picture[0, 0, 0]) * 255)]
        return np.stack(shown) if shown else np.zeros((0, 5, 2))


def numbered(count: int, size: Size) -> torch.Tensor:
    """Draw noise, (F, 3, H, W) uint8, whose first pixel's red is the frame's number."""
    frames = torch.randint(0, 256, (count, 3, size.height, size.width), dtype=torch.uint8)
    frames[:, 0, 0, 0] = torch.arange(count, dtype=torch.uint8)
    return frames


def face_at(x: float, y: float, side: float, tilt: float = 0.0) -> np.ndarray:
    """Give the five points, (5, 2), of a face whose crop has this middle, side and tilt in radians."""
    turn = side * np.exp(1j * tilt)
    points = turn * (TEMPLATE - (0.5 + 0.5j)) + x + 1j * y
    return np.stack([points.real, points.imag], -1)
