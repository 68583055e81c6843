"""The sound of a video being written, encoded in step with the picture so that nothing piles up."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import torch

from ..errors import InputError
from ..types import Audio
from .audio import resample_audio

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
"""Loudspeaker layout for each number of channels that containers can name."""
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
"""Sample rates that AAC has (ISO/IEC 14496-3, table 1.18)."""
AAC_FALLBACK_RATE = 48000
"""Rate to which sound of any other rate is resampled for AAC."""
AAC_BITS_PER_CHANNEL = 96_000
"""Bits per second and channel; speech and music are transparent to most ears from here on."""
BLOCK_SAMPLES = 1024
"""Samples of one AAC frame; whole frames are fed, so that only the last one is short."""


def layout_of(audio: Audio) -> str:
    """Name the loudspeaker layout of a sound.

    Args:
        audio: Any sound.

    Returns:
        FFmpeg's name.

    Raises:
        InputError: If no layout has this number of channels.
    """
    channels = audio.waveform.shape[0]
    if channels not in LAYOUTS:
        raise InputError(f"sound has {channels} channels; expected 1, 2, 6 or 8, mix it down first")
    return LAYOUTS[channels]


def aac_ready(audio: Audio) -> Audio:
    """Give the sound at a rate that AAC has; most sounds are at one already."""
    return audio if audio.sample_rate in AAC_RATES else resample_audio(audio, AAC_FALLBACK_RATE)


def audio_frame(audio: Audio, first: int, stop: int, sample_format: str) -> AudioFrame:
    """Wrap a piece of sound for an encoder, with silence past its end.

    Args:
        audio: The sound.
        first: First sample.
        stop: One past the last sample.
        sample_format: ``fltp`` (planar) or ``flt`` (interleaved).

    Returns:
        A PyAV frame on the sound's own clock.
    """
    from av.audio.frame import AudioFrame

    piece = torch.zeros(audio.waveform.shape[0], stop - first)
    there = audio.waveform[:, first:stop]
    piece[:, : there.shape[1]] = there.detach()
    if sample_format == "flt":
        piece = piece.T.reshape(1, -1)  # (C, N) -> (1, N * C)
    frame = AudioFrame.from_ndarray(piece.contiguous().numpy(), sample_format, layout_of(audio))
    frame.sample_rate, frame.pts, frame.time_base = audio.sample_rate, first, Fraction(1, audio.sample_rate)
    return frame


class Soundtrack:
    """One sound stream of a container, fed from a sound that may be shorter or longer than the picture."""

    def __init__(self, container: OutputContainer, audio: Audio, codec: str) -> None:
        """Add the stream.

        Args:
            container: The file being written.
            audio: The sound, at a rate the codec has.
            codec: ``aac`` or ``pcm_f32le``.
        """
        self._container = container
        self._audio = audio
        self._format = "fltp" if codec == "aac" else "flt"
        added = container.add_stream(codec, rate=audio.sample_rate, layout=layout_of(audio))
        self._stream = cast("AudioStream", added)
        if codec == "aac":
            self._stream.bit_rate = AAC_BITS_PER_CHANNEL * audio.waveform.shape[0]
        self._position = 0

    def advance(self, until_s: Fraction) -> None:
        """Encode all whole blocks that end by a time of the video.

        Args:
            until_s: Seconds of picture that are certain to be in the file.
        """
        stop = int(until_s * self._audio.sample_rate) // BLOCK_SAMPLES * BLOCK_SAMPLES
        self._encode(stop)

    def finish(self, duration_s: Fraction) -> None:
        """Encode the rest, to exactly ``round(duration_s * sample_rate)`` samples, and close the stream.

        Args:
            duration_s: Seconds of picture in the file.
        """
        self._encode(round(duration_s * self._audio.sample_rate))
        self._container.mux(self._stream.encode(None))

    def _encode(self, stop: int) -> None:
        while self._position < stop:
            step = min(self._position + BLOCK_SAMPLES, stop)
            frame = audio_frame(self._audio, self._position, step, self._format)
            self._container.mux(self._stream.encode(frame))
            self._position = step
