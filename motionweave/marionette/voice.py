"""A voice for marionettes: sound whose loudness is exactly the opening of the mouth."""

from __future__ import annotations

import numpy as np
import torch

from ..types import Audio
from .motion import mouth_opening

SAMPLE_RATE = 24_000
"""Samples per second."""


def pitch_hz(seed: int, time_s: np.ndarray) -> np.ndarray:
    """Give a speaker's pitch.

    Args:
        seed: The motion's seed.
        time_s: (N,) seconds.

    Returns:
        (N,) Hz.
    """
    rng = np.random.default_rng([seed, 8])
    return rng.uniform(95, 220) * (1 + 0.06 * np.sin(2 * np.pi * 0.6 * time_s))


def speak(seed: int, seconds: float) -> Audio:
    """Let a marionette speak.

    Args:
        seed: The motion's seed: its mouth opens as the sound is loud.
        seconds: Length.

    Returns:
        One channel: a buzz at the speaker's pitch through two formants, shaped by the mouth.
    """
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = pitch_hz(seed, time_s)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    opening = mouth_opening(seed, time_s)
    # The first formant rises as the mouth opens (from "oo" toward "ah").
    formants = ((350 + 450 * opening, 120.0), (1200 + 200 * opening, 180.0))
    wave = np.zeros_like(time_s)
    for harmonic in range(1, 24):
        frequency = harmonic * pitch
        gain = sum(np.exp(-(((frequency - centre) / width) ** 2) / 2) for centre, width in formants) + 0.02
        wave += gain / harmonic**0.5 * np.sin(harmonic * phase)
    wave *= opening / max(1e-6, float(np.abs(wave).max())) * 0.6
    return Audio(torch.from_numpy(wave.astype(np.float32))[None], SAMPLE_RATE)
