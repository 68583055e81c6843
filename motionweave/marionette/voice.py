"""A voice for marionettes: sound whose loudness is exactly the opening of the mouth."""

from __future__ import annotations

import numpy as np
import torch

from ..types import Audio
from .motion import mouth_opening

SAMPLE_RATE = 24_000
"""Samples per second."""
PIECE_SAMPLES = 1 << 18
"""Samples computed at a time."""


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
    """Let a marionette speak. It is made piece by piece: ten minutes do not fill the memory.

    Args:
        seed: The motion's seed: its mouth opens as the sound is loud.
        seconds: Length.

    Returns:
        One channel: a buzz at the speaker's pitch through two formants, shaped by the mouth.
    """
    count = round(seconds * SAMPLE_RATE)
    sound = np.empty(count, np.float32)
    turned, loudest = 0.0, 1e-6
    for start in range(0, count, PIECE_SAMPLES):
        time_s = np.arange(start, min(start + PIECE_SAMPLES, count)) / SAMPLE_RATE
        pitch, opening = pitch_hz(seed, time_s), mouth_opening(seed, time_s)
        turns = np.cumsum(np.concatenate([[turned], pitch]))[1:]
        turned = turns[-1]
        wave = _buzz(pitch, 2 * np.pi * turns / SAMPLE_RATE, opening)
        loudest = max(loudest, float(np.abs(wave).max()))
        sound[start : start + len(wave)] = wave * opening
    sound *= 0.6 / loudest
    return Audio(torch.from_numpy(sound)[None], SAMPLE_RATE)


def _buzz(pitch: np.ndarray, phase: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """Give the harmonics of a pitch as a mouth that is open so far lets them through, each (N,)."""
    # The first formant rises as the mouth opens (from "oo" toward "ah").
    formants = ((350 + 450 * opening, 120.0), (1200 + 200 * opening, 180.0))
    wave = np.zeros_like(phase)
    for harmonic in range(1, 24):
        frequency = harmonic * pitch
        gain = sum(np.exp(-(((frequency - centre) / width) ** 2) / 2) for centre, width in formants) + 0.02
        wave += gain / harmonic**0.5 * np.sin(harmonic * phase)
    return wave
