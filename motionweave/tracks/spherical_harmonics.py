"""Light on matte surfaces in nine numbers a channel: real spherical harmonics to order 2.

Axes: x right, y up, z toward the viewer. Order of coefficients: Y00, Y1-1, Y10, Y11, Y2-2, Y2-1, Y20, Y21, Y22. They
are those of the radiance that arrives, not yet convolved with the surface's cosine.

Source: Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps" (SIGGRAPH 2001), eq. 3,
8 and 10, with the constants as square roots instead of six digits.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError, ShapeError

LAMBERT = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5, dtype=np.float32)
"""What a matte surface keeps of each coefficient."""

DARKEST = 1e-3
"""Least shading: order 2 rings below zero behind a strong light."""


def basis(direction: np.ndarray) -> np.ndarray:
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
        radiance: (3,) RGB; pi makes a white surface that faces the light about white.

    Returns:
        (9, 3).
    """
    return basis(direction)[:, None] * radiance[None]


def ambient_light(radiance: np.ndarray) -> np.ndarray:
    """Give the coefficients of light from everywhere, (9, 3), for an RGB radiance (3,)."""
    coefficients = np.zeros((9, 3))
    coefficients[0] = np.sqrt(4 * np.pi) * radiance
    return coefficients


def irradiance(normal: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Give the light that falls on a surface.

    Args:
        normal: (..., 3) unit normals.
        coefficients: (9, 3) light.

    Returns:
        (..., 3); slightly below zero behind a strong light, because order 2 rings.
    """
    return basis(normal) @ (LAMBERT.astype(np.float64)[:, None] * coefficients)


def shading(normal: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Give what a white matte surface reflects, relative to its albedo.

    Args:
        normal: (..., 3) unit normals.
        coefficients: (9, 3) light.

    Returns:
        (..., 3) float32, at least `DARKEST`.
    """
    # In float32 throughout: every rendered Marionette picture depends on these very bits.
    falling = basis(normal).astype(np.float32) @ (LAMBERT[:, None] * coefficients).astype(np.float32)
    return np.maximum(falling / np.pi, DARKEST)


def rotation_matrix(rotation: np.ndarray) -> np.ndarray:
    """Give the (9, 9) matrix that turns coefficients as a rotation turns directions.

    Each order is turned by itself: sampled in enough directions w, Y(w) @ matrix must equal Y(R^T w), which a least
    squares solution meets exactly because an order is closed under rotation.

    Args:
        rotation: (3, 3) orthogonal, determinant 1: ``rotation @ direction`` is the turned direction.

    Raises:
        ShapeError: If it is not 3x3.
        InputError: If it is no rotation.
    """
    if rotation.shape != (3, 3):
        raise ShapeError("rotation", rotation.shape, "3 3")
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5) or np.linalg.det(rotation) < 0:
        raise InputError("the matrix is no rotation; expected an orthogonal 3x3 matrix with determinant 1")
    places = sphere_points(32)
    seen, turned = basis(places), basis(places @ rotation)
    matrix = np.zeros((9, 9))
    for order in (slice(0, 1), slice(1, 4), slice(4, 9)):
        matrix[order, order] = np.linalg.lstsq(seen[:, order], turned[:, order], rcond=None)[0]
    return matrix


def rotate(coefficients: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Turn a light.

    Args:
        coefficients: (..., 9, C).
        rotation: (3, 3): a light from direction d then comes from ``rotation @ d``.

    Returns:
        The turned light, the same shape; `irradiance` at ``rotation @ n`` equals the old one at n to 1e-12.
    """
    return rotation_matrix(np.asarray(rotation, dtype=np.float64)) @ coefficients


def sphere_points(count: int) -> np.ndarray:
    """Give directions spread evenly over the sphere, (count, 3), on a golden spiral."""
    step = np.arange(count) + 0.5
    z, turn = 1 - 2 * step / count, np.pi * (3 - np.sqrt(5)) * step
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], -1)


def equirect_directions(height: int, width: int) -> np.ndarray:
    """Give the direction that each pixel of an equirectangular panorama shows, (H, W, 3).

    The panorama surrounds the character, seen from its place as by someone who looks where the viewer looks: the middle
    column is straight ahead, away from the viewer (-z, behind the character), and the picture's right is the viewer's
    right (+x). So light in the middle falls on the back, and the left and right borders, which meet, are at the viewer
    (+z). Rows run from straight up (+y) to straight down.
    """
    azimuth = 2 * np.pi * ((np.arange(width) + 0.5) / width - 0.5)
    height_angle = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    flat = np.cos(height_angle)[:, None]
    x, z = flat * np.sin(azimuth), -flat * np.cos(azimuth)
    return np.stack([x, np.broadcast_to(np.sin(height_angle)[:, None], x.shape), z], -1)


def project_equirect(radiance: np.ndarray) -> np.ndarray:
    """Project a panorama of radiance onto the basis, each pixel weighted by the solid angle it covers.

    Args:
        radiance: (H, W, 3) linear, not negative; twice as wide as high; `equirect_directions` says which way it faces.

    Returns:
        (9, 3).

    Raises:
        ShapeError: If it has other axes.
        InputError: If it is not twice as wide as high.
    """
    if radiance.ndim != 3 or radiance.shape[-1] != 3:
        raise ShapeError("panorama", radiance.shape, "H W 3")
    height, width = radiance.shape[:2]
    if abs(width - 2 * height) > 2:
        raise InputError(
            f"the panorama is {width}x{height} pixels; expected an equirectangular one, twice as wide as high"
        )
    edges = np.sin(np.pi * (0.5 - np.arange(height + 1) / height))
    solid_angle = (edges[:-1] - edges[1:]) * 2 * np.pi / width  # of a pixel in each row
    seen = basis(equirect_directions(height, width))
    return np.einsum("hwk,hwc,h->kc", seen, radiance.astype(np.float64), solid_angle)
