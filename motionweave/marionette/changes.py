"""What changes while a marionette is watched: the camera that moves, the light that turns."""

from __future__ import annotations

import numpy as np

from ..tracks.camera import CameraPoses
from ..tracks.camera_rays import relative_to
from ..tracks.light import about_vertical
from ..tracks.spherical_harmonics import rotate
from .camera import Camera, move_camera
from .world import World, camera_of

NEAREST = 3.7
"""Metres: the nearest from which whole figures are seen."""


def moving_camera(world: World, seed: int, times: np.ndarray) -> Camera:
    """Give a camera that leaves the reference's view by slow swings of every kind, F frames."""
    rng, camera = np.random.default_rng([seed, 21]), camera_of(world, len(times))

    def swing(most: float) -> np.ndarray:
        rate, phase = rng.uniform(0.08, 0.3), rng.uniform(0, 2 * np.pi)
        wave = np.sin(2 * np.pi * rate * times + phase) - np.sin(phase)
        return most * rng.uniform(-1, 1) * wave

    # From near, as much of the picture moves with less.
    shift = min(1.0, world.framing[0] / NEAREST) * np.stack([swing(0.25), swing(0.12), swing(0.3)], -1)
    pan, tilt, roll = (np.deg2rad(swing(most)) for most in (6.0, 4.0, 5.0))
    return move_camera(camera, pan=pan, tilt=tilt, roll=roll, shift=shift, zoom=np.exp(swing(0.2)))


def relative_poses(world: World, camera: Camera) -> CameraPoses:
    """Give cameras relative to the reference's, in units of the subject's distance, as camera tracks have them."""
    first, unit = camera_of(world, 1), world.framing[0]

    def poses(one: Camera) -> CameraPoses:
        return CameraPoses(one.rotation, one.position / unit, one.focal)

    return relative_to(poses(first), poses(camera))


def turning_light(world: World, seed: int, times: np.ndarray) -> np.ndarray:
    """Give the world's light on its way round the character, (F, 9, 3), a turn in five to twelve seconds."""
    rng = np.random.default_rng([seed, 23])
    rate = rng.uniform(30, 72) * rng.choice([-1, 1])
    return np.stack([rotate(world.light, about_vertical(rate * time)) for time in times])
