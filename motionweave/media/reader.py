"""Frames out of a video file, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import InputError
from ..types import Size
from .colour import decode_rgb
from .decoding import Decoding
from .geometry import Fit, fitted_size, place, square_size
from .probe import Source, inspect_video
from .timeline import held_frame_index

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def _frame_count_at(source: Source, fps: Fraction | None) -> int:
    """Say how many frames the whole video gives, what is missing of a file that breaks off included."""
    info = source.info
    if fps is None:
        return info.promised_frame_count
    if info.promised_frame_count > info.frame_count:
        return ceil(info.promised_frame_count / info.fps * fps)
    return source.timeline.count_at(fps)


@dataclass(frozen=True)
class Reading:
    """One request, checked."""

    source: Source
    """The probed video."""
    start: int
    """First frame."""
    stop: int
    """One past the last frame."""
    fps: Fraction | None
    """Rate at which frames are counted; None for the file's own frames."""
    size: Size
    """Size to give."""
    fit: Fit
    """How to fit the picture into it."""

    @property
    def frame_count(self) -> int:
        """Frames that the whole video gives."""
        return _frame_count_at(self.source, self.fps)

    def ranged(self, start: int, stop: int | None) -> Reading:
        """Give the same for another range.

        Raises:
            InputError: If it is empty or ends past the video's end.
        """
        end = self.frame_count if stop is None else stop
        if not 0 <= start < end <= self.frame_count:
            raise InputError(
                f"frames [{start}, {end}) of {self.source.info.path.name} were asked for; it has {self.frame_count} "
                f"frames{'' if self.fps is None else f' at {self.fps} frames per second'}, so expected 0 <= start < "
                f"stop <= {self.frame_count}"
            )
        return replace(self, start=start, stop=end)

    def wanted(self) -> Iterator[int]:
        """Give the index of the input frame that each output frame shows; past the end, one that never comes."""
        timeline = self.source.timeline
        for index in range(self.start, self.stop):
            if self.fps is None:
                yield index
            elif index / self.fps < timeline.duration_s:
                yield held_frame_index(index, self.fps, timeline.times_s)
            else:
                yield timeline.frame_count


def read_frames(
    path: Path | str,
    *,
    start: int = 0,
    stop: int | None = None,
    fps: Fraction | None = None,
    size: Size | None = None,
    fit: Fit = "contain",
) -> Iterator[Tensor]:
    """Read a video frame by frame, in the order of showing, with memory for a few frames only.

    Rotation flags are applied, non-square pixels become square, and colours are converted by the file's own matrix
    and range (BT.601 where it tells none). Reading begins at the front of the file whatever `start` is, and passes over
    what is not wanted without converting it. With `fps`, output frame i shows the input frame whose display interval
    contains i / fps; a frame that is shown again is the same tensor again, so do not write into it. A file of varying
    frame rate keeps step with its sound only when it is read at an `fps`.

    Args:
        path: The video.
        start: First frame to give, counted at `fps` where that is set, else in the file's own frames.
        stop: One past the last frame; None reads to the end.
        fps: Frames per second to read at; None gives the file's own frames.
        size: Size to give; None is the size the video is shown at.
        fit: How to fit the picture into `size`.

    Returns:
        Frames, each (3, H, W) uint8 RGB.

    Raises:
        InputError: If the range is empty or ends past the video's end, or `fps` or `fit` make no sense.
        MediaError: At once if the file is no video; after the last frame that could be decoded if the file breaks off.
    """
    return _give(open_reading(path, fps, size, fit).ranged(start, stop))


def open_reading(path: Path | str, fps: Fraction | None, size: Size | None, fit: Fit) -> Reading:
    """Probe a video for reading all of it.

    Raises:
        InputError: If `fps` or `fit` make no sense.
        MediaError: If the file is no video.
    """
    source = inspect_video(path)
    if fps is not None and fps <= 0:
        raise InputError(f"fps is {fps}; expected a positive number of frames per second")
    reading = Reading(source, 0, _frame_count_at(source, fps), fps, size or source.info.size, fit)
    fitted_size(source.info.size, reading.size, fit)
    return reading


def read_clip(
    path: Path | str,
    *,
    start: int = 0,
    stop: int | None = None,
    fps: Fraction | None = None,
    size: Size | None = None,
    fit: Fit = "contain",
) -> Tensor:
    """Read a short range of a video as one tensor; a long one belongs in `read_frames`.

    Args:
        path: The video.
        start: First frame, as in `read_frames`.
        stop: One past the last frame.
        fps: Frames per second to read at.
        size: Size to give.
        fit: How to fit the picture into `size`.

    Returns:
        (F, 3, H, W) uint8.

    Raises:
        InputError: As `read_frames`.
        MediaError: As `read_frames`; nothing is given of a file that breaks off within the range.
    """
    return torch.stack(list(read_frames(path, start=start, stop=stop, fps=fps, size=size, fit=fit)))


def _give(reading: Reading) -> Iterator[Tensor]:
    """Decode, hold and convert; ends in an error if the file gives fewer frames than it promised."""
    showing = Showing(reading)
    given = 0
    for wanted in reading.wanted():
        pixels = showing.frame(wanted)
        if pixels is not None:
            yield pixels
            given += 1
    if given < reading.stop - reading.start or showing.decoding.trouble:
        raise showing.decoding.error()


class Showing:
    """The frame on screen, walked forwards through a file."""

    def __init__(self, reading: Reading) -> None:
        """Open the file.

        Args:
            reading: What is read; its range does not matter.
        """
        self.decoding = Decoding(reading.source)
        """The pass over the file, which tells of damage."""
        self._frames = self.decoding.frames()
        self._convert = _Converter(reading)
        self._holds = reading.fps is not None
        self._held: tuple[int, VideoFrame] | None = None
        self._upcoming = next(self._frames, None)

    def frame(self, wanted: int) -> Tensor | None:
        """Give input frame `wanted`, not earlier than the last one asked for; None if it is lost.

        What follows a lost frame still comes at its own place; read at a frame rate, the one before it stays.
        """
        while self._upcoming is not None and self._upcoming[0] <= wanted:
            self._held, self._upcoming = self._upcoming, next(self._frames, None)
        if self._held is None:
            return None
        lost = self._held[0] < wanted
        if lost and (self._upcoming is None or not self._holds):
            return None
        return self._convert(*self._held)


class _Converter:
    """Turns decoded frames into pixels, each once."""

    def __init__(self, reading: Reading) -> None:
        from av.video.reformatter import VideoReformatter

        self._reading = reading
        self._reformatter = VideoReformatter()
        self._last: tuple[int, Tensor] | None = None

    def __call__(self, index: int, frame: VideoFrame) -> Tensor:
        """Give (3, H, W) uint8 of the wanted size."""
        if self._last is None or self._last[0] != index:
            source = self._reading.source
            pixels = source.orientation.apply(decode_rgb(frame, self._reformatter))
            shown = square_size(Size(frame.width, frame.height), source.info.sample_aspect_ratio)
            shown = source.orientation.apply_to_size(shown)
            self._last = (index, place(pixels, shown, self._reading.size, self._reading.fit).contiguous())
        return self._last[1]
