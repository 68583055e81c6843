"""What made frames show of what was asked for: mouth, light, depth and camera, read with Marionette's truth at hand."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..marionette import Clip, World
from ..marionette.camera import Camera
from ..media import FootageFrames
from ..tracks.depth_estimate import estimate_depth
from ..tracks.linear_light import LUMINANCE
from ..tracks.spherical_harmonics import basis
from ..types import Size
from .camera_fit import fit_camera, scene_motion, turned
from .depth import spread_over_depth
from .light import degrees_between
from .long_video import runtime_in

FLAT = 0.5
"""Radiance of the light from everywhere under which what surfaces reflect is seen."""
GAMMA = 2.2
"""Of Marionette's pictures."""
FALLING = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5)
"""What a matte surface reflects of each coefficient (Ramamoorthi and Hanrahan, 2001)."""
LIGHT_RIDGE = np.array([0.0] + [1e-5] * 3 + [3e-4] * 5)
"""Per pixel; half a sphere of normals hardly shows order 2."""
LIGHT_OUTLIER, LIGHT_ROUNDS = 0.15, 6
LEAST_LIGHT = 0.02
"""First order over the mean below which a light has no direction."""
MOUTH, EYES = slice(71, 91), slice(59, 71)
"""Points of the lips and of the eyes among COCO-WholeBody's."""
WIDE = 0.45
"""Deviation of the spot that is looked at over the distance from eyes to mouth."""
EVERY = 4
"""Frames from one fitted camera to the next."""
STILL_PX = 0.5
"""Root mean square of a motion that counts as none, in pixels at 128."""
FIT_PX = 64
"""Height at which cameras are fitted: what moves a scene is not in its finest detail."""
AROUND_PX = 4
"""Pixels around the character that are left out, at 128."""


def mouth_reading(frames: Tensor, clip: Clip) -> np.ndarray:
    """Read how dark each frame is at the mouth against the eyes' cheeks, (F,): an open mouth is dark.

    Args:
        frames: (F, 3, H, W) in [0, 1].
        clip: Says where the face is.
    """
    height, width = frames.shape[-2:]
    x, y = torch.arange(width) + 0.5, (torch.arange(height) + 0.5)[:, None]
    values: list[float] = []
    for frame, points in zip(frames, clip.keypoints[..., :2], strict=True):
        mouth, eyes = points[MOUTH].mean(0), points[EYES].mean(0)
        spread = WIDE * float((mouth - eyes).norm())
        spots = []
        for place in (mouth, (mouth + eyes) / 2):
            weight = torch.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * spread**2))
            spots.append(float((frame[1] * weight).sum() / weight.sum()))
        values.append(spots[1] - spots[0])
    return np.array(values)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Give Pearson's correlation; 0 where one does not change."""
    first, second = first - first.mean(), second - second.mean()
    lengths = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / lengths if lengths > 1e-12 else 0.0


def light_error(frames: Tensor, clip: Clip, flat: Tensor, key: np.ndarray) -> float:
    """Give the angle in degrees between the light that frames show and the one that was asked for, at most 180.

    A light of no direction is as wrong as a guess.

    Args:
        frames: (F, 3, H, W) in [0, 1].
        clip: Its normals say where surfaces face.
        flat: (F, 3, H, W) in [0, 1]: the clip under `FLAT`.
        key: (3,) unit vector toward the light.
    """
    found = light_direction(frames, clip, flat)
    return 90.0 if found is None else degrees_between(found, key)


def light_direction(frames: Tensor, clip: Clip, flat: Tensor) -> np.ndarray | None:
    """Give the unit vector toward the light that frames show, (3,); None where it has no direction.

    What surfaces reflect is known: the same clip under a light from everywhere. So what frames show over that is
    shading, in which a light is linear; it is solved for with Cauchy weights, because outlines of made frames are not
    where the true ones are.

    Args:
        frames: (F, 3, H, W) in [0, 1].
        clip: Its normals say where surfaces face.
        flat: (F, 3, H, W) in [0, 1]: the clip under `FLAT`.
    """
    shown, known = (each.clamp(0, 1).double() ** GAMMA for each in (frames, flat))
    weights = torch.tensor(LUMINANCE).double().view(3, 1, 1)
    shade = ((shown * weights).sum(1) / (known * weights).sum(1).clamp_min(1e-3)).flatten().numpy() * FLAT
    inside = (known.amin(1) > 0.01).flatten().numpy() & (frames.amax(1) < 0.98).flatten().numpy() & (shade < 3)
    normals = clip.normal.double().permute(0, 2, 3, 1).reshape(-1, 3).numpy()[inside]  # N 3
    light = _solve_light(basis(normals) * FALLING, shade[inside])
    first = light[[3, 1, 2]]
    length = float(np.linalg.norm(first))
    return first / length if length > LEAST_LIGHT * light[0] else None


