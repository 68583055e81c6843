"""Where a marionette stands: a textured wall and floor, in depth."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from .character import Colour


@dataclass(frozen=True)
class Scene:
    """A wall facing the viewer and a floor, each with two colours woven by slow waves."""

    wall: tuple[Colour, Colour]
    """sRGB colours of the wall."""
    floor: tuple[Colour, Colour]
    """sRGB colours of the floor."""
    wall_z: float
    """Where the wall stands, metres; negative is behind the character."""
    waves: np.ndarray
    """(4, 3): two waves for the wall, two for the floor, each (cycles per metre x, y, phase)."""

    def albedo(self, points: np.ndarray, on_floor: np.ndarray) -> np.ndarray:
        """Give the linear albedo at points of the surfaces.

        Args:
            points: (H, W, 3) metres.
            on_floor: (H, W) bool, else on the wall.

        Returns:
            (H, W, 3) linear RGB.
        """
        first, second = points[..., 0], np.where(on_floor, points[..., 2], points[..., 1])
        wave = [np.sin(2 * np.pi * (fx * first + fy * second) + phase) for fx, fy, phase in self.waves]
        mix = 0.5 + 0.25 * np.where(on_floor, wave[2] + wave[3], wave[0] + wave[1])
        wall, floor = np.asarray(self.wall) ** 2.2, np.asarray(self.floor) ** 2.2
        low, high = (np.where(on_floor[..., None], floor[i], wall[i]) for i in (0, 1))
        return (low + (high - low) * mix[..., None]).astype(np.float32)


def make_scene(seed: int) -> Scene:
    """Draw a scene of muted colours, so that clothes stand out."""
    rng = np.random.default_rng([seed, 5])
    colours: list[Colour] = []
    value = rng.uniform(0.3, 0.9)
    for _ in range(2):
        hue, saturation = rng.uniform(), rng.uniform(0.0, 0.3)
        near = float(np.clip(value + rng.uniform(-0.12, 0.12), 0.2, 1.0))
        colours += [colorsys.hsv_to_rgb(hue, saturation, value), colorsys.hsv_to_rgb(hue + 0.05, saturation, near)]
        value = float(np.clip(value + rng.uniform(-0.3, 0.1), 0.2, 0.9))
    waves = np.concatenate([rng.uniform(-0.6, 0.6, (4, 2)), rng.uniform(0, 2 * np.pi, (4, 1))], -1)
    return Scene(
        wall=(colours[0], colours[1]), floor=(colours[2], colours[3]), wall_z=-float(rng.uniform(1.0, 2.5)), waves=waves
    )
