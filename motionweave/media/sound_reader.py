"""Sound out of a media file, on the file's own clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import MediaError
from ..types import Audio
from .audio import resample_audio
from .container import find_audio, find_video, first_frame, has_clock, is_still, open_media

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

LOG = logging.getLogger(__name__)
JITTER_S = Fraction(1, 50)
"""How far a packet's time may lie from where the samples before it end; Matroska rounds to milliseconds."""
LONGEST_GAP_S = 3600
"""A longer hole in the sound is a broken clock, not silence."""
SAMPLE_SCALE = {torch.uint8: 2.0**7, torch.int16: 2.0**15, torch.int32: 2.0**31}
"""Full scale of each integer format."""


def read_audio(path: Path | str, *, sample_rate: int | None = None) -> Audio | None:
    """Read the sound of a media file, lined up with its picture.

    Sample 0 is the moment of the first video frame: sound that begins later is preceded by silence, sound that begins
    earlier is cut. In a file without picture, sample 0 is the first sample. The delay that encoders add (AAC, MP3) is
    taken off by the codec, as the container tells it.

    Args:
        path: A video or sound file.
        sample_rate: Samples per second to give; None keeps the file's own.

    Returns:
        Sound with all its channels, or None if the file has no sound stream.

    Raises:
        MediaError: If the file cannot be opened, or its sound cannot be decoded.
    """
    with open_media(path) as container:
        stream = find_audio(container)
        if stream is None:
            if find_video(container) is None or is_still(container):
                raise MediaError(path, "is neither a video nor a sound file; expected one of these")
            return None
        trim_s = _sound_end_s(container, stream)
    placed = _Placed(path, _first_picture_s(path), trim_s)
    with open_media(path) as container:
        for frame in _decode(container, path):
            placed.add(frame)
    audio = placed.audio()
    return audio if sample_rate is None else resample_audio(audio, sample_rate)


class _Placed:
    """Samples put where their times say, gaps filled with silence."""

    def __init__(self, path: Path | str, origin_s: Fraction | None, end_s: Fraction | None) -> None:
        self._path = path
        self._origin_s = origin_s
        self._end_s = end_s
        self._pieces: list[Tensor] = []
        self._length = 0
        self._rate = 0

    def add(self, frame: AudioFrame) -> None:
        """Take the next decoded samples."""
        samples = float_samples(frame)
        if self._rate == 0:
            self._rate = frame.sample_rate
        elif (frame.sample_rate, len(samples)) != (self._rate, len(self._pieces[0])):
            raise MediaError(self._path, "changes its sample rate or channels half-way; re-save its sound")
        position = self._position(frame)
        if position > self._length:
            self._append(torch.zeros(len(samples), position - self._length))
        self._append(samples[:, self._length - position :])

    def audio(self) -> Audio:
        """Join everything."""
        if not self._pieces:
            raise MediaError(self._path, "has a sound stream, but none of it can be decoded")
        waveform = torch.cat(self._pieces, dim=1)
        if self._end_s is not None and self._origin_s is not None:
            # What an encoder adds to fill its last block; never more than two blocks, so nothing real is lost.
            padding = waveform.shape[1] - round((self._end_s - self._origin_s) * self._rate)
            if 0 < padding <= 2 * self._pieces[-1].shape[1]:
                waveform = waveform[:, :-padding]
        return Audio(waveform.contiguous(), self._rate)

    def _append(self, samples: Tensor) -> None:
        self._pieces.append(samples)
        self._length += samples.shape[1]

    def _position(self, frame: AudioFrame) -> int:
        """Say at which sample a frame begins: where its time says, or right behind the one before if that is close."""
        if frame.pts is None or frame.time_base is None:
            return self._length
        time_s = frame.pts * frame.time_base
        if self._origin_s is None:
            self._origin_s = time_s
        position = round((time_s - self._origin_s) * self._rate)
        if self._pieces and abs(position - self._length) <= JITTER_S * self._rate:
            return self._length
        if position - self._length > LONGEST_GAP_S * self._rate:
            raise MediaError(self._path, f"its sound's clock jumps by more than {LONGEST_GAP_S} s; re-save its sound")
        return position


def float_samples(frame: AudioFrame) -> Tensor:
    """Convert decoded samples of any format.

    Args:
        frame: A decoded frame.

    Returns:
        (C, N) float32; integers are divided by their full scale.
    """
    samples = torch.from_numpy(frame.to_ndarray())
    if not frame.format.is_planar:
        samples = samples.reshape(frame.samples, -1).T  # (1, N * C) -> (C, N)
    scale = SAMPLE_SCALE.get(samples.dtype)
    if scale is None:
        return samples.to(torch.float32)
    offset = scale if samples.dtype == torch.uint8 else 0.0
    return ((samples.to(torch.float64) - offset) / scale).to(torch.float32)


def _decode(container: InputContainer, path: Path | str) -> Iterator[AudioFrame]:
    """Decode the sound; a packet that cannot be decoded leaves silence and a warning, a file that breaks off raises."""
    from av.error import FFmpegError, InvalidDataError

    stream = container.streams.audio[0]
    decoded_s, broken = 0.0, 0
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except InvalidDataError:
                broken += 1
                continue
            for frame in frames:
                decoded_s += frame.samples / frame.sample_rate
                yield frame
    except FFmpegError as error:
        raise MediaError(path, f"its sound breaks off after {decoded_s:.2f} s ({error.strerror})") from error
    if broken:
        LOG.warning("%s: %d packets of sound could not be decoded and are silent", Path(path).name, broken)


def _first_picture_s(path: Path | str) -> Fraction | None:
    """Give the time of the first video frame on the file's clock; None without picture."""
    with open_media(path) as container:
        stream = find_video(container)
        if stream is None or is_still(container):
            return None
        if not has_clock(container):
            return Fraction(0)
        frame = first_frame(container, stream)
        if frame is None or frame.pts is None or frame.time_base is None:
            return None
        return frame.pts * frame.time_base


def _sound_end_s(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Give the time at which the header says the sound ends, where headers tell it to the sample (mp4)."""
    if not container.format.name.startswith("mov") or not stream.duration or stream.time_base is None:
        return None
    return ((stream.start_time or 0) + stream.duration) * stream.time_base
