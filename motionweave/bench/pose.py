"""Pose extraction on held-out marionettes: how near the keypoints come, how fast, and in how much memory.

A keypoint is found where it lies within 0.05 of the larger side of its figure's box (PCK@0.05), over all of the 133
points that lie in the picture; a figure that is not found has found none. The plain way is that of today's packs: the
detector and the estimator on every frame, one frame at a time, with the same files and in the same run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from ..marionette import FIRST_EVALUATION_SEED, Clip, clip_times, make_world, render_clip
from ..tracks.estimators import PoseEstimator
from ..tracks.estimators.dwpose import load_dwpose
from ..tracks.extract import extract_pose
from ..tracks.keypoints import Person, from_wholebody
from ..types import Size
from ..weights.locate import locate_model
from .held_out import held_out_clips
from .long_video import runtime_in, write_long_footage
from .memory import watch_memory

NEAR = 0.05
SPEED_FRAMES, SPEED_CLIPS, SPEED_SIZE = 120, 3, Size(320, 320)
STREAM_FRAMES, STREAM_SIZE = 1800, Size(1920, 1080)


def estimator(detect_every: int = 6) -> PoseEstimator:
    """Load Mini's pose models."""
    return load_dwpose(locate_model("pose", "mini-dwpose", runtime_in(Path()).folders), detect_every)


def bytes_of(frames: Tensor) -> Tensor:
    """Turn (F, 3, H, W) in [0, 1] into uint8."""
    return (frames * 255).round().to(torch.uint8)


def _points(person: Person) -> np.ndarray:
    return np.concatenate([person.body, person.face[:68], person.hand_left, person.hand_right])


def figure_extent(points: np.ndarray) -> float:
    """Give the larger side of the box of a figure's keypoints that lie in the picture, (133, 3), in pixels."""
    true = _points(from_wholebody(points))
    return float(np.ptp(true[true[:, 2] > 0, :2], 0).max())


def pck(clip: Clip, people: list[tuple[Person, ...]]) -> tuple[float, float]:
    """Give the share of keypoints that were found.

    Args:
        clip: Frames with their truth.
        people: Who was found in each; of several the nearest to the truth counts.

    Returns:
        Over body, face and hands, and over the body alone.
    """
    whole: list[np.ndarray] = []
    body: list[np.ndarray] = []
    for truth, found in zip(clip.keypoints.numpy(), people, strict=True):
        true = _points(from_wholebody(truth))
        seen = true[:, 2] > 0
        errors = [np.linalg.norm(_points(one)[:, :2] - true[:, :2], axis=-1) for one in found]
        error = min(errors, key=lambda each: float(each[seen].mean())) if errors else np.full(len(true), np.inf)
        near = error < NEAR * figure_extent(truth)
        whole.append(near[seen])
        body.append(near[:18][seen[:18]])
    return float(np.concatenate(whole).mean()), float(np.concatenate(body).mean())


def measure_pose(clips: int, on_clip: Callable[[int], None] | None = None) -> dict[str, float]:
    """Measure how near the keypoints of held-out clips come.

    Returns:
        ``pose_pck05`` over all points, ``pose_body_pck05`` over the body's.
    """
    network, rows = estimator(), list[tuple[float, float]]()
    for index, (_, _, clip) in enumerate(held_out_clips(clips)):
        rows.append(pck(clip, list(network.people([bytes_of(clip.frames)]))))
        if on_clip is not None:
            on_clip(index)
    whole, body = (fmean(column) for column in zip(*rows, strict=True))
    return {"pose_pck05": whole, "pose_body_pck05": body}


def measure_pose_speed() -> dict[str, float]:
    """Measure the extraction's speed against the plain way on the same frames.

    Returns:
        ``pose_speedup``, the plain way's time over ours; ``pose_frame_ms`` and ``pose_plain_frame_ms``; both ways' PCK.
    """
    fps = Fraction(30)
    ways = {"": estimator(), "plain_": estimator(1)}
    spent, found = dict.fromkeys(ways, 0.0), {name: list[float]() for name in ways}
    for seed in range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + SPEED_CLIPS):
        clip = render_clip(make_world(seed), clip_times(SPEED_FRAMES, fps), fps, SPEED_SIZE)
        frames = bytes_of(clip.frames)
        for name, network in ways.items():
            list(network.people([frames[:8]]))  # the first run of a session allocates
            started = time.perf_counter()
            people = list(network.people(frames.split(1 if name else network.batch_size)))
            spent[name] += time.perf_counter() - started
            found[name].append(pck(clip, people)[0])
    per_frame = {name: 1000 * seconds / SPEED_FRAMES / SPEED_CLIPS for name, seconds in spent.items()}
    return {
        "pose_speedup": spent["plain_"] / spent[""],
        **{f"pose_{name}frame_ms": value for name, value in per_frame.items()},
        **{f"pose_{name}speed_pck05": fmean(values) for name, values in found.items()},
    }


def measure_pose_stream(frames: int = STREAM_FRAMES) -> dict[str, float]:
    """Measure the memory that extraction takes above the loaded models, on a long video of 1080p.

    Returns:
        ``pose_rss_mb``.
    """
    with tempfile.TemporaryDirectory() as folder:
        footage, network = write_long_footage(Path(folder), frames, STREAM_SIZE), estimator()
        with watch_memory() as memory:
            track = extract_pose(footage, network, runtime_in(Path(folder)))
        return {"pose_rss_mb": memory.above_mb, "pose_stream_frames": float(len(track))}
