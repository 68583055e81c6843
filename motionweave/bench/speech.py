"""Speech on held-out voices: the mouth that a voice opens against the speaker's own, and memory over ten minutes."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from ..marionette import FIRST_EVALUATION_SEED
from ..marionette.motion import mouth_opening
from ..marionette.voice import speak
from ..tracks.face_motion import speech_to_face_motion
from ..tracks.keypoints import BODY_COUNT, Person
from ..tracks.pose import KeypointTrack
from ..tracks.prosody import read_prosody
from ..tracks.speech import SpeechTrack, encode_speech
from ..tracks.speech_model import SpeechModel, load_speech_model
from ..tracks.speech_motion import speech_motion
from ..types import Audio, Size
from ..weights.locate import locate_model
from .long_video import runtime_in
from .memory import watch_memory

FPS = Fraction(25)
SECONDS = 6.0
LAGS_S = np.arange(-200, 201, 2) / 1000
TAUGHT = 24
"""Voices, of seeds that recipes may train on, from which the linear reading of the features is fitted."""
RIDGE = 1e-2
STREAM_S = 600
SPOKEN_S = 20.0
"""Seconds that are spoken for the long sound; it repeats."""


def measure_speech(clips: int) -> dict[str, float]:
    """Compare the mouth that is read from held-out voices with the speaker's, at 25 frames a second.

    Args:
        clips: How many voices, 6 s each.

    Returns:
        ``mouth_corr``, the mean correlation of *Speech to Face Motion*'s opening with the true one, and
        ``mouth_corr_least``; ``mouth_lag_ms``, the mean size of the shift at which they correlate best, sought in steps
        of 2 ms up to 200 ms, and ``mouth_lag_most_ms``; ``speech_feature_corr``, the mean correlation of the opening
        that one linear map, fitted on voices of other seeds, reads from the last layer of Mini's Wav2Vec2.
    """
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + clips)
    rows = [_mouth(seed) for seed in seeds]
    corr, lag = zip(*rows, strict=True)
    return {
        "mouth_corr": fmean(corr),
        "mouth_corr_least": min(corr),
        "mouth_lag_ms": fmean(lag),
        "mouth_lag_most_ms": max(lag),
        "speech_feature_corr": _feature_corr(list(seeds)),
    }


def _mouth(seed: int) -> tuple[float, float]:
    """Give correlation and lag of what loudness opens."""
    return against_truth(speech_motion(read_prosody(speak(seed, SECONDS)), FPS, round(SECONDS * FPS), 0).opening, seed)


def against_truth(found: np.ndarray, seed: int, fps: Fraction = FPS) -> tuple[float, float]:
    """Give an opening's correlation with a speaker's own, (F,) at `fps`, and the size of its lag in milliseconds."""
    times = np.arange(len(found)) / float(fps)
    shifted = [float(np.corrcoef(found, mouth_opening(seed, times - lag))[0, 1]) for lag in LAGS_S]
    return shifted[len(LAGS_S) // 2], 1000 * abs(float(LAGS_S[int(np.argmax(shifted))]))


def mini() -> SpeechModel:
    """Load Mini's Wav2Vec2."""
    return load_speech_model(locate_model("speech", "mini-wav2vec2", runtime_in(Path()).folders))


def _feature_corr(seeds: list[int]) -> float:
    model, count = mini(), round(SECONDS * FPS)
    times = np.arange(count) / float(FPS)
    with tempfile.TemporaryDirectory() as folder:

        def read(seed: int) -> torch.Tensor:
            track = _encoded(speak(seed, SECONDS), model, Path(folder))
            features = track.features[:, -1].double()
            return torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], 1)

        known = torch.cat([read(seed) for seed in range(TAUGHT)])
        wanted = torch.from_numpy(np.concatenate([mouth_opening(seed, times) for seed in range(TAUGHT)]))
        weights = torch.linalg.solve(known.T @ known + RIDGE * torch.eye(known.shape[1]).double(), known.T @ wanted)
        told = {seed: (read(seed) @ weights).numpy() for seed in seeds}
    return fmean(float(np.corrcoef(told[seed], mouth_opening(seed, times))[0, 1]) for seed in seeds)


def _encoded(audio: Audio, model: SpeechModel, folder: Path) -> SpeechTrack:
    return encode_speech(audio, model, FPS, runtime_in(folder))


def measure_speech_stream(seconds: int = STREAM_S) -> dict[str, float]:
    """Measure the memory that ten minutes of speech take above the loaded model.

    The sound (24 kHz) is made inside, encoded, all features are read window by window, and a still pose speaks it.

    Returns:
        ``speech_rss_mb``, the peak of the resident set; ``speech_stream_s``, the seconds of sound.
    """
    model = mini()
    spoken = speak(FIRST_EVALUATION_SEED, SPOKEN_S)
    with tempfile.TemporaryDirectory() as folder, watch_memory() as memory:
        repeats = -(-seconds * spoken.sample_rate // spoken.waveform.shape[1])
        sound = Audio(spoken.waveform.repeat(1, repeats)[:, : seconds * spoken.sample_rate], spoken.sample_rate)
        track = _encoded(sound, model, Path(folder))
        for start in range(0, len(track), 48):
            track.window(start, min(start + 48, len(track))).features  # noqa: B018 - reading it is what is measured
        speech_to_face_motion(sound, KeypointTrack(((still_person(),),), Size(512, 512), FPS))
    return {"speech_rss_mb": memory.above_mb, "speech_stream_s": float(sound.duration_s)}


def still_person() -> Person:
    """Give somebody of whom only nose and eyes are known."""
    body = np.zeros((BODY_COUNT, 3), np.float32)
    body[[0, 14, 15]] = (256, 250, 1), (226, 210, 1), (286, 210, 1)
    empty = np.zeros((0, 3), np.float32)
    return Person(body, empty, empty, empty)
