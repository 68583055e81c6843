"""Inputs to try MotionWeave with, drawn on the spot: a reference image, a driving video of pose maps, a voice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from torch import Tensor

from ..media import VideoWriter
from ..tracks.keypoints import from_wholebody
from ..tracks.pose_drawing import draw_pose
from ..types import Audio, Size
from .motion import Motion
from .skeleton import pose_skeleton, wholebody_keypoints
from .voice import speak
from .world import World, camera_of, clip_times, make_world, motion_at, render_clip

MAP_SIZE = Size(512, 512)
"""Size of the driving video."""


@dataclass(frozen=True)
class SampleInputs:
    """What a first run needs."""

    reference: Tensor
    """(1, 3, H, W) in [0, 1]."""
    driving: Path
    """A video of pose maps."""
    sound: Audio
    """A voice in step with the mouth."""


def standing(world: World) -> Motion:
    """Give one frame of the character at ease, facing the viewer."""
    motion = motion_at(world, np.zeros(1))
    angles = {name: np.zeros(1) for name in motion.angles}
    for side in ("right", "left"):
        angles[f"arm_raise_{side}"] = np.full(1, 0.35)
        angles[f"elbow_{side}"] = np.full(1, -0.1)
        angles[f"leg_raise_{side}"] = np.full(1, 0.06)
    return Motion(angles=angles, mouth=np.full(1, 0.1))


def draw_reference(seed: int, size: Size) -> Tensor:
    """Draw a character at ease, (1, 3, H, W) in [0, 1]."""
    world = make_world(seed)
    return render_clip(world, np.zeros(1), Fraction(1), size, motion=standing(world)).frames


def write_driving(path: Path, seed: int, motion_seed: int, seconds: float, fps: Fraction) -> Path:
    """Write a video of pose maps.

    Args:
        path: The .mp4 to write.
        seed: Whose skeleton.
        motion_seed: How it moves.
        seconds: Length.
        fps: Frame rate.

    Returns:
        The path.
    """
    world = replace(make_world(seed, motion_seed), energy=1.2)
    times = clip_times(round(seconds * fps), fps)
    skeleton = pose_skeleton(world.character, motion_at(world, times))
    points, _, _ = camera_of(world, len(times)).project(wholebody_keypoints(skeleton), MAP_SIZE)
    limit = np.array([MAP_SIZE.width, MAP_SIZE.height])
    inside = np.asarray(((points >= 0) & (points < limit)).all(-1))
    with VideoWriter(path, fps=fps, size=MAP_SIZE, crf=12) as writer:
        for frame in np.concatenate([points, inside[..., None]], -1):
            writer.write(draw_pose([from_wholebody(frame)], MAP_SIZE, MAP_SIZE)[None])
    return path


def make_sample(folder: Path, seed: int, motion_seed: int, seconds: float, fps: Fraction) -> SampleInputs:
    """Draw everything that a first run needs.

    Args:
        folder: Where to write the driving video.
        seed: The character.
        motion_seed: Its motion and voice.
        seconds: Length of video and sound.
        fps: Frame rate of the video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"marionette-{seed}-{motion_seed}-{seconds:g}s-{fps.numerator}-{fps.denominator}.mp4"
    return SampleInputs(
        reference=draw_reference(seed, Size(512, 512)),
        driving=path if path.is_file() else write_driving(path, seed, motion_seed, seconds, fps),
        sound=speak(motion_seed, seconds),
    )
