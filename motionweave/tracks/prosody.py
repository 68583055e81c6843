"""What a voice does over time: how loud it is, whether it is voiced, and at which pitch. No model is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Audio
from .speech import mono

RATE_HZ = 100
"""Readings per second; reading p is the sound at ``p / RATE_HZ`` seconds."""
SAMPLE_RATE = 16_000
WINDOW = 640
"""Samples of one reading, 40 ms: two periods of the lowest voice."""
TRANSFORM = 1024
BAND_HZ = (100.0, 4000.0)
"""Where speech has its energy; rumble below and hiss above say nothing about a mouth."""
PITCH_HZ = (70.0, 400.0)
BLOCK = 2048
"""Readings at a time."""
SILENT = 6e-5
"""Loudness, -84 dB, below which there is no voice but the noise of converters."""


@dataclass(frozen=True)
class Prosody:
    """A voice over time, `RATE_HZ` readings a second."""

    loudness: np.ndarray
    """(P,) root mean square of the speech band, full scale 1."""
    voicing: np.ndarray
    """(P,) in [0, 1]: how periodic the sound is; near 1 in vowels, low in hisses and noise."""
    pitch_hz: np.ndarray
    """(P,) pitch; 0 where nothing is voiced."""

    @property
    def time_s(self) -> np.ndarray:
        """(P,) the moment of each reading in seconds."""
        return np.arange(len(self.loudness)) / RATE_HZ


def read_prosody(audio: Audio) -> Prosody:
    """Read loudness, voicing and pitch out of a sound, in memory that hardly grows with its length.

    Args:
        audio: Any sound; channels are mixed down.

    Raises:
        InputError: If the sound is empty or holds values that are no numbers.

    Source: pitch by autocorrelation, corrected for the window's own (Boersma, "Accurate Short-Term Analysis of the
        Fundamental Frequency and the Harmonics-to-Noise Ratio of a Sampled Sound", 1993).
    """
    sound = mono(audio, SAMPLE_RATE)
    hop = SAMPLE_RATE // RATE_HZ
    count = len(sound) // hop + 1
    padded = F.pad(sound, (WINDOW // 2, WINDOW))
    window = torch.hann_window(WINDOW)
    own = _autocorrelation(torch.fft.rfft(window, TRANSFORM).abs().square())
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        piece = padded[start * hop : (stop - 1) * hop + WINDOW].unfold(0, WINDOW, hop)  # P samples
        power = torch.fft.rfft(piece * window, TRANSFORM).abs().square()
        parts.append((_loudness(power, window), *_pitch(_autocorrelation(power) / own)))
    loudness, voicing, pitch = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
    voiced = (voicing > 0.5) & (loudness > SILENT)
    return Prosody(loudness, np.where(loudness > SILENT, voicing, 0.0), np.where(voiced, pitch, 0.0))


def _loudness(power: Tensor, window: Tensor) -> Tensor:
    """Give the root mean square within the speech band, (P,) of (P, bins)."""
    frequency = torch.fft.rfftfreq(TRANSFORM, 1 / SAMPLE_RATE)
    within = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    # Parseval: half of the spectrum holds half of the energy.
    return (2 * power[:, within].sum(-1) / TRANSFORM / window.square().sum()).sqrt()


def _autocorrelation(power: Tensor) -> Tensor:
    """Give the autocorrelation over that of lag 0, (..., lags); 0 for silence."""
    raw = torch.fft.irfft(power, TRANSFORM)[..., : SAMPLE_RATE // int(PITCH_HZ[0]) + 2]
    return raw / raw[..., :1].clamp(min=1e-20)


def _pitch(correlation: Tensor) -> tuple[Tensor, Tensor]:
    """Find the highest peak among the lags of voices; gives voicing in [0, 1] and pitch in Hz, (P,) each."""
    shortest, longest = int(SAMPLE_RATE / PITCH_HZ[1]), int(SAMPLE_RATE / PITCH_HZ[0])
    lags = torch.arange(shortest, longest + 1)
    # Multiples of the period are as periodic as the period itself: a slight preference for the shortest.
    place = (correlation[:, shortest : longest + 1] - 0.02 * torch.log2(lags / shortest)).argmax(-1) + shortest
    left, peak, right = (correlation.gather(-1, (place + step)[:, None])[:, 0] for step in (-1, 0, 1))
    bend = left - 2 * peak + right
    shift = torch.where(bend < -1e-9, 0.5 * (left - right) / bend.clamp(max=-1e-9), 0.0).clamp(-0.5, 0.5)
    return peak.clamp(0, 1), SAMPLE_RATE / (place + shift)
