"""How far sound and picture of a finished video are apart at its end, found out by reading the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from ..longform.clips import ClipRow
from ..media import read_audio, read_frames
from ..types import Audio

LISTENED_S = 5.0
"""How much of the end is compared."""
LOOKED_AT = 16
"""Frames of the end that are compared."""
FARTHEST_FRAMES = 6
"""Offsets that are tried, to either side."""
SMALLEST = (16, 16)
"""Size to which frames are brought before they are compared: encoding changes details."""


def av_offset_frames(path: Path, row: ClipRow, sound: Audio) -> float:
    """Measure how much later the sound is than the picture, against what was given, in frames.

    Args:
        path: The finished video.
        row: The chunks that it was joined from.
        sound: The sound that it was given, at least as long.

    Returns:
        The distance, never negative.
    """
    return abs(sound_lag_s(path, sound) * float(row.fps) - picture_lag_frames(path, row))


def sound_lag_s(path: Path, sound: Audio) -> float:
    """Give by how much the video's sound is late at its end, in seconds: where it correlates best with what was given.

    Args:
        path: The video.
        sound: What was given.
    """
    written = read_audio(path)
    assert written is not None
    assert written.sample_rate == sound.sample_rate
    count = min(written.waveform.shape[1], sound.waveform.shape[1])
    first = max(0, count - round(LISTENED_S * sound.sample_rate))
    ours, given = written.waveform[0, first:count].double(), sound.waveform[0, first:count].double()
    length = 2 * len(given)
    both = torch.fft.irfft(torch.fft.rfft(ours, length) * torch.fft.rfft(given, length).conj(), length)
    best = int(both.argmax())
    return (best if best < len(given) else best - length) / sound.sample_rate


def picture_lag_frames(path: Path, row: ClipRow) -> int:
    """Give by how many frames the video's pictures are late at its end: at which offset they are most like the chunks'.

    Frames of the video are taken by the moment at which they are shown.

    Args:
        path: The video.
        row: The chunks.
    """
    given = _end(frame for clip in row.clips() for frame in list(clip.frames())[clip.lead :])
    written = _end(read_frames(path, fps=row.fps))
    middle = len(given) - LOOKED_AT
    errors = {
        lag: float((written[middle // 2 + lag :][:LOOKED_AT] - given[middle // 2 :][:LOOKED_AT]).abs().mean())
        for lag in range(-FARTHEST_FRAMES, FARTHEST_FRAMES + 1)
    }
    return min(errors, key=lambda lag: errors[lag])


def _end(frames: Iterable[Tensor]) -> Tensor:
    """Give the last frames, small, (F, 3, h, w)."""
    latest: deque[Tensor] = deque(frames, maxlen=LOOKED_AT + 2 * FARTHEST_FRAMES)
    small = [torch.nn.functional.interpolate(each[None].float(), SMALLEST, mode="area")[0] for each in latest]
    return torch.stack(small)
