"""How well light is read from held-out clips of Marionette."""

from __future__ import annotations

from statistics import fmean, median

import numpy as np
from torch import Tensor

from ..marionette import Clip, World
from ..marionette.light import key_direction
from ..marionette.world import camera_of
from ..media import FootageFrames
from ..tracks.light import dominant_direction
from ..tracks.light_estimate import estimate_light
from ..tracks.normals import normals_from_depth
from .held_out import held_out_clips


def degrees_between(first: np.ndarray, second: np.ndarray) -> float:
    """Give the angle between two unit vectors, (3,) each."""
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


def measure_light(clips: int) -> dict[str, float]:
    """Compare the dominant direction of the estimated light with that of the key light.

    Each clip's light is estimated from its whole frames (background included, no mask) rounded to 8 bits.

    Args:
        clips: How many held-out clips.

    Returns:
        ``light_deg``: mean angle in degrees with the clips' true normals; ``light_deg_median``;
        ``light_deg_depth_normals``: mean angle with normals derived from the clips' true depth;
        ``light_deg_depth_normals_median``.
    """
    true: list[float] = []
    derived: list[float] = []
    for seed, world, clip in held_out_clips(clips):
        key = key_direction(seed)
        true.append(_error(clip, clip.normal, key))
        derived.append(_error(clip, normals_from_depth(clip.depth, _focal(world)), key))
    return {
        "light_deg": fmean(true),
        "light_deg_median": median(true),
        "light_deg_depth_normals": fmean(derived),
        "light_deg_depth_normals_median": median(derived),
    }


def _focal(world: World) -> float:
    return float(camera_of(world, 1).focal[0])


def _error(clip: Clip, normals: Tensor, key: np.ndarray) -> float:
    light = estimate_light(FootageFrames(clip.frames, clip.fps), normals)
    return degrees_between(dominant_direction(light.coefficients[0].double().numpy()), key)
