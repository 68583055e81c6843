"""Mini's audio-motion transformer on held-out voices, beside the mouth that loudness alone opens."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from ..marionette import FIRST_EVALUATION_SEED
from ..marionette.motion import mouth_opening
from ..marionette.voice import speak
from ..models.audio_motion_model import AudioMotionModel, load_audio_motion_model, read_motion
from ..runtime import Runtime
from ..tracks.prosody import read_prosody
from ..tracks.speech_motion import speech_motion
from ..types import Audio
from .long_video import runtime_in
from .speech import FPS, SECONDS, against_truth

NOISE_DB, NOISY = -10.0, 50
"""Of the noise under a noisy voice, more than any recipe trains on; and how many voices are read with it too."""


def measure_audio_motion(clips: int) -> dict[str, float]:
    """Compare the mouths that the model reads from held-out voices with the speakers', at 25 frames a second.

    Args:
        clips: How many voices, 6 s each.

    Returns:
        ``mouth_corr_model``, the mean correlation with the true opening, and ``mouth_corr_model_least``;
        ``mouth_lag_model_ms``, the mean size of its lag; ``mouth_error_model``, its root mean square error, beside
        ``mouth_error`` of *Speech to Face Motion* without a model; ``mouth_corr_model_noisy`` and ``mouth_corr_noisy``,
        the same two on the first 50 voices with white noise 10 dB below them.
    """
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + clips)
    with tempfile.TemporaryDirectory() as folder:
        runtime = runtime_in(Path(folder))
        model = load_audio_motion_model("mini-audio-motion", runtime.folders)
        clean = [_openings(speak(seed, SECONDS), model, runtime) for seed in seeds]
        noisy = [_openings(_with_noise(speak(seed, SECONDS), seed), model, runtime) for seed in seeds[:NOISY]]
    corr, lag = zip(*(against_truth(told, seed) for (_, told), seed in zip(clean, seeds, strict=True)), strict=True)
    error, error_model = _mean(_error, clean, seeds)
    noisy_corr, noisy_corr_model = _mean(_corr, noisy, seeds)
    return {
        "mouth_corr_model": fmean(corr),
        "mouth_corr_model_least": min(corr),
        "mouth_lag_model_ms": fmean(lag),
        "mouth_error": error,
        "mouth_error_model": error_model,
        "mouth_corr_noisy": noisy_corr,
        "mouth_corr_model_noisy": noisy_corr_model,
    }


def _mean(
    figure: Callable[[np.ndarray, int], float], rows: list[tuple[np.ndarray, np.ndarray]], seeds: range
) -> tuple[float, float]:
    """Give a figure's mean without the model and with it."""
    pairs = list(zip(rows, seeds, strict=False))
    return fmean(figure(row[0], seed) for row, seed in pairs), fmean(figure(row[1], seed) for row, seed in pairs)


def _openings(audio: Audio, model: AudioMotionModel, runtime: Runtime) -> tuple[np.ndarray, np.ndarray]:
    """Give the opening without the model and with it, (F,) each."""
    prosody, count = read_prosody(audio), round(SECONDS * FPS)
    told = read_motion(audio, model, runtime)
    return speech_motion(prosody, FPS, count, 0).opening, speech_motion(prosody, FPS, count, 0, told).opening


def _with_noise(audio: Audio, seed: int) -> Audio:
    noise = torch.randn(audio.waveform.shape, generator=torch.Generator().manual_seed(seed))
    return Audio(audio.waveform + noise * audio.waveform.std() * 10 ** (NOISE_DB / 20), audio.sample_rate)


def _true(seed: int, count: int) -> np.ndarray:
    return mouth_opening(seed, np.arange(count) / float(FPS))


def _error(found: np.ndarray, seed: int) -> float:
    return float(np.sqrt(np.mean((found - _true(seed, len(found))) ** 2)))


def _corr(found: np.ndarray, seed: int) -> float:
    return float(np.corrcoef(found, _true(seed, len(found)))[0, 1])
