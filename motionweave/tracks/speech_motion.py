"""From a voice to the motion of a mouth and a head, as numbers over time.

The mouth opens as loud as the voice is within its own range, more for vowels than for hisses. It is read around each
moment, before and after alike, so that it neither lags nor leads. The head nods with the pitch and the stress of the
voice and drifts slowly while somebody speaks, which is what people do (Yehia, Kuratate and Vatikiotis-Bateson, "Linking
Facial Animation, Head Motion and Speech Acoustics", 2002); how it drifts is drawn from a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .prosody import RATE_HZ, SILENT, Prosody

ATTACK_S, RELEASE_S = 0.01, 0.02
"""How fast a mouth opens and closes; more would fill the gaps between syllables."""
LOUD, QUIET = 90, 15
"""Percentiles of the loudness: of a voice whose mouth is wide open, of the pauses."""
VOICED = 0.6
"""Voicing above which a sound is a voice rather than noise."""
HISS = 0.35
"""Share of its loudness that counts of a sound without voicing."""
BEND = 0.8
"""Power of the opening: ears hear ratios, so that half the loudness is more than half the opening."""
NOD, DRIFT = np.deg2rad(5.0), np.deg2rad((5.0, 2.5, 3.0))
"""Radians: the largest nod with the voice, and the largest drift to the side, up and down, and of the tilt."""
DRIFT_HZ = (0.08, 0.4)
STRESS_S, SPEAKING_S = 0.12, 0.5
"""Seconds over which a stress is read, and whether somebody is speaking."""


@dataclass(frozen=True)
class SpeechMotion:
    """Mouth and head over time; angles in radians, about the head's own axes."""

    opening: np.ndarray
    """(F,) in [0, 1]: how far the mouth is open."""
    yaw: np.ndarray
    """(F,) positive turns the nose to the picture's right."""
    pitch: np.ndarray
    """(F,) positive lowers the nose."""
    roll: np.ndarray
    """(F,) positive tilts the top of the head to the picture's right."""


@dataclass(frozen=True)
class MotionCurves:
    """What a trained model reads of a face from a voice, on a clock of its own."""

    first_s: float
    """The moment of the first reading in seconds."""
    rate_hz: float
    """Readings per second."""
    values: Mapping[str, np.ndarray]
    """(P,) for each of `SpeechMotion`'s names that the model tells; the others are read from the prosody."""

    def at(self, name: str, time_s: np.ndarray) -> np.ndarray:
        """Read a curve at some moments, (F,): straight between readings, at rest after the last one."""
        values = self.values[name]
        return np.interp(time_s, self.first_s + np.arange(len(values)) / self.rate_hz, values, right=0.0)


def mouth_opening_of(prosody: Prosody) -> np.ndarray:
    """Give how far the mouth is open at each reading of a voice.

    Args:
        prosody: P readings.

    Returns:
        (P,) in [0, 1]. It is relative to the clip: its loud syllables open the mouth wide however quiet the recording
        is; where there is no voice at all the mouth stays closed.
    """
    level = prosody.loudness * (HISS + (1 - HISS) * prosody.voicing)
    noise = _noise(level, prosody.voicing)
    active = level[level > max(SILENT, 0.1 * float(np.percentile(level, 99.5)), 3 * noise)]
    if not len(active):
        return np.zeros(len(level))
    top = float(np.percentile(active, LOUD))
    floor = min(2 * noise, 0.5 * top)
    wanted = np.clip((level - floor) / (top - floor), 0, 1) ** BEND
    return (_eased(wanted) + _eased(wanted[::-1])[::-1]) / 2


def _noise(level: np.ndarray, voicing: np.ndarray) -> float:
    """Give the loudness of the pauses; 0 where even the quietest moments are voiced, because nothing pauses then."""
    quiet = level <= np.percentile(level, QUIET)
    return 0.0 if float(voicing[quiet].mean()) > VOICED else float(level[quiet].max())


def _eased(wanted: np.ndarray) -> np.ndarray:
    """Follow (P,) as something with weight does: quickly up, slowly down."""
    up, down = (1 - np.exp(-1 / (RATE_HZ * seconds)) for seconds in (ATTACK_S, RELEASE_S))
    reached, at = np.empty(len(wanted)), 0.0
    for index, value in enumerate(wanted.tolist()):
        at += (up if value > at else down) * (value - at)
        reached[index] = at
    return reached


def speech_motion(
    prosody: Prosody, fps: Fraction, frame_count: int, seed: int, told: MotionCurves | None = None
) -> SpeechMotion:
    """Give mouth and head at each frame of a video.

    Args:
        prosody: The voice.
        fps: The video's frame rate; frame i is at ``i / fps`` seconds.
        frame_count: Its frames. After the sound the mouth is closed and the head comes to rest.
        seed: Draws how the head drifts; the same at any frame rate.
        told: What a model says of the same voice; it takes the place of what would be read from the prosody.

    Returns:
        F frames.
    """
    opening = mouth_opening_of(prosody)
    time_s, moments = np.arange(frame_count) / float(fps), prosody.time_s

    def at_frames(values: np.ndarray) -> np.ndarray:
        return np.interp(time_s, moments, values, right=0.0)

    speaking = np.clip(2 * _averaged(opening, SPEAKING_S), 0, 1)
    nod = 0.6 * _stress(opening) + 0.4 * _melody(prosody)
    rng = np.random.default_rng([seed, 17])
    drift = [_wander(rng, time_s) * size * at_frames(speaking) for size in DRIFT]
    motion = SpeechMotion(at_frames(opening), drift[0], drift[1] + NOD * at_frames(nod * speaking), drift[2])
    return motion if told is None else replace(motion, **{name: told.at(name, time_s) for name in told.values})


def _averaged(values: np.ndarray, seconds: float) -> np.ndarray:
    """Smooth (P,) with a bell of that deviation, as far to the past as to the future."""
    reach = round(3 * seconds * RATE_HZ)
    bell = np.exp(-((np.arange(-reach, reach + 1) / (seconds * RATE_HZ)) ** 2) / 2)
    # Parted by how much of the bell lies within the sound, so that the ends are not pulled to nothing.
    full = np.convolve(values, bell)[reach : reach + len(values)]
    return full / np.convolve(np.ones(len(values)), bell)[reach : reach + len(values)]


def _stress(opening: np.ndarray) -> np.ndarray:
    """Give how far a syllable stands out from those around it, (P,) in [-1, 1]."""
    return np.clip(2 * (_averaged(opening, STRESS_S) - _averaged(opening, SPEAKING_S)), -1, 1)


def _melody(prosody: Prosody) -> np.ndarray:
    """Give how far the pitch is above the speaker's usual one, (P,) in [-1, 1]; a head goes up with it."""
    voiced = prosody.pitch_hz > 0
    if not voiced.any():
        return np.zeros(len(voiced))
    octaves = np.where(voiced, np.log2(np.where(voiced, prosody.pitch_hz, 1.0)), 0.0)
    usual = float(np.median(octaves[voiced]))
    weight = _averaged(voiced.astype(np.float64), STRESS_S)
    raised = _averaged(np.where(voiced, octaves - usual, 0.0), STRESS_S) / np.maximum(weight, 0.2)
    return -np.clip(2 * raised, -1, 1)


def _wander(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    """Draw slow motion about 0, (F,) in [-1, 1], defined at any time."""
    frequency, phase = rng.uniform(*DRIFT_HZ, 3), rng.uniform(0, 2 * np.pi, 3)
    return np.sin(2 * np.pi * time_s[:, None] * frequency + phase).mean(-1)
