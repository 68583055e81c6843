"""Order-2 spherical-harmonics light, as it falls on a marionette.

Basis and Lambert factors: Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps"
(SIGGRAPH 2001), eq. 3 and 8. Order of coefficients: Y00, Y1-1, Y10, Y11, Y2-2, Y2-1, Y20, Y21, Y22; axes as in
`camera`.
"""

from __future__ import annotations

import numpy as np

LAMBERT = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5, dtype=np.float32)
"""What a matte surface keeps of each coefficient."""


def sh_basis(direction: np.ndarray) -> np.ndarray:
    """Evaluate the nine real basis functions.

    Args:
        direction: (..., 3) unit vectors.

    Returns:
        (..., 9).
    """
    x, y, z = direction[..., 0], direction[..., 1], direction[..., 2]
    constant = np.full_like(x, 0.5 * np.sqrt(1 / np.pi))
    first, cross = np.sqrt(3 / (4 * np.pi)), np.sqrt(15 / (4 * np.pi))
    return np.stack(
        [
            constant,
            first * y,
            first * z,
            first * x,
            cross * x * y,
            cross * y * z,
            np.sqrt(5 / (16 * np.pi)) * (3 * z * z - 1),
            cross * x * z,
            0.5 * cross * (x * x - y * y),
        ],
        -1,
    )


def directional_light(direction: np.ndarray, radiance: np.ndarray) -> np.ndarray:
    """Give the coefficients of a distant light.

    Args:
        direction: (3,) unit vector toward the light.
        radiance: (3,) RGB.

    Returns:
        (9, 3).
    """
    return sh_basis(direction)[:, None] * radiance[None]


def ambient_light(radiance: np.ndarray) -> np.ndarray:
    """Give the coefficients of light from everywhere, (9, 3), for an RGB radiance (3,)."""
    coefficients = np.zeros((9, 3))
    coefficients[0] = np.sqrt(4 * np.pi) * radiance
    return coefficients


def shade(normal: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Give what a white matte surface reflects, relative to its albedo.

    Args:
        normal: (..., 3) unit normals.
        coefficients: (9, 3) light.

    Returns:
        (..., 3), at least 0.001: order 2 rings below zero behind a strong light.
    """
    irradiance = sh_basis(normal).astype(np.float32) @ (LAMBERT[:, None] * coefficients).astype(np.float32)
    return np.maximum(irradiance / np.pi, 1e-3)


def make_light(seed: int) -> np.ndarray:
    """Draw a studio light: soft ambient and one tinted key light from the front half, (9, 3)."""
    rng = np.random.default_rng([seed, 3])
    azimuth, height = rng.uniform(-1.2, 1.2), rng.uniform(0.0, 0.9)
    toward = np.array([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)])
    tint = 1 + 0.12 * rng.uniform(-1, 1) * np.array([1.0, 0.0, -1.0])
    key = rng.uniform(0.8, 2.2)
    return ambient_light(np.full(3, rng.uniform(0.4, 0.65))) + directional_light(toward, key * tint)
