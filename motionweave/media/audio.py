"""Sound as a value: resampling and cutting that are exact to the sample."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InputError
from ..types import Audio

BLOCK_SAMPLES = 1 << 16
"""How many samples go through PyAV at a time."""


def resample_audio(audio: Audio, sample_rate: int) -> Audio:
    """Give the same sound at another sample rate.

    Args:
        audio: Any sound.
        sample_rate: Wanted samples per second.

    Returns:
        Sound of exactly ``round(N * sample_rate / audio.sample_rate)`` samples whose sample i lies at
        i / sample_rate seconds, with no delay from the filter.

    Raises:
        InputError: If the rate is not positive.
    """
    if sample_rate < 1:
        raise InputError(f"a sample rate of {sample_rate} Hz was asked for; expected a positive number")
    if sample_rate == audio.sample_rate or audio.waveform.shape[1] == 0:
        return replace(audio, sample_rate=sample_rate)
    wanted = round(Fraction(audio.waveform.shape[1] * sample_rate, audio.sample_rate))
    # Channel by channel: a resampler that knows no loudspeakers cannot mix them.
    channels = [_resample_channel(channel, audio.sample_rate, sample_rate) for channel in audio.waveform]
    return Audio(_fit_length(torch.stack(channels), wanted), sample_rate)


def cut_audio(audio: Audio, start_s: Fraction, duration_s: Fraction) -> Audio:
    """Cut a piece out of a sound, with silence where the sound has not begun or has ended.

    Args:
        audio: Any sound.
        start_s: Where the piece begins, in seconds; negative is before the sound.
        duration_s: How long it is, in seconds.

    Returns:
        Sound of exactly ``round(duration_s * sample_rate)`` samples, from sample ``round(start_s * sample_rate)`` on.

    Raises:
        InputError: If the duration is negative.
    """
    if duration_s < 0:
        raise InputError(f"a piece of {float(duration_s):g} s was asked for; expected a duration of 0 or more")
    first = round(start_s * audio.sample_rate)
    wanted = round(duration_s * audio.sample_rate)
    head = min(max(-first, 0), wanted)
    piece = audio.waveform[:, max(first, 0) : max(first + wanted, 0)]
    return replace(audio, waveform=_fit_length(functional.pad(piece, (head, 0)), wanted))


def _fit_length(waveform: Tensor, wanted: int) -> Tensor:
    """Cut at the end, or add silence there."""
    missing = wanted - waveform.shape[1]
    return functional.pad(waveform, (0, missing)) if missing > 0 else waveform[:, :wanted]


def _resample_channel(channel: Tensor, old_rate: int, new_rate: int) -> Tensor:
    """Resample (N,) float32; the filter is emptied at the end."""
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="fltp", layout="mono", rate=new_rate)
    samples = channel.detach().to(device="cpu", dtype=torch.float32).contiguous()
    made: list[AudioFrame] = []
    for offset in range(0, len(samples), BLOCK_SAMPLES):
        frame = AudioFrame.from_ndarray(samples[None, offset : offset + BLOCK_SAMPLES].numpy(), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = old_rate, offset, Fraction(1, old_rate)
        made += resampler.resample(frame)
    made += resampler.resample(None)
    return torch.cat([samples[:0], *(torch.from_numpy(frame.to_ndarray())[0] for frame in made)])
