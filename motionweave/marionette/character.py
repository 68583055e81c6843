"""Who a marionette is: proportions, clothes and colours, all drawn from one seed."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import InputError

Pattern = Literal["plain", "rings", "stripes", "dots"]
PATTERNS: tuple[Pattern, ...] = ("plain", "rings", "stripes", "dots")

FIRST_EVALUATION_SEED = 1_000_000
"""Seeds from here up are for measuring only; no recipe may train on them."""

Colour = tuple[float, float, float]
"""sRGB in [0, 1]."""


@dataclass(frozen=True)
class Character:
    """One marionette's identity. Lengths are metres, widths are radii of limbs."""

    height: float
    """From sole to crown, 1.5 to 1.9."""
    leg_share: float
    """Hip height over height."""
    shoulder_half: float
    """From the neck to a shoulder."""
    hip_half: float
    """From the pelvis to a hip joint."""
    head_radius: float
    """Half the head's width."""
    girth: float
    """Multiplies every limb's radius; 1 is average."""
    skin: Colour
    """Colour of face, hands and bare limbs."""
    hair: Colour
    """Colour of the hair."""
    shirt: Colour
    """First colour of the shirt."""
    shirt_second: Colour
    """Second colour of the shirt's pattern."""
    trousers: Colour
    """Colour of the trousers."""
    shoes: Colour
    """Colour of the shoes."""
    pattern: Pattern
    """The shirt's pattern."""
    pattern_per_m: float
    """Repeats of the pattern per metre."""
    long_sleeves: bool
    """Whether the forearms are clothed."""
    long_trousers: bool
    """Whether the shins are clothed."""
    long_hair: bool
    """Whether the hair reaches the shoulders."""

    def vector(self) -> np.ndarray:
        """Give the identity as numbers of about unit spread, so that a network can be asked for it.

        Returns:
            (31,) float32: proportions, colours, pattern (one-hot), clothing flags.
        """
        values: list[float] = [
            (self.height - 1.7) / 0.12,
            (self.leg_share - 0.5) / 0.02,
            (self.shoulder_half - 0.19) / 0.025,
            (self.hip_half - 0.1) / 0.012,
            (self.head_radius - 0.1) / 0.012,
            (self.girth - 1.05) / 0.18,
        ]
        for colour in (self.skin, self.hair, self.shirt, self.shirt_second, self.trousers, self.shoes):
            values += [(channel - 0.5) / 0.28 for channel in colour]
        values += [1.0 if self.pattern == name else 0.0 for name in PATTERNS]
        values += [float(self.long_sleeves), float(self.long_trousers), float(self.long_hair)]
        return np.asarray(values, dtype=np.float32)


IDENTITY_SIZE = 6 + 6 * 3 + len(PATTERNS) + 3
"""Length of `Character.vector`."""


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def _distance(first: Colour, second: Colour) -> float:
    return float(np.linalg.norm(np.subtract(first, second)))


def _clothing(rng: np.random.Generator, apart_from: tuple[Colour, ...], distance: float = 0.38) -> Colour:
    """Draw a clothing colour that can be told from the given ones; the last of many tries is taken if none is."""
    colour: Colour = (0.5, 0.5, 0.5)
    for _ in range(50):
        colour = _hsv(rng.uniform(), rng.uniform(0.35, 1.0), rng.uniform(0.2, 0.95))
        if all(_distance(colour, other) >= distance for other in apart_from):
            break
    return colour


def make_character(seed: int, apart_from: tuple[Colour, ...] = ()) -> Character:
    """Draw a character.

    Args:
        seed: Non-negative; the same seed gives the same character.
        apart_from: Colours (of the background) that its clothes must stand out from.

    Returns:
        The character.

    Raises:
        InputError: If the seed is negative.
    """
    if seed < 0:
        raise InputError(f"a Marionette seed of {seed} was given; expected 0 or more")
    rng = np.random.default_rng([seed, 1])
    tone = rng.uniform()
    shirt = _clothing(rng, apart_from)
    trousers = _clothing(rng, (*apart_from, shirt), 0.3)
    return Character(
        height=float(rng.uniform(1.5, 1.9)),
        leg_share=float(rng.uniform(0.47, 0.53)),
        shoulder_half=float(rng.uniform(0.15, 0.23)),
        hip_half=float(rng.uniform(0.08, 0.12)),
        head_radius=float(rng.uniform(0.085, 0.12)),
        girth=float(rng.uniform(0.8, 1.35)),
        skin=(0.35 + 0.6 * tone, 0.22 + 0.55 * tone, 0.15 + 0.5 * tone),
        hair=_hsv(rng.uniform(-0.02, 0.15), rng.uniform(0.2, 0.9), rng.uniform(0.08, 0.85)),
        shirt=shirt,
        shirt_second=_clothing(rng, (shirt,), 0.3),
        trousers=trousers,
        shoes=_hsv(rng.uniform(), rng.uniform(0.0, 0.8), rng.uniform(0.05, 0.9)),
        pattern=PATTERNS[int(rng.integers(len(PATTERNS)))],
        pattern_per_m=float(rng.uniform(3, 6)),
        long_sleeves=bool(rng.uniform() < 0.5),
        long_trousers=bool(rng.uniform() < 0.7),
        long_hair=bool(rng.uniform() < 0.4),
    )
