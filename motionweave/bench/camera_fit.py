"""Which camera a made frame was seen by: found by drawing Marionette's empty scene until it looks like the frame.

Optical flow fails on walls without texture; the scene is known exactly, so the camera is fitted to it instead: pan,
tilt, roll and zoom by Gauss-Newton on smoothed pixels around the character, coarse to fine, with Cauchy weights and
one free offset a colour. Carrying the camera sideways looks like panning it, so these four tell of every move.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..marionette import World
from ..marionette.camera import Camera, move_camera
from ..marionette.render import draw_frame
from ..marionette.world import camera_of
from ..types import Size

STEPS = np.array([0.004, 0.004, 0.004, 0.01])
"""Differences by which derivatives are taken: radians, and of the logarithm of the zoom."""
SMOOTH_PX = (8.0, 4.0, 2.0)
"""Deviations of the smoothing, one for each pass, at 128 pixels."""
RIDGE = 1e-5 * np.array([1.0, 1.0, 1.0, 0.2])
"""Per pixel: what the picture does not tell of stays as it was."""
OUTLIER = 0.03
"""Difference of a colour beyond which a pixel counts for less."""
ROUNDS, MOST = 6, 0.05
"""Steps of each pass, and how far one goes."""


def turned(world: World, turn: np.ndarray) -> Camera:
    """Give the world's camera turned by pan, tilt, roll in radians and zoomed by an exponent, (4,)."""
    pan, tilt, roll, zoom = (np.full(1, value) for value in turn)
    return move_camera(camera_of(world, 1), pan=pan, tilt=tilt, roll=roll, shift=np.zeros((1, 3)), zoom=np.exp(zoom))


def fit_camera(world: World, frame: np.ndarray, seen: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Find the camera of a frame.

    Args:
        world: Its scene and light.
        frame: (H, W, 3) in [0, 1].
        seen: (H, W) bool, where the scene is not hidden by the character.
        start: (4,) where to begin.

    Returns:
        (4,) as `turned` takes it.
    """
    from scipy.ndimage import gaussian_filter

    size, turn = Size(frame.shape[1], frame.shape[0]), start.copy()
    for smooth in SMOOTH_PX:
        deviation = smooth * size.height / 128
        weight = np.maximum(gaussian_filter(seen.astype(np.float32), deviation), 1e-6)[..., None]

        def smoothed(picture: np.ndarray, deviation: float = deviation, weight: np.ndarray = weight) -> np.ndarray:
            # Only what is seen is spread, or the character's colours would come over its edge.
            return gaussian_filter(picture * seen[..., None], (deviation, deviation, 0)) / weight

        def scene(at: np.ndarray, smoothed: Callable[[np.ndarray], np.ndarray] = smoothed) -> np.ndarray:
            return smoothed(draw_frame([], world.scene, turned(world, at), world.light, 0, size).rgb)

        target = smoothed(frame)
        for _ in range(ROUNDS):
            slopes = [(scene(turn + step) - scene(turn - step)) / (2 * step.max()) for step in np.diag(STEPS)]
            move = _step(np.stack(slopes, -1)[seen], (target - scene(turn))[seen])
            turn = turn + np.clip(move, -MOST, MOST)
            if np.abs(move).max() < 1e-4:
                break
    return turn


def _step(slopes: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Solve for the next step from derivatives (N, 3, 4) and what is not explained yet, (N, 3)."""
    slopes, rest = slopes - slopes.mean(0), rest - rest.mean(0)
    weight = 1 / (1 + (rest / OUTLIER) ** 2)
    system = np.einsum("nci,ncj,nc->ij", slopes, slopes, weight) + np.diag(RIDGE) * len(rest)
    return np.linalg.solve(system, np.einsum("nci,nc,nc->i", slopes, rest, weight))


def scene_motion(world: World, camera: Camera, frame: int, size: Size) -> np.ndarray:
    """Give where another camera sees what the world's own sees at each pixel, as a difference in pixels, (H, W, 2)."""
    own = camera_of(world, 1)
    depth = draw_frame([], world.scene, own, world.light, 0, size).depth
    points = own.position[0] + own.rays(0, size) * depth[..., None]
    chosen = slice(frame, frame + 1)
    other = Camera(camera.rotation[chosen], camera.position[chosen], camera.focal[chosen])
    there, _, _ = other.project(points.reshape(1, -1, 3), size)
    here, _, _ = own.project(points.reshape(1, -1, 3), size)
    return (there - here).reshape(size.height, size.width, 2)
