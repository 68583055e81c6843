"""Which frames are denoised together, so that every frame of the video is made exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ..backbones.base import BackboneFacts
from ..errors import InputError
from ..types import Window


@dataclass(frozen=True)
class ChunkPlan:
    """A video cut into chunks, each denoised in one window that may begin with frames of the chunk before."""

    frame_count: int
    """Frames of the video."""
    fps: Fraction
    """Frames per second."""
    chunk_frames: int
    """New frames a chunk adds (the first and the last may differ)."""
    overlap: int
    """Context frames a chunk begins with."""
    shortest: int
    """A last window shorter than this is moved back: the backbone's native window."""

    def __post_init__(self) -> None:
        """Refuse plans that make nothing or never end."""
        if self.frame_count < 1:
            raise InputError(f"a video of {self.frame_count} frames was planned; expected at least 1")
        if self.fps <= 0:
            raise InputError(f"a video of {self.fps} frames per second was planned; expected a positive rate")
        if self.chunk_frames < 1 or not 0 <= self.overlap < self.chunk_frames + self.overlap:
            raise InputError(
                f"chunks of {self.chunk_frames} new frames with {self.overlap} of overlap were planned; expected at "
                "least 1 new frame and no negative overlap"
            )
        if self.overlap > self.chunk_frames:
            raise InputError(
                f"an overlap of {self.overlap} frames is longer than the {self.chunk_frames} new frames of a chunk, so "
                "context would reach beyond the chunk before; lower the overlap or lengthen the chunks"
            )

    def windows(self) -> tuple[Window, ...]:
        """Give the windows in order.

        Chunk 0 covers ``[0, chunk_frames)``, chunk k covers ``[k * chunk_frames - overlap, (k + 1) * chunk_frames)``
        and begins with `overlap` context frames. The last one ends with the video; where that would leave it shorter
        than the backbone's window it starts earlier, with more context, so that no frame is padded or made twice.
        """
        return tuple(self._walk())

    def _walk(self) -> Iterator[Window]:
        for index in range(len(self)):
            new_start = index * self.chunk_frames
            stop = min(new_start + self.chunk_frames, self.frame_count)
            start = max(0, new_start - self.overlap)
            if stop == self.frame_count:
                start = max(0, min(start, stop - self.shortest))
            yield Window(index, start, stop, new_start - start)

    def __len__(self) -> int:
        """Count the chunks."""
        return -(-self.frame_count // self.chunk_frames)


def plan_chunks(
    facts: BackboneFacts, frame_count: int, fps: Fraction, chunk_frames: int = 0, overlap: int | None = None
) -> ChunkPlan:
    """Plan a video for a backbone.

    Args:
        facts: The backbone's; gives the defaults.
        frame_count: Frames of the video.
        fps: Frames per second.
        chunk_frames: New frames a chunk; 0 for the backbone's.
        overlap: Context frames; None for the backbone's.

    Returns:
        The plan.

    Raises:
        InputError: If a number makes no plan.
    """
    return ChunkPlan(
        frame_count=frame_count,
        fps=fps,
        chunk_frames=chunk_frames or facts.chunk_frames,
        overlap=facts.overlap if overlap is None else overlap,
        shortest=facts.window,
    )
