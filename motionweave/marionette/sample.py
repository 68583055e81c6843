"""Inputs to try MotionWeave with, drawn on the spot: a reference image, a driving video, a voice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ..media import VideoWriter
from ..tracks.keypoints import Person, from_wholebody
from ..tracks.pose_drawing import draw_pose
from ..types import Audio, Size
from .motion import Motion
from .skeleton import pose_skeleton, wholebody_keypoints
from .voice import speak
from .world import World, camera_of, clip_times, make_world, motion_at, render_clip

MAP_SIZE = Size(512, 512)
"""Size of a driving video of pose maps."""
FOOTAGE_SIZE = Size(320, 320)
"""Size of a driving video of a moving marionette."""
FRAMES_AT_ONCE = 16

DrivingKind = Literal["footage", "pose maps"]
DRIVING_KINDS: tuple[DrivingKind, ...] = get_args(DrivingKind)


@dataclass(frozen=True)
class SampleInputs:
    """What a first run needs."""

    reference: Tensor
    """(1, 3, H, W) in [0, 1]."""
    driving: Path
    """A video of somebody else moving, or of their pose maps."""
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


def draw_reference(seed: int, size: Size, motion_seed: int | None = None, moment_s: float | None = None) -> Tensor:
    """Draw a character, (1, 3, H, W) in [0, 1].

    Args:
        seed: Which one.
        size: The picture's.
        motion_seed: The motion that `moment_s` is a moment of.
        moment_s: Second of the motion to catch the character in; None for one at ease, facing the viewer.
    """
    world, moment = make_world(seed, motion_seed), np.full(1, moment_s or 0.0)
    motion = standing(world) if moment_s is None else motion_at(world, moment)
    return render_clip(world, np.zeros(1), Fraction(1), size, motion=motion).frames


def driver(seed: int, motion_seed: int) -> World:
    """Give the world of a driving video: another figure than the reference's, moving more than usual."""
    return replace(make_world(seed, motion_seed), energy=1.2)


def write_footage(path: Path, world: World, seconds: float, fps: Fraction, sound: Audio | None = None) -> Path:
    """Write a video of a moving marionette.

    Args:
        path: The .mp4 to write.
        world: Who, where, how.
        seconds: Length.
        fps: Frame rate.
        sound: What is heard, from the first frame on.

    Returns:
        The path.
    """
    times = clip_times(round(seconds * fps), fps)
    with VideoWriter(path, fps=fps, size=FOOTAGE_SIZE, crf=12, audio=sound) as writer:
        for start in range(0, len(times), FRAMES_AT_ONCE):
            frames = render_clip(world, times[start : start + FRAMES_AT_ONCE], fps, FOOTAGE_SIZE).frames
            writer.write((frames * 255).round().to(torch.uint8))
    return path


def write_pose_maps(path: Path, world: World, seconds: float, fps: Fraction) -> Path:
    """Write a video of a marionette's exact pose maps.

    Args:
        path: The .mp4 to write.
        world: Whose skeleton, how it moves.
        seconds: Length.
        fps: Frame rate.

    Returns:
        The path.
    """
    with VideoWriter(path, fps=fps, size=MAP_SIZE, crf=12) as writer:
        for person in people_of(world, clip_times(round(seconds * fps), fps), MAP_SIZE):
            writer.write(draw_pose([person], MAP_SIZE, MAP_SIZE)[None])
    return path


def people_of(world: World, time_s: np.ndarray, size: Size) -> list[Person]:
    """Give a marionette's exact keypoints; what lies outside the picture is not seen.

    Args:
        world: Whose skeleton, how it moves.
        time_s: When, (F,) seconds.
        size: The picture that the keypoints are pixels of.

    Returns:
        The figure at each time.
    """
    skeleton = pose_skeleton(world.character, motion_at(world, time_s))
    points, _, _ = camera_of(world, len(time_s)).project(wholebody_keypoints(skeleton), size)
    inside = np.asarray(((points >= 0) & (points < np.array([size.width, size.height]))).all(-1))
    return [from_wholebody(frame) for frame in np.concatenate([points, inside[..., None]], -1)]


@dataclass(frozen=True)
class SampleRequest:
    """Which sample to draw."""

    character: int
    """Seed of the reference; the driving video shows the one after it."""
    motion: int
    """Seed of motion and voice."""
    seconds: float
    """Length of video and sound."""
    fps: Fraction
    """Frame rate of the video."""
    driving: DrivingKind = "footage"
    """Whether the video shows somebody moving, or pose maps."""
    reference_s: float | None = None
    """Second of the motion in which the reference shows the character; None for one at ease."""

    @property
    def file_name(self) -> str:
        """A name that tells the driving video from any other."""
        kind = self.driving.replace(" ", "-")
        rate = f"{self.fps.numerator}-{self.fps.denominator}"
        return f"marionette-{self.character}-{self.motion}-{self.seconds:g}s-{rate}-{kind}.mp4"


def make_sample(folder: Path, request: SampleRequest) -> SampleInputs:
    """Draw everything that a first run needs.

    Args:
        folder: Where to write the driving video; one that is there already is taken.
        request: Which sample.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / request.file_name
    if not path.is_file():
        # Pose maps are of the reference's own skeleton: whoever gives them has fitted them already.
        if request.driving == "pose maps":
            write_pose_maps(path, driver(request.character, request.motion), request.seconds, request.fps)
        else:
            write_footage(path, driver(request.character + 1, request.motion), request.seconds, request.fps)
    return SampleInputs(
        reference=draw_reference(request.character, Size(512, 512), request.motion, request.reference_s),
        driving=path,
        sound=speak(request.motion, request.seconds),
    )