def _solve_light(system: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """Solve shading (N,) for a light's luminance, (9,)."""
    weight, light = np.ones(len(shade)), np.zeros(9)
    for _ in range(LIGHT_ROUNDS):
        squares = (system * weight[:, None]).T @ system
        light = np.linalg.solve(squares + np.diag(LIGHT_RIDGE) * len(shade), (system * weight[:, None]).T @ shade)
        weight = 1 / (1 + ((shade - system @ light) / LIGHT_OUTLIER) ** 2)
    return light


def depth_correlation(frames: Tensor, clip: Clip, model: Any, rng: np.random.Generator) -> float:
    """Give the rank correlation between the depth that a depth model sees in frames and the one that was asked for.

    Pixels are drawn evenly over the depths that occur, as in `depth`.
    """
    from scipy.stats import spearmanr

    ranked: Any = spearmanr(*depth_pairs(frames, clip, model, rng))
    return float(ranked.statistic)


def depth_pairs(frames: Tensor, clip: Clip, model: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Give the inverse depths that a depth model sees in frames and those that were asked for, (N,) each."""
    with tempfile.TemporaryDirectory() as folder:
        track = estimate_depth(FootageFrames(frames, clip.fps), model, runtime_in(Path(folder)))
        shown = torch.nn.functional.interpolate(track.inverse_depth()[:, None], clip.depth.shape[-2:], mode="bilinear")
    truth = 1 / clip.depth.numpy()
    chosen = spread_over_depth(truth, rng)
    return shown.numpy().reshape(-1)[chosen], truth.reshape(-1)[chosen]


def camera_correlation(frames: Tensor, clip: Clip, world: World, camera: Camera) -> float:
    """Give the cosine between the motion of the scene that frames show and the one that was asked for.

    Args:
        frames: (F, 3, H, W) in [0, 1].
        clip: Says where the character is.
        world: Scene and light.
        camera: F cameras that were asked for.
    """
    return motion_cosine(*scene_motions(frames, clip, world, camera))


def scene_motions(
    frames: Tensor, clip: Clip, world: World, camera: Camera
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Give how the scene moved in every fourth frame, and how it was to, in pixels at a height of `FIT_PX`.

    Returns:
        For each such frame, (N, 2) over the pixels that the character does not hide.
    """
    from scipy.ndimage import binary_dilation

    size = Size(FIT_PX * frames.shape[-1] // frames.shape[-2], FIT_PX)
    small, figures = (
        torch.nn.functional.interpolate(each, (size.height, size.width), mode="area")
        for each in (frames, clip.alpha[:, None])
    )
    found, asked, turn = list[np.ndarray](), list[np.ndarray](), np.zeros(4)
    for index in range(0, len(frames), EVERY):
        figure: Any = binary_dilation(figures[index, 0].numpy() > 0.05, iterations=AROUND_PX * size.height // 128)
        seen = np.logical_not(figure)
        turn = fit_camera(world, small[index].permute(1, 2, 0).numpy(), seen, turn)
        found.append(scene_motion(world, turned(world, turn), 0, size)[seen])
        asked.append(scene_motion(world, camera, index, size)[seen])
    return found, asked


def motion_cosine(found: list[np.ndarray], asked: list[np.ndarray]) -> float:
    """Give the cosine between two motions as `scene_motions` gives them."""
    one, two = np.concatenate(found).ravel(), np.concatenate(asked).ravel()
    # A camera that hardly moved agrees with nothing, whichever way its last tenth of a pixel points.
    least = (STILL_PX * FIT_PX / 128) ** 2 * len(one)
    return float((one * two).sum() / np.sqrt(max((one**2).sum(), least) * max((two**2).sum(), least)))
