"""Lamps and ambient light as people set them up, and named set-ups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .light import direction_of
from .linear_light import read_colour
from .spherical_harmonics import ambient_light, directional_light


@dataclass(frozen=True)
class Lamp:
    """One light from one side."""

    azimuth: float = 0.0
    """Degrees: 0 from the viewer, 90 from the picture's right, -90 from its left, 180 from behind."""
    elevation: float = 30.0
    """Degrees above the horizon."""
    strength: float = 1.0
    """0 or more; 1 makes a white matte surface that faces it about white."""
    colour: str = "6500K"
    """sRGB such as ``#ffb46b`` or a temperature such as ``3200K``."""
    softness: float = 0.0
    """How broad it is: 0 a point far away, 1 half of the sky around it."""

    def coefficients(self) -> np.ndarray:
        """Give its light, (9, 3).

        A soft lamp is a uniform cap of half-angle up to 90 degrees, of which the orders 1 and 2 keep the means of the
        Legendre polynomials over the cap.

        Raises:
            InputError: If the strength is negative or the softness outside [0, 1].
        """
        if self.strength < 0 or not 0 <= self.softness <= 1:
            raise InputError(
                f"a lamp of strength {self.strength:g} and softness {self.softness:g} came; expected a strength of 0 "
                "or more and a softness from 0 to 1"
            )
        edge = np.cos(np.radians(90 * self.softness))
        kept = np.array([1.0] + [(1 + edge) / 2] * 3 + [edge * (1 + edge) / 2] * 5)
        radiance = np.pi * self.strength * read_colour(self.colour)
        return kept[:, None] * directional_light(direction_of(self.azimuth, self.elevation), radiance)


@dataclass(frozen=True)
class LightSetup:
    """Lamps, the first of which is the key light, and light from everywhere."""

    lamps: tuple[Lamp, ...]
    """Any number."""
    ambient: float = 0.2
    """Strength of the light from everywhere; 1 makes a white surface white by itself."""
    ambient_colour: str = "6500K"
    """Its colour."""

    def coefficients(self) -> np.ndarray:
        """Give all of it together, (9, 3)."""
        if self.ambient < 0:
            raise InputError(f"an ambient light of strength {self.ambient:g} came; expected 0 or more")
        everywhere = ambient_light(self.ambient * read_colour(self.ambient_colour))
        return everywhere + sum((lamp.coefficients() for lamp in self.lamps), np.zeros((9, 3)))


LIGHT_PRESETS: dict[str, LightSetup] = {
    "studio": LightSetup((Lamp(35, 35, 0.75, "5600K", 0.3), Lamp(-45, 10, 0.25, "5600K", 0.7)), 0.15),
    "golden hour": LightSetup((Lamp(-65, 12, 1.0, "2600K", 0.15),), 0.25, "#9db4e0"),
    "blue hour": LightSetup((Lamp(0, 70, 0.25, "#7d9bff", 0.9),), 0.3, "#5f7fd6"),
    "noon": LightSetup((Lamp(20, 75, 0.95, "5500K"),), 0.25, "#cfe0ff"),
    "overcast": LightSetup((Lamp(0, 80, 0.45, "7000K", 0.95),), 0.5, "7500K"),
    "moonlight": LightSetup((Lamp(60, 50, 0.3, "#9fb8ff", 0.3),), 0.05, "#3a4a80"),
    "candlelight": LightSetup((Lamp(25, -15, 0.65, "1900K", 0.3),), 0.06, "2200K"),
    "rembrandt": LightSetup((Lamp(50, 45, 0.95, "4800K", 0.1),), 0.08),
    "butterfly": LightSetup((Lamp(0, 50, 0.9, "5600K", 0.2), Lamp(0, -40, 0.2, "5600K", 0.7)), 0.1),
    "split": LightSetup((Lamp(90, 5, 1.1, "5600K", 0.4),), 0.04),
    "loop": LightSetup((Lamp(35, 40, 0.85, "5600K", 0.2),), 0.18),
    "rim": LightSetup((Lamp(145, 30, 1.3, "6500K", 0.5), Lamp(-145, 30, 0.9, "6500K", 0.5)), 0.06),
    "backlight": LightSetup((Lamp(180, 30, 1.5, "5200K", 0.5),), 0.12),
    "neon": LightSetup((Lamp(-75, 5, 0.8, "#ff2fa0", 0.3), Lamp(75, 5, 0.8, "#1fd6ff", 0.3)), 0.08, "#6a5cff"),
    "horror": LightSetup((Lamp(0, -60, 0.9, "#cfe8c0"),), 0.05),
    "firelight": LightSetup((Lamp(-30, -25, 0.85, "1850K", 0.4),), 0.08, "2000K"),
    "spotlight": LightSetup((Lamp(10, 65, 1.2, "5600K"),), 0.04),
}
"""Set-ups by the names that photographers use. Those with one key light to a side have it on the picture's right, and
those from behind are soft: a hard one rings visibly into the front at order 2."""
