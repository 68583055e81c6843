"""Windows of a long video, one after the other, without decoding it from the front for each."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from threading import Lock

import torch
from torch import Tensor

from ..types import Size
from .files import check_readable
from .geometry import Fit
from .reader import Reading, Showing, open_reading

KEEP_BYTES = 64 << 20
"""How much of what was read last is kept for a window that begins a little before the last one's end."""


class ForwardReader:
    """Reads ranges of a video and stays where it is, so that a range that follows costs its own frames only.

    What it gives is what `read_clip` gives, to the byte. A range that begins earlier than what is kept starts over.
    """

    def __init__(self, keep_bytes: int = KEEP_BYTES) -> None:
        """Prepare; nothing is opened yet.

        Args:
            keep_bytes: How many bytes of the latest frames to keep.
        """
        self._keep_bytes = keep_bytes
        self._lock = Lock()
        self._request: object = None
        self._reading: Reading | None = None
        self._showing: Showing | None = None
        self._recent: dict[int, Tensor] = {}
        self._next = 0

    def read_clip(
        self, path: Path | str, *, start: int, stop: int, fps: Fraction | None, size: Size, fit: Fit = "contain"
    ) -> Tensor:
        """Read a range.

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
        with self._lock:
            state = check_readable(path).stat()
            request = (Path(path), state.st_mtime_ns, state.st_size, fps, size, fit)
            if request != self._request or self._reading is None:
                self._close()
                self._reading = open_reading(path, fps, size, fit)
                self._request = request
            reading = self._reading.ranged(start, stop)
            if any(index < self._next and index not in self._recent for index in range(start, stop)):
                self._restart()
            return self._read(reading)

    def _read(self, reading: Reading) -> Tensor:
        frames: list[Tensor] = []
        for index, wanted in zip(range(reading.start, reading.stop), reading.wanted(), strict=True):
            pixels = self._recent.get(index)
            if pixels is None:
                self._showing = self._showing or Showing(reading)
                pixels = self._showing.frame(wanted)
                self._next = index + 1
            if pixels is not None:
                frames.append(pixels)
                self._recent[index] = pixels
        showing = self._showing
        if showing is not None and (len(frames) < reading.stop - reading.start or showing.decoding.trouble):
            self._close()
            raise showing.decoding.error()
        if reading.stop == reading.frame_count:
            self._showing = None  # Nothing more can be asked for, and an open file cannot be replaced on Windows.
        self._forget(frames[-1].nbytes)
        return torch.stack(frames)

    def _forget(self, frame_bytes: int) -> None:
        """Drop the oldest frames."""
        spare = len(self._recent) - max(1, self._keep_bytes // frame_bytes)
        for index in sorted(self._recent)[: max(0, spare)]:
            del self._recent[index]

    def _restart(self) -> None:
        self._showing, self._next = None, 0
        self._recent.clear()

    def _close(self) -> None:
        self._restart()
        self._request = self._reading = None
