"""The light that falls on a marionette: soft ambient and one key light, order-2 spherical harmonics in camera axes."""

from __future__ import annotations

import numpy as np

from ..tracks.spherical_harmonics import ambient_light, directional_light


def key_direction(seed: int) -> np.ndarray:
    """Give the direction of the key light that `make_light` draws from the same seed, a unit vector (3,)."""
    return _draw_direction(_stream(seed))


def make_light(seed: int) -> np.ndarray:
    """Draw a studio light: soft ambient and one tinted key light from the front half, (9, 3)."""
    rng = _stream(seed)
    toward = _draw_direction(rng)
    tint = 1 + 0.12 * rng.uniform(-1, 1) * np.array([1.0, 0.0, -1.0])
    key = rng.uniform(0.8, 2.2)
    return ambient_light(np.full(3, rng.uniform(0.4, 0.65))) + directional_light(toward, key * tint)


def _stream(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 3])


def _draw_direction(rng: np.random.Generator) -> np.ndarray:
    azimuth, height = rng.uniform(-1.2, 1.2), rng.uniform(0.0, 0.9)
    return np.array([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)])
