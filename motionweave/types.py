"""The small values that everything passes around.

Axis letters: B batch, F frames, C channels, H W pixels, h w latent cells, T tokens, D features, N samples, J joints.
Pixels are (F, 3, H, W) float32 in [0, 1] everywhere in this library.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from .errors import InputError, ShapeError


def check_shape(name: str, value: Tensor, pattern: str) -> dict[str, int]:
    """Check a tensor against a documented shape and give the sizes of its named axes.

    Args:
        name: The argument's name, for the message.
        value: The tensor.
        pattern: Axes separated by spaces: a number is an exact size, a letter any size (the same letter, the same
            size), ``*`` any size that is not reported.

    Returns:
        Sizes by letter.

    Raises:
        ShapeError: If the number of axes or one of the sizes differs.
    """
    axes = pattern.split()
    shape = tuple(value.shape)
    sizes: dict[str, int] = {}
    if len(axes) != len(shape):
        raise ShapeError(name, shape, pattern)
    for axis, size in zip(axes, shape, strict=True):
        if axis == "*":
            continue
        expected = int(axis) if axis.isdigit() else sizes.setdefault(axis, size)
        if expected != size:
            raise ShapeError(name, shape, pattern)
    return sizes


@dataclass(frozen=True)
class Size:
    """A picture's size."""

    width: int
    """Pixels across."""
    height: int
    """Pixels down."""

    def __post_init__(self) -> None:
        """Refuse empty pictures."""
        if self.width < 1 or self.height < 1:
            raise InputError(f"a picture of {self.width}x{self.height} pixels has no area; give at least 1x1")

    def __str__(self) -> str:
        """Give it as people write it: ``1024x576``."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Audio:
    """Sound with its clock."""

    waveform: Tensor
    """(C, N) float32 in [-1, 1]."""
    sample_rate: int
    """Samples per second."""

    def __post_init__(self) -> None:
        """Check the shape once, at the border."""
        check_shape("waveform", self.waveform, "C N")
        if self.sample_rate < 1:
            raise InputError(f"a sample rate of {self.sample_rate} Hz was given; expected a positive number")

    @property
    def duration_s(self) -> Fraction:
        """Seconds, exactly."""
        return Fraction(self.waveform.shape[1], self.sample_rate)


@dataclass(frozen=True)
class Window:
    """Frames that are denoised together, on the video's own clock."""

    index: int
    """Position in the plan, from 0."""
    start: int
    """First frame."""
    stop: int
    """One past the last frame."""
    context: int
    """How many leading frames another window already made; they are known, not made again."""

    def __post_init__(self) -> None:
        """Refuse windows that make nothing."""
        if not 0 <= self.start < self.stop or not 0 <= self.context < self.stop - self.start:
            raise InputError(
                f"window {self.index} covers frames [{self.start}, {self.stop}) with {self.context} of context; "
                "expected a non-empty range that makes at least one new frame"
            )

    @property
    def frame_count(self) -> int:
        """Frames that are denoised, context included."""
        return self.stop - self.start

    @property
    def new_start(self) -> int:
        """First frame that this window adds to the video."""
        return self.start + self.context

    def __str__(self) -> str:
        """Give the frames as an artist counts them."""
        return f"frames {self.start}-{self.stop - 1}"


@dataclass(frozen=True)
class Progress:
    """One report from a long run."""

    stage: str
    """What is being done: ``denoise``, ``decode``, ``stitch``."""
    chunk: int
    """Chunk being worked on, from 0."""
    chunk_count: int
    """Chunks in the plan."""
    step: int
    """Steps done in this chunk."""
    step_count: int
    """Steps that this chunk takes."""
    preview: Tensor | None = None
    """(3, H, W) in [0, 1]: what the middle of the window looks like so far."""


def same_device(tensor: Tensor, like: Tensor) -> Tensor:
    """Give `tensor` on the device and in the precision of `like`."""
    return tensor.to(device=like.device, dtype=like.dtype)


def float_pixels(frames: Tensor) -> Tensor:
    """Turn 8-bit frames into the library's pixels.

    Args:
        frames: (F, 3, H, W) uint8.

    Returns:
        (F, 3, H, W) float32 in [0, 1].
    """
    return frames.to(torch.float32) / 255
