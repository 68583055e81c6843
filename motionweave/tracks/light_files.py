"""Lights as JSON: a frame rate, and for each frame the nine coefficients of each colour.

``{"fps": "24", "light": [[[red, green, blue], ... nine of them], ... one a frame]}``; axes and order as in
`spherical_harmonics`. A light that does not change is one frame.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import InputError
from .light import LightTrack, light_track


def write_light(track: LightTrack) -> str:
    """Give a track as JSON.

    Args:
        track: F frames.
    """
    values = [[[round(float(value), 6) for value in row] for row in frame] for frame in track.coefficients]
    return json.dumps({"fps": str(track.fps), "light": values}) + "\n"


def read_light(text: str) -> LightTrack:
    """Read a track from JSON.

    Args:
        text: What the file holds.

    Raises:
        InputError: If it is no light.
    """
    try:
        told: Any = json.loads(text)
        fps, values = Fraction(str(told["fps"])), np.array(told["light"], np.float64)
    except (ValueError, ZeroDivisionError, KeyError, TypeError) as error:
        raise InputError(
            f'this is no light ({type(error).__name__}: {error}); expected {{"fps": "24", "light": [[9 x 3], ...]}}'
        ) from error
    if values.ndim != 3 or values.shape[1:] != (9, 3) or not np.isfinite(values).all():
        raise InputError(f"a light of shape {values.shape} came; expected finite numbers, frames x 9 x 3")
    return light_track(values, fps)
