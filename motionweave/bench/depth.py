"""Depth on held-out marionettes: is what is nearer shown nearer, and does the scale hold still.

Rank correlation needs care in this world: two thirds of a picture are one flat wall, whose pixels are all equally far,
and among equals any estimate, however good, orders at random; even the exact depth with an error of a ten-thousandth
comes to 0.82 over all pixels. So pixels are drawn evenly over the depths that occur: 32 equal steps of inverse depth
from the farthest to the nearest, equally many pixels from each. ``depth_spearman_all`` is over all pixels nevertheless,
and ``depth_spearman_all_best`` is the most that an estimate without ties can reach there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from ..media import FootageFrames
from ..tracks.depth_estimate import estimate_depth
from ..tracks.depth_models import DepthModel, load_depth_model
from ..types import Size
from .held_out import held_out_clips
from .long_video import runtime_in, write_long_footage
from .memory import watch_memory

NAMES = ("depth_spearman", "depth_spearman_all", "depth_spearman_figure", "depth_spearman_all_best", "depth_jump")
STEPS, FROM_EACH = 32, 300
STREAM_FRAMES, STREAM_SIZE = 1800, Size(1920, 1080)
COVERED = 0.9
"""Coverage above which a pixel is the figure's: where two limbs cover half of it each, its depth is the wall's."""


def _model() -> DepthModel:
    return load_depth_model("mini-depth", runtime_in(Path()).folders, torch.float32)


def spread_over_depth(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose pixels evenly over the depths that occur.

    Args:
        truth: Inverse depth, any shape.
        rng: Draws.

    Returns:
        Indices into the flattened values.
    """
    flat = truth.reshape(-1)
    steps = np.minimum((flat - flat.min()) / max(float(np.ptp(flat)), 1e-9) * STEPS, STEPS - 1).astype(int)
    chosen = [np.flatnonzero(steps == step) for step in range(STEPS)]
    return np.concatenate([rng.choice(each, min(FROM_EACH, len(each)), replace=False) for each in chosen if len(each)])


def best_rank_correlation(truth: np.ndarray) -> float:
    """Give the largest rank correlation with `truth` that values without ties can have.

    Args:
        truth: Any shape.

    Source: Kendall, The treatment of ties in ranking problems (1945): sqrt(1 - sum(t^3 - t) / (n^3 - n)), over the
    groups of t equal values among n.
    """
    groups = np.unique(truth, return_counts=True)[1].astype(float)
    return float(np.sqrt(1 - (groups**3 - groups).sum() / (float(truth.size) ** 3 - truth.size)))


def scale_jump(found: np.ndarray, truth: np.ndarray) -> float:
    """Give the largest relative change, from one frame to the next, of the scale that fits the estimate to the truth.

    Args:
        found: (F, N) estimates.
        truth: (F, N) inverse depth.
    """
    scales = [np.polyfit(true, each, 1)[0] for each, true in zip(found, truth, strict=True)]
    return float(np.max(np.abs(np.diff(scales)) / np.abs(scales[:-1])))


def measure_depth(clips: int, on_clip: Callable[[int], None] | None = None) -> dict[str, float]:
    """Measure how well depth is ordered, one scale a clip, and how still its scale holds.

    Returns:
        ``depth_spearman``; ``depth_spearman_all`` over all pixels, and ``depth_spearman_all_best``, what is possible
        there; ``depth_spearman_figure`` over the character's, drawn as the first; ``depth_jump``. Each is the mean over
        the clips.
    """
    from scipy.stats import spearmanr

    model, rng, rows = _model(), np.random.default_rng(0), list[list[float]]()
    for index, (_, _, clip) in enumerate(held_out_clips(clips)):
        with tempfile.TemporaryDirectory() as folder:
            track = estimate_depth(FootageFrames(clip.frames, clip.fps), model, runtime_in(Path(folder)))
            shown = torch.nn.functional.interpolate(
                track.inverse_depth()[:, None], clip.depth.shape[-2:], mode="bilinear"
            )[:, 0]
        found, truth, figure = shown.numpy(), 1 / clip.depth.numpy(), clip.alpha.numpy() > COVERED
        even = spread_over_depth(truth, rng)
        own = np.flatnonzero(figure)[spread_over_depth(truth[figure], rng)]
        chosen = (even, slice(None), own)
        ranked: list[Any] = [spearmanr(found.reshape(-1)[each], truth.reshape(-1)[each]) for each in chosen]
        rho = [float(each.statistic) for each in ranked]
        jump = scale_jump(found.reshape(len(found), -1), truth.reshape(len(truth), -1))
        rows.append([*rho, best_rank_correlation(truth), jump])
        if on_clip is not None:
            on_clip(index)
    return dict(zip(NAMES, (fmean(map(float, column)) for column in zip(*rows, strict=True)), strict=True))


def measure_depth_stream(frames: int = STREAM_FRAMES) -> dict[str, float]:
    """Measure the memory that estimating takes above the loaded model, on a long video of 1080p.

    Returns:
        ``depth_rss_mb``.
    """
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: memory that writing freed here would be used again and not be seen.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            footage = pool.submit(write_long_footage, Path(folder), frames, STREAM_SIZE).result()
        model = _model()
        with watch_memory() as memory:
            track = estimate_depth(footage, model, runtime_in(Path(folder)))
        return {"depth_rss_mb": memory.above_mb, "depth_stream_frames": float(len(track))}
