"""Spherical harmonics against integrals over the sphere, and rotations against what they stand for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from motionweave.errors import InputError, ShapeError
from motionweave.tracks.spherical_harmonics import (
    DARKEST,
    ambient_light,
    basis,
    directional_light,
    equirect_directions,
    irradiance,
    project_equirect,
    rotate,
    rotation_matrix,
    shading,
    sphere_points,
)

NORMALS = sphere_points(64)
lights = arrays(np.float64, (9, 3), elements=st.floats(-2, 2))
quaternions = arrays(np.float64, 4, elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1)


def rotation_of(quaternion):
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def on_sphere(height=200):
    """Directions of a fine grid and the solid angle of each, written without the module's own weights."""
    directions = equirect_directions(height, 2 * height).reshape(-1, 3)
    polar = np.pi * (np.arange(height) + 0.5) / height
    weight = np.repeat(np.sin(polar) * (np.pi / height) ** 2, 2 * height)
    return directions, weight


def test_the_basis_is_orthonormal():
    directions, weight = on_sphere()
    values = basis(directions)
    assert np.allclose((values * weight[:, None]).T @ values, np.eye(9), atol=1e-4)


def test_irradiance_is_the_integral_of_radiance_times_the_cosine():
    light = np.random.default_rng(0).normal(size=(9, 3))
    directions, weight = on_sphere()
    radiance = basis(directions) @ light
    cosine = np.maximum(NORMALS @ directions.T, 0)
    assert np.abs(cosine @ (radiance * weight[:, None]) - irradiance(NORMALS, light)).max() < 1e-3


def test_irradiance_equals_the_published_closed_form():
    light = np.random.default_rng(1).normal(size=(9, 3))
    l00, l1m, l10, l11, l2m2, l2m1, l20, l21, l22 = light[:, None]
    x, y, z = NORMALS.T[:, :, None]
    c1, c2, c3, c4, c5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
    closed = (
        c1 * l22 * (x * x - y * y) + c3 * l20 * z * z + c4 * l00 - c5 * l20
        + 2 * c1 * (l2m2 * x * y + l21 * x * z + l2m1 * y * z) + 2 * c2 * (l11 * x + l1m * y + l10 * z)
    )  # fmt: skip
    assert np.abs(closed - irradiance(NORMALS, light)).max() < 1e-5


@settings(deadline=None, max_examples=40)
@given(lights, quaternions)
def test_turning_light_and_surface_together_changes_nothing(light, quaternion):
    rotation = rotation_of(quaternion)
    turned = irradiance(NORMALS @ rotation.T, rotate(light, rotation))
    assert np.abs(turned - irradiance(NORMALS, light)).max() < 1e-12


@settings(deadline=None, max_examples=20)
@given(quaternions, quaternions)
def test_turning_twice_is_turning_by_the_product(first, second):
    first, second = rotation_of(first), rotation_of(second)
    assert np.allclose(rotation_matrix(second) @ rotation_matrix(first), rotation_matrix(second @ first), atol=1e-12)


def test_a_turned_directional_light_comes_from_the_turned_direction():
    rotation, toward = rotation_of(np.array([0.3, -0.5, 0.2, 0.8])), np.array([0.6, 0.0, 0.8])
    turned = rotate(directional_light(toward, np.ones(3)), rotation)
    assert np.allclose(turned, directional_light(rotation @ toward, np.ones(3)), atol=1e-12)


def test_a_mirror_and_a_wrong_shape_are_no_rotations():
    with pytest.raises(InputError, match="no rotation"):
        rotation_matrix(np.diag([-1.0, 1, 1]))
    with pytest.raises(ShapeError):
        rotation_matrix(np.eye(4))


def test_ambient_light_shades_white_to_its_radiance_from_all_sides():
    assert np.allclose(shading(NORMALS, ambient_light(np.array([0.2, 0.5, 1.0]))), [0.2, 0.5, 1.0], atol=1e-6)


def test_shading_never_falls_to_zero():
    assert shading(NORMALS, directional_light(np.array([0.0, 0, 1]), np.full(3, 20.0))).min() == np.float32(DARKEST)


def test_a_panorama_gives_back_the_light_it_was_made_of():
    light = ambient_light(np.ones(3)) + 0.2 * np.random.default_rng(2).normal(size=(9, 3))
    panorama = basis(equirect_directions(128, 256)) @ light
    assert np.abs(project_equirect(panorama) - light).max() < 1e-3


@pytest.mark.parametrize(
    ("row", "column", "toward"),
    [(0, 8, (0, 1, 0)), (15, 8, (0, -1, 0)), (8, 24, (1, 0, 0)), (8, 8, (-1, 0, 0)), (8, 16, (0, 0, -1)),
     (8, 0, (0, 0, 1)), (8, 31, (0, 0, 1))],
)  # fmt: skip
def test_a_panoramas_middle_is_behind_the_character_and_its_right_is_the_viewers_right(row, column, toward):
    panorama = np.zeros((16, 32, 3))
    panorama[row, column] = 1
    first = project_equirect(panorama)[[3, 1, 2], 0]
    assert first @ toward / np.linalg.norm(first) > 0.97


def test_a_panorama_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"300x100.*twice as wide"):
        project_equirect(np.zeros((100, 300, 3)))
    with pytest.raises(ShapeError):
        project_equirect(np.zeros((100, 200)))
