"""Pose tracks: people over time, as keypoints or as pose maps that somebody else drew."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..media import ForwardReader, probe_video
from ..types import Size, check_shape
from .base import Track, check_window, resampled_length
from .keypoints import Person
from .pose_drawing import draw_pose
from .pose_styles import OPENPOSE, PoseStyle


class PoseTrack(Track, Protocol):
    """A track that can be drawn as pose maps."""

    @property
    def canvas(self) -> Size:
        """The picture that it lies on."""
        ...

    def drawn(self, size: Size) -> Tensor:
        """Draw all its frames, (F, 3, H, W) uint8; cut a window first where the track is long."""
        ...


@dataclass(frozen=True)
class KeypointTrack:
    """People's keypoints, frame by frame."""

    frames: tuple[tuple[Person, ...], ...]
    """Who is there in each frame; nobody is an empty tuple."""
    canvas: Size
    """The picture that the keypoints are pixels of."""
    fps: Fraction
    """Frames per second."""

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.frames)

    def resample(self, fps: Fraction) -> KeypointTrack:
        """Give the same people at another frame rate, each pose held until the next."""
        count = resampled_length(len(self), self.fps, fps)
        return replace(self, frames=tuple(self.frames[int(i * self.fps / fps)] for i in range(count)), fps=fps)

    def window(self, start: int, stop: int) -> KeypointTrack:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, frames=self.frames[start:stop])

    def drawn(self, size: Size, style: PoseStyle = OPENPOSE) -> Tensor:
        """Draw all frames.

        Args:
            size: The picture; the canvas is fitted into it whole, centred, on black.
            style: The look.

        Returns:
            (F, 3, H, W) uint8.
        """
        return torch.stack([draw_pose(people, self.canvas, size, style=style) for people in self.frames])


@dataclass(frozen=True)
class PoseMapFile:
    """A video of pose maps, read as it is needed; memory does not grow with its length."""

    path: Path
    """The video."""
    fps: Fraction
    """Frames per second at which it is read; the picture on screen at each moment is taken."""
    start: int
    """First frame, counted at `fps`."""
    stop: int
    """One past the last frame."""
    natural_fps: Fraction
    """The file's own frame rate."""
    natural_count: int
    """The file's own frames."""
    canvas: Size
    """The size at which it is shown."""
    reader: ForwardReader = field(default_factory=ForwardReader, compare=False, repr=False)
    """Stays where the last window ended; the windows of a track share it."""

    def __len__(self) -> int:
        """Count the frames."""
        return self.stop - self.start

    def resample(self, fps: Fraction) -> PoseMapFile:
        """Read the file at another frame rate; a window keeps its place in time."""
        start = -((-self.start * fps) // self.fps)
        last = resampled_length(self.natural_count, self.natural_fps, fps)
        return replace(self, fps=fps, start=start, stop=min(last, start + resampled_length(len(self), self.fps, fps)))

    def window(self, start: int, stop: int) -> PoseMapFile:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, start=self.start + start, stop=self.start + stop)

    def drawn(self, size: Size) -> Tensor:
        """Read all frames, fitted into `size` whole, centred, on black; (F, 3, H, W) uint8."""
        return self.reader.read_clip(self.path, start=self.start, stop=self.stop, fps=self.fps, size=size)


@dataclass(frozen=True)
class PoseMapFrames:
    """Pose maps in memory."""

    maps: Tensor
    """(F, 3, H, W) float32 in [0, 1]."""
    fps: Fraction
    """Frames per second."""

    def __post_init__(self) -> None:
        """Check the shape once."""
        check_shape("pose maps", self.maps, "F 3 H W")

    @property
    def canvas(self) -> Size:
        """The size of the maps."""
        return Size(self.maps.shape[-1], self.maps.shape[-2])

    def __len__(self) -> int:
        """Count the frames."""
        return self.maps.shape[0]

    def resample(self, fps: Fraction) -> PoseMapFrames:
        """Give the same maps at another frame rate, each held until the next."""
        count = resampled_length(len(self), self.fps, fps)
        return replace(self, maps=self.maps[[int(i * self.fps / fps) for i in range(count)]], fps=fps)

    def window(self, start: int, stop: int) -> PoseMapFrames:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, maps=self.maps[start:stop])

    def drawn(self, size: Size) -> Tensor:
        """Give all frames, fitted into `size` whole, centred, on black; (F, 3, H, W) uint8."""
        height, width = self.maps.shape[-2:]
        scale = min(size.width / width, size.height / height)
        inner = Size(max(1, round(width * scale)), max(1, round(height * scale)))
        fitted = F.interpolate(self.maps, (inner.height, inner.width), mode="bilinear", antialias=True)
        left, top = (size.width - inner.width) // 2, (size.height - inner.height) // 2
        padding = (left, size.width - inner.width - left, top, size.height - inner.height - top)
        return (F.pad(fitted, padding) * 255).round().clamp(0, 255).to(torch.uint8)


def require_keypoints(track: PoseTrack) -> KeypointTrack:
    """Give a track whose keypoints are known.

    Raises:
        InputError: If it is made of drawn pose maps.
    """
    if not isinstance(track, KeypointTrack):
        raise InputError(
            "this pose track is made of drawn pose maps, which hold no keypoints; take them from the original film "
            "with Extract Pose, or from Pose from Keypoints"
        )
    return track


def pose_map_file(path: Path) -> PoseMapFile:
    """Open a video of pose maps.

    Raises:
        MediaError: If it is no video.
    """
    info = probe_video(path)
    return PoseMapFile(path, info.fps, 0, info.frame_count, info.fps, info.frame_count, info.size)
