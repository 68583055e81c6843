"""Camera paths recovered from their own rays: every named move, and random moves of all kinds together."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..tracks.camera import CameraPath, Move
from ..tracks.camera_moves import CAMERA_PRESETS, CameraRequest, camera_path
from ..tracks.camera_rays import plucker_rays, recover_cameras, relative_to_first
from ..tracks.timeline import Curve, Keyframe
from ..types import Size

SIZE, FPS, FRAMES = Size(64, 40), Fraction(12), 12
REACH: dict[Move, tuple[float, float]] = {
    "pan": (-40, 40),
    "tilt": (-30, 30),
    "roll": (-45, 45),
    "zoom": (0.4, 3),
    "truck": (-1, 1),
    "pedestal": (-1, 1),
    "dolly": (-2, 0.9),
    "orbit": (-90, 90),
}


def random_path(seed: int) -> CameraPath:
    """Draw a path in which everything moves at once."""
    rng = np.random.default_rng(seed)
    moves: list[tuple[Move, Curve]] = [
        (move, Curve(tuple(Keyframe(t, float(rng.uniform(*span))) for t in (0.0, 0.4, 1.0))))
        for move, span in REACH.items()
    ]
    return CameraPath(tuple(moves), FPS, 0, FRAMES, float(rng.uniform(0.7, 3)))


def path_error(path: CameraPath) -> float:
    """Give the largest difference of rotation, position and focal length between a path and what its rays tell."""
    true, found = relative_to_first(path.poses()), recover_cameras(plucker_rays(path, SIZE))
    parts = ((true.rotation, found.rotation), (true.position, found.position), (true.focal, found.focal))
    return max(float(np.abs(one - other).max()) for one, other in parts)


def measure_camera(count: int) -> dict[str, float]:
    """Measure how exactly paths come back from their rays.

    Args:
        count: Random paths beside the named ones.

    Returns:
        ``camera_err``, the largest error of all.
    """
    named = [camera_path(CameraRequest(name, 1.0, 1.0, FPS)) for name in CAMERA_PRESETS]
    return {"camera_err": max(path_error(path) for path in [*named, *map(random_path, range(count))])}
