"""Footage: moving pictures to read signals from, a file or frames in memory, always in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ..types import Size, check_shape
from .probe import probe_video
from .reader import read_frames

READ_BYTES = 1 << 20


class Footage(Protocol):
    """Moving pictures on a clock; frame i holds from i / fps until the next."""

    @property
    def fps(self) -> Fraction:
        """Frames per second, exactly."""
        ...

    @property
    def size(self) -> Size:
        """The size at which it is shown: upright, with square pixels."""
        ...

    def __len__(self) -> int:
        """Count the frames."""
        ...

    def batches(self, count: int) -> Iterator[Tensor]:
        """Give all frames in order, (F, 3, H, W) uint8 with F = `count` but for the last batch."""
        ...

    def digest(self) -> str:
        """Hash what it shows, so that what was read from it can be kept."""
        ...


@dataclass(frozen=True)
class FootageFile:
    """A video file, read as it is needed; memory does not grow with its length."""

    path: Path
    """The video."""
    fps: Fraction
    """Its own frame rate."""
    size: Size
    """The size at which it is shown."""
    frame_count: int
    """Its frames."""

    def __len__(self) -> int:
        """Count the frames."""
        return self.frame_count

    def batches(self, count: int) -> Iterator[Tensor]:
        """Give all frames in order, (F, 3, H, W) uint8 with F = `count` but for the last batch."""
        frames = read_frames(self.path)
        while batch := list(islice(frames, count)):
            yield torch.stack(batch)

    def digest(self) -> str:
        """Hash the file, whole."""
        hashed = hashlib.sha256()
        with self.path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                hashed.update(piece)
        return hashed.hexdigest()


@dataclass(frozen=True)
class FootageFrames:
    """Frames in memory."""

    frames: Tensor
    """(F, 3, H, W) float32 in [0, 1]."""
    fps: Fraction
    """Frames per second."""

    def __post_init__(self) -> None:
        """Check the shape once."""
        check_shape("frames", self.frames, "F 3 H W")

    @property
    def size(self) -> Size:
        """Their size."""
        return Size(self.frames.shape[-1], self.frames.shape[-2])

    def __len__(self) -> int:
        """Count the frames."""
        return self.frames.shape[0]

    def batches(self, count: int) -> Iterator[Tensor]:
        """Give all frames in order, (F, 3, H, W) uint8 with F = `count` but for the last batch."""
        for batch in self.frames.split(count):
            yield (batch * 255).round().clamp(0, 255).to(torch.uint8)

    def digest(self) -> str:
        """Hash shape, rate and pixels."""
        hashed = hashlib.sha256(f"{tuple(self.frames.shape)} {self.fps}".encode())
        for frame in self.frames:
            hashed.update(frame.contiguous().numpy().tobytes())
        return hashed.hexdigest()


def open_footage(path: Path) -> FootageFile:
    """Open a video.

    Raises:
        MediaError: If it is no video.
    """
    info = probe_video(path)
    return FootageFile(path, info.fps, info.size, info.frame_count)
