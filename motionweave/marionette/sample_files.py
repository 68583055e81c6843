"""Files to try the ways in with: clips as other generators leave them, keypoints as other pose tools write them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ..media import VideoWriter
from ..tracks.pose import KeypointTrack
from ..tracks.pose_keypoint import write_pose_keypoint
from ..types import Size
from .sample import driver, people_of
from .world import clip_times, render_clip

CHARACTER, MOTION = 1_000_004, 1_000_021
"""The sample workflows' own; keypoints are of this figure, so that they need no fitting to its picture."""
CLIP_SIZE = Size(192, 192)
CLIP_FPS = Fraction(12)
CLIP_STARTS = (0, 8, 16)
"""First frames of the clips on one clock."""
CLIP_FRAMES = 12
"""Frames of each, so that neighbours share four."""
CASTS = ((1.0, 1.0, 1.0), (0.9, 0.95, 1.0), (1.0, 0.93, 0.86))
"""What each clip's red, green and blue are multiplied by."""
CANVAS = Size(512, 512)
POSE_FRAMES = 48


def write_sample_clips(folder: Path) -> Path:
    """Write three clips of one motion that share four frames with their neighbours and differ a little in colour.

    Args:
        folder: Where the samples of all kinds lie; clips that are there already are taken.

    Returns:
        The folder of the clips alone.
    """
    place, world = folder / "sample-clips", driver(CHARACTER, MOTION)
    place.mkdir(parents=True, exist_ok=True)
    for number, (start, cast) in enumerate(zip(CLIP_STARTS, CASTS, strict=True), 1):
        path = place / f"clip{number}.mp4"
        if not path.is_file():
            times = clip_times(CLIP_FRAMES, CLIP_FPS, float(start / CLIP_FPS))
            _write_clip(path, render_clip(world, times, CLIP_FPS, CLIP_SIZE).frames, cast)
    return place


def _write_clip(path: Path, frames: Tensor, cast: tuple[float, float, float]) -> None:
    coloured = frames * torch.tensor(cast).view(1, 3, 1, 1)
    with VideoWriter(path, fps=CLIP_FPS, size=CLIP_SIZE, crf=12) as writer:
        writer.write((coloured * 255).round().to(torch.uint8))


def write_sample_keypoints(folder: Path) -> Path:
    """Write a motion's keypoints as OpenPose-style JSON, in pixels, as the DWPose nodes of other packs save them.

    Args:
        folder: Where the samples of all kinds lie; a file that is there already is taken.

    Returns:
        The .json file.
    """
    path = folder / "sample-keypoints.json"
    if not path.is_file():
        people = people_of(driver(CHARACTER, MOTION), clip_times(POSE_FRAMES, CLIP_FPS), CANVAS)
        track = KeypointTrack(tuple((person,) for person in people), CANVAS, CLIP_FPS)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(write_pose_keypoint(track)), encoding="utf-8")
    return path
