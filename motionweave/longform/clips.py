"""What stitching, upscaling and scoring read: a row of clips, whoever made them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor

from ..media import read_frames
from ..types import Size

Seam = Literal["cut", "linear", "cosine", "replace"]
"""How one clip gives way to the next over the latter's lead, as `fade_weights` knows it."""


class FrameCorrection(Protocol):
    """Something done to a clip's frames as they are read, such as a pull on their colours."""

    def __call__(self, frame: Tensor, place: int) -> Tensor:
        """Correct a frame.

        Args:
            frame: (3, H, W) uint8.
            place: Its position among the clip's new frames, from 0; negative within the lead.

        Returns:
            (3, H, W) uint8.
        """
        ...


@dataclass(frozen=True)
class Clip:
    """One chunk's pictures on disk."""

    path: Path
    """The file."""
    frame_count: int
    """New frames: those that the video has from this clip."""
    lead: int = 0
    """Frames before the new ones that the clip before has too, seen again: what a cross-fade fades over."""
    correction: FrameCorrection | None = None
    """Done to every frame as it is read."""
    digest: str = ""
    """Checksum of the file, where it is known."""
    fps: Fraction | None = None
    """Rate to read at; None for the file's own."""
    size: Size | None = None
    """Size to read at, the picture fitted in; None for the file's own."""

    def frames(self) -> Iterator[Tensor]:
        """Read the lead and the new frames in order, each (3, H, W) uint8.

        Raises:
            MediaError: If the file cannot be read.
        """
        stop = None if self.fps is None else self.lead + self.frame_count
        frames = read_frames(self.path, stop=stop, fps=self.fps, size=self.size)
        for place, frame in enumerate(frames, start=-self.lead):
            yield frame if self.correction is None else self.correction(frame, place)


class ClipRow(Protocol):
    """Clips in the order of the video, of one size and rate: a run, its upscaled copy, or a folder of files."""

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        ...

    @property
    def size(self) -> Size:
        """Picture size."""
        ...

    @property
    def name(self) -> str:
        """What to call it, fit for a file's name."""
        ...

    @property
    def seam(self) -> Seam:
        """How its clips give way to one another unless somebody says otherwise."""
        ...

    def clips(self) -> tuple[Clip, ...]:
        """Give the clips.

        Raises:
            InputError: If one is missing.
        """
        ...


@dataclass(frozen=True)
class MadeRow:
    """Clips that are all there already."""

    made: tuple[Clip, ...]
    """The clips, in order."""
    fps: Fraction
    """Frames per second."""
    size: Size
    """Picture size."""
    name: str
    """What to call it, fit for a file's name."""
    seam: Seam = "linear"
    """How its clips give way to one another."""

    def clips(self) -> tuple[Clip, ...]:
        """Give the clips."""
        return self.made
