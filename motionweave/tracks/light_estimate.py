"""Light read from pictures whose surfaces' directions are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from ..errors import InputError, ShapeError
from ..media import Footage
from ..types import check_shape, float_pixels
from .light import LightTrack, light_track
from .light_fit import find_materials, fit_light, follow_light
from .light_samples import LightSamples, check_samples, gather_samples, join_samples
from .preview import spread

FRAMES = 12
"""Frames of a clip that its light is read from."""
LEAST = 100
"""Pixels below which a frame does not tell of its light."""
PIXELS = 6000
"""Pixels of all of them together."""
BATCH = 8
ROUNDS = 4
"""How often materials and frames' lights are found from one another."""


def estimate_light(footage: Footage, normals: Tensor, mask: Tensor | None = None) -> LightTrack:
    """Estimate the light that holds for a whole clip.

    All frames tell of one light, so that poses show it more of the sphere than one picture does. What it cannot know:
    the light's overall colour and brightness, which look the same as those of clothes and walls. It is taken as white,
    with a shading of 1 on what it strikes most.

    Args:
        footage: The clip, or one picture.
        normals: (F, 3, H, W) unit normals, or (1, 3, H, W) for all frames; axes as in `spherical_harmonics`.
        mask: (F, H, W) or (1, H, W): where to look, all if None.

    Returns:
        A track of one frame.

    Raises:
        InputError: If too few pixels can be used, or they all face the same way.
        ShapeError: If frames, normals and mask do not fit.
    """
    chosen = set(spread(len(footage), FRAMES))
    samples = _all_samples(footage, normals, mask, PIXELS // len(chosen), chosen)
    clip = join_samples([each for _, each in samples])
    check_samples(clip)
    return light_track(fit_light(clip), footage.fps)


def estimate_light_track(
    footage: Footage, normals: Tensor, mask: Tensor | None = None, smooth_s: float = 0.5
) -> LightTrack:
    """Estimate a light that changes: the clip's light and materials first, then each frame's light near it.

    Args:
        footage: The clip.
        normals: As for `estimate_light`.
        mask: As for `estimate_light`.
        smooth_s: Deviation in seconds of the Gaussian that steadies the track; 0 leaves each frame as it was found.

    Returns:
        A track with the footage's frames and rate. A frame without enough usable pixels takes its neighbours' light.
    """
    if smooth_s < 0:
        raise InputError(f"smoothing over {smooth_s:g} s was asked for; expected 0 or more")
    frames = [each for _, each in _all_samples(footage, normals, mask, 1500, set(range(len(footage))))]
    enough = np.array([float(len(each) >= LEAST) for each in frames])
    telling = [each for each in frames if len(each) >= LEAST]
    some = [telling[i] for i in spread(len(telling), FRAMES)] if telling else frames
    clip = join_samples(some)
    check_samples(clip)
    held = fit_light(clip)
    lights = [held] * len(some)
    for _ in range(ROUNDS):
        materials = find_materials(some, lights)
        lights = [follow_light(each, materials, held) for each in some]
    materials = find_materials(some, lights)
    found = [follow_light(each, materials, held) if len(each) >= LEAST else held for each in frames]
    return light_track(_smooth(np.stack(found), enough, smooth_s * float(footage.fps)), footage.fps)


def _all_samples(
    footage: Footage, normals: Tensor, mask: Tensor | None, most: int, chosen: set[int]
) -> Iterator[tuple[int, LightSamples]]:
    check_shape("normals", normals, "F 3 H W")
    for name, value in (("normals", normals), ("mask", mask)):
        if value is not None and len(value) not in (1, len(footage)):
            raise ShapeError(name, tuple(value.shape), f"one for all frames, or one for each of {len(footage)}")
    index = 0
    for batch in footage.batches(BATCH):
        for frame in float_pixels(batch):
            if index in chosen:
                covered = None if mask is None else mask[index % len(mask)]
                yield index, gather_samples(frame, normals[index % len(normals)], covered, most)
            index += 1


def _smooth(lights: np.ndarray, trust: np.ndarray, deviation: float) -> np.ndarray:
    """Average over neighbouring frames with Gaussian weights, (F, 9, 3); ends take what there is."""
    if deviation <= 0:
        return lights
    reach = min(len(lights) - 1, int(np.ceil(3 * deviation)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weight = np.convolve(trust + 1e-6, kernel, "full")[reach : reach + len(lights)]
    flat = lights.reshape(len(lights), -1) * (trust[:, None] + 1e-6)
    mixed = [np.convolve(column, kernel, "full")[reach : reach + len(lights)] / weight for column in flat.T]
    return np.stack(mixed, 1).reshape(lights.shape)
