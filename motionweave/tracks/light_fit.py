"""The fit behind an estimated light: nine coefficients and a few materials that together explain the pixels.

What a pixel shows is its surface's albedo times the light's shading, so neither is known alone. Clothes, skin and walls
are of few materials though, each seen under many directions. Pixels are grouped into materials, and the light is what
makes each material's albedo come out the same in every direction:

    log I = log albedo[material] + log(sum over k of falling[k] * light[k])

solved by Gauss-Newton with Cauchy weights and a ridge toward no direction, weaker for order 1 than for order 2, which
half a sphere of normals hardly shows. The ridge grows with the misfit, as the variance of noise would make it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .light_samples import LightSamples
from .linear_light import LUMINANCE

MATERIALS = 16
"""Groups at first; half as many again once brightness can tell materials of one hue apart."""
BRIGHTNESS_COUNTS = 0.7
"""Weight of the log albedo beside chroma when pixels are grouped."""
RIDGE, RIDGE_PER_MISFIT = 1e-4, 4.0
ORDER_PENALTY = np.array([0.0] + [0.05] * 3 + [2.0] * 5)
PIN = 1e3
"""How firmly the mean of the light is held: it cannot be told from the mean albedo."""
LEAST = 0.02
"""Least shading while fitting."""
ROUNDS, STEPS = 8, 4
REGROUP = (2, 4, 6)
STARTS = 5


@dataclass(frozen=True)
class Materials:
    """Groups of pixels of about one albedo."""

    centres: np.ndarray
    """(K, 3) chroma and weighted log albedo."""
    log_albedo: np.ndarray
    """(K, 3) per linear channel."""


def features(samples: LightSamples, light: np.ndarray) -> np.ndarray:
    """Give what materials are told apart by, (N, 3), once a light is known, (9,) of luminance."""
    albedo = samples.log_luminance - np.log(shade(samples, light))
    return np.concatenate([samples.chroma, BRIGHTNESS_COUNTS * albedo[:, None]], 1)


def shade(samples: LightSamples, light: np.ndarray) -> np.ndarray:
    """Give the shading of each pixel, (N,), under one channel of a light, (9,)."""
    return np.maximum(samples.falling @ light, LEAST)


def fit_light(samples: LightSamples) -> np.ndarray:
    """Fit one light to pixels.

    Grouping depends on where it starts, so it is done from several starts, and each coefficient is their median.

    Returns:
        Light (9, 3), of which each channel has the same mean because light's colour cannot be told from the clothes',
        scaled so that the brightest directions that were seen have a shading of 1.
    """
    luminance = np.median([_fit_luminance(samples, np.random.default_rng(start)) for start in range(STARTS)], axis=0)
    told_by = features(samples, luminance)
    centres = _centres(told_by, MATERIALS * 3 // 2, np.random.default_rng(0))
    group = _nearest(told_by, centres)
    lights = np.stack([_refine(samples, np.log(samples.colour[:, c]), group, luminance) for c in range(3)], 1)
    # The groups of this last fit are one start among several, so only the tints are taken from it.
    lights = luminance[:, None] + lights - (lights @ LUMINANCE)[:, None]
    return lights / float(np.percentile(shade(samples, luminance), 98))


def _fit_luminance(samples: LightSamples, rng: np.random.Generator) -> np.ndarray:
    """Fit the luminance of the light, (9,), from one start."""
    light = np.zeros(9)
    light[0] = np.sqrt(4 * np.pi) * 0.7
    group = _nearest(samples.chroma, _centres(samples.chroma, MATERIALS, rng))
    for step in range(ROUNDS):
        if step in REGROUP:
            told_by = features(samples, light)
            group = _nearest(told_by, _centres(told_by, MATERIALS * 3 // 2, rng))
        light = _refine(samples, samples.log_luminance, group, light)
    return light


def follow_light(samples: LightSamples, materials: Materials, near: np.ndarray) -> np.ndarray:
    """Fit a frame's light to materials that are known from the whole clip, staying near another light.

    Args:
        samples: The frame's pixels.
        materials: The clip's.
        near: (9, 3) the clip's light, or what was found before.

    Returns:
        (9, 3).
    """
    light = near
    # By hue alone at first: a frame that is darker than the clip would else be taken for one of darker materials.
    for brightness in (0.0, 1.0, 1.0):
        counts = np.array([1.0, 1.0, brightness])
        group = _nearest(features(samples, light @ LUMINANCE) * counts, materials.centres * counts)
        light = np.stack([_known(samples, materials, group, near, c) for c in range(3)], 1)
    return light


def _known(
    samples: LightSamples, materials: Materials, group: np.ndarray, near: np.ndarray, channel: int
) -> np.ndarray:
    """Fit one channel of a light, (9,), to pixels of known albedo."""
    value, light = np.log(samples.colour[:, channel]) - materials.log_albedo[group, channel], near[:, channel]
    for _ in range(STEPS):
        light = light + _step(samples, value, light, light - near[:, channel], None)
    return light


def find_materials(frames: list[LightSamples], lights: list[np.ndarray]) -> Materials:
    """Group the pixels of frames into materials, each frame under its own light, (9, 3)."""
    pairs = list(zip(frames, lights, strict=True))
    told_by = np.concatenate([features(samples, light @ LUMINANCE) for samples, light in pairs])
    albedo = np.concatenate(
        [np.log(s.colour) - np.log(np.stack([shade(s, light[:, c]) for c in range(3)], 1)) for s, light in pairs]
    )
    centres = _centres(told_by, MATERIALS * 3 // 2, np.random.default_rng(0))
    group = _nearest(told_by, centres)
    return Materials(centres, np.stack([_medians(column, group, len(centres)) for column in albedo.T], 1))


def _refine(samples: LightSamples, value: np.ndarray, group: np.ndarray, light: np.ndarray) -> np.ndarray:
    for _ in range(STEPS):
        pull = np.where(np.arange(9) == 0, 0.0, light)
        light = light + _step(samples, value, light, pull, group)
    return light


def _step(
    samples: LightSamples, value: np.ndarray, light: np.ndarray, pull: np.ndarray, group: np.ndarray | None
) -> np.ndarray:
    """Give one Gauss-Newton step; each group's albedo is free, or known and taken off where `group` is None."""
    shading = shade(samples, light)
    rest, slope = value - np.log(shading), samples.falling / shading[:, None]
    misfit = rest if group is None else rest - _medians(rest, group, int(group.max()) + 1)[group]
    spread = 1.4826 * float(np.median(np.abs(misfit))) + 1e-3
    weight = 1 / (1 + (misfit / (2 * spread)) ** 2) ** 2
    if group is not None:
        rest, slope = _centred(rest[:, None], group, weight)[:, 0], _centred(slope, group, weight)
    normal = (slope * weight[:, None]).T @ slope
    size = float(np.trace(normal)) / 9
    ridge = size * (RIDGE + RIDGE_PER_MISFIT * spread**2) * ORDER_PENALTY
    if group is not None:
        ridge[0] = PIN * size
    step = np.linalg.solve(normal + np.diag(ridge + 1e-9 * size), (slope * weight[:, None]).T @ rest - ridge * pull)
    return np.clip(step, -0.5, 0.5)


def _centred(values: np.ndarray, group: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Take each group's weighted mean off, (N, D)."""
    total = np.bincount(group, weight) + 1e-9
    means = np.stack([np.bincount(group, weight * column) for column in values.T], 1) / total[:, None]
    return values - means[group]


def _medians(values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Give each group's median, (count,); 0 where a group is empty."""
    found = [values[group == index] for index in range(count)]
    return np.array([float(np.median(each)) if len(each) else 0.0 for each in found])


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((points[:, None] - centres[None]) ** 2).sum(-1).argmin(1)


def _centres(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Give k-means centres with spread-out starts (Arthur and Vassilvitskii 2007), (count, D)."""
    centres = points[rng.choice(len(points), 1)]
    for _ in range(count - 1):
        far = ((points[:, None] - centres[None]) ** 2).sum(-1).min(1) + 1e-12
        centres = np.concatenate([centres, points[rng.choice(len(points), 1, p=far / far.sum())]])
    for _ in range(12):
        group = _nearest(points, centres)
        members = [points[group == index] for index in range(count)]
        centres = np.stack([m.mean(0) if len(m) else c for m, c in zip(members, centres, strict=True)])
    return centres
