"""How a marionette moves: joint angles over time, drawn from one seed.

Every angle is a resting value plus two slow sines, so that motion is smooth at any frame rate and defined at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RANGES: dict[str, tuple[float, float, float]] = {
    # name: (lowest rest, highest rest, largest swing); radians, metres for the root
    "arm_raise_right": (0.1, 2.3, 0.7),
    "arm_raise_left": (0.1, 2.3, 0.7),
    "arm_forward_right": (-0.2, 0.6, 0.3),
    "arm_forward_left": (-0.2, 0.6, 0.3),
    "elbow_right": (-1.9, 1.6, 0.8),
    "elbow_left": (-1.9, 1.6, 0.8),
    "elbow_forward_right": (0.0, 0.8, 0.4),
    "elbow_forward_left": (0.0, 0.8, 0.4),
    "leg_raise_right": (-0.05, 0.35, 0.2),
    "leg_raise_left": (-0.05, 0.35, 0.2),
    "leg_forward_right": (-0.2, 0.3, 0.3),
    "leg_forward_left": (-0.2, 0.3, 0.3),
    "knee_right": (0.0, 0.5, 0.35),
    "knee_left": (0.0, 0.5, 0.35),
    "yaw": (-0.5, 0.5, 0.35),
    "lean": (-0.1, 0.1, 0.12),
    "head_yaw": (-0.4, 0.4, 0.4),
    "head_pitch": (-0.15, 0.15, 0.15),
    "head_roll": (-0.15, 0.15, 0.15),
    "root_x": (-0.25, 0.25, 0.25),
    "root_y": (-0.03, 0.0, 0.03),
    "root_z": (-0.3, 0.3, 0.15),
}

_RELAXED = {"arm_raise_right": 0.15, "arm_raise_left": 0.15, "elbow_right": -0.15, "elbow_left": -0.15}


@dataclass(frozen=True)
class Motion:
    """Angles by name, each (F,) radians (root: metres), and the mouth."""

    angles: dict[str, np.ndarray]
    """One curve per joint; the names are the keys of the ranges above."""
    mouth: np.ndarray
    """(F,) how far the mouth is open, 0 to 1."""

    @property
    def frame_count(self) -> int:
        """Frames."""
        return len(self.mouth)


def mouth_opening(seed: int, time_s: np.ndarray) -> np.ndarray:
    """Give how far a speaking mouth is open: syllables at about 4 Hz in phrases with pauses.

    Args:
        seed: The clip's seed.
        time_s: (F,) seconds.

    Returns:
        (F,) in [0, 1].
    """
    rng = np.random.default_rng([seed, 4])
    rate, phrase, phase = rng.uniform(3.0, 5.0), rng.uniform(0.25, 0.45), rng.uniform(0, 2 * np.pi, 3)
    syllable = 0.5 - 0.5 * np.cos(
        2 * np.pi * rate * time_s + phase[0] + 0.8 * np.sin(2 * np.pi * 0.7 * time_s + phase[2])
    )
    speaking = 1 / (1 + np.exp(-8 * (np.sin(2 * np.pi * phrase * time_s + phase[1]) + 0.35)))
    return (syllable * speaking).astype(np.float64)


def make_motion(seed: int, time_s: np.ndarray, energy: float = 1.0) -> Motion:
    """Draw a motion and read it at some times.

    Args:
        seed: The clip's seed.
        time_s: (F,) seconds, in any order.
        energy: Multiplies every swing; 0 stands still.

    Returns:
        The motion at those times.
    """
    rng = np.random.default_rng([seed, 2])
    angles: dict[str, np.ndarray] = {}
    relaxed = rng.uniform() < 0.35
    for name, (low, high, swing) in _RANGES.items():
        rest = rng.uniform(low, high)
        amplitude = swing * energy * rng.uniform(0.2, 1.0, 2) * np.array([1.0, 0.5])
        frequency = rng.uniform(0.15, 0.55, 2) * np.array([1.0, 2.0])
        phase = rng.uniform(0, 2 * np.pi, 2)
        if relaxed and name in _RELAXED:
            rest = _RELAXED[name]
        wave = amplitude * np.sin(2 * np.pi * time_s[:, None] * frequency + phase)
        angles[name] = rest + wave.sum(-1)
    for side in ("right", "left"):
        angles[f"knee_{side}"] = np.maximum(angles[f"knee_{side}"], 0.0)
        angles[f"arm_raise_{side}"] = np.clip(angles[f"arm_raise_{side}"], -0.1, 2.9)
    return Motion(angles=angles, mouth=mouth_opening(seed, time_s))
