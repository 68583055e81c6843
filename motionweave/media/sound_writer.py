"""Sound into a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..errors import InputError
from ..types import Audio
from .files import whole_file
from .soundtrack import audio_frame, layout_of

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

SOUND_FORMATS = {".wav": ("wav", "pcm_f32le", "flt"), ".flac": ("flac", "flac", "s32")}
"""Container, codec and sample format for each file ending."""
BLOCK_SAMPLES = 4096
"""Samples that go to the encoder at a time."""


def write_audio(path: Path | str, audio: Audio) -> None:
    """Write sound without loss: wav holds the float samples themselves, flac 24 bits of them.

    Args:
        path: The file; its ending, .wav or .flac, says the format.
        audio: The sound.

    Raises:
        InputError: If the ending is another one, the sound is empty, or its channels have no layout.
        MediaError: If the file cannot be written.
    """
    import av
    from av.audio.resampler import AudioResampler

    path = Path(path)
    if path.suffix.lower() not in SOUND_FORMATS:
        raise InputError(f"{path.name}: sound is written as {' or '.join(SOUND_FORMATS)}; use one of these endings")
    sample_count = audio.waveform.shape[1]
    if sample_count == 0:
        raise InputError(f"{path.name}: the sound has no samples; there is nothing to write")
    container_format, codec, sample_format = SOUND_FORMATS[path.suffix.lower()]
    layout = layout_of(audio)
    with whole_file(path) as partial, av.open(str(partial), "w", format=container_format) as container:
        added = container.add_stream(codec, rate=audio.sample_rate, layout=layout, format=sample_format)
        stream = cast("AudioStream", added)
        convert = AudioResampler(format=sample_format, layout=layout, rate=audio.sample_rate)
        for first in range(0, sample_count, BLOCK_SAMPLES):
            block = audio_frame(audio, first, min(first + BLOCK_SAMPLES, sample_count), "fltp")
            for frame in convert.resample(block):
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
