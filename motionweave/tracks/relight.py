"""Relighting without training: the picture times the new light's shading over the old one's.

A matte surface shows its albedo times the shading of its normal, so a ratio of shadings changes the light and leaves
the albedo. It is no more than that: shadows that surfaces cast on one another, gloss and glow are not modelled; shadows
and highlights that are in the picture stay in it; where the normals or the estimate of the old light are wrong, some of
the old light stays as well.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError, ShapeError
from ..media import FootageFrames
from ..types import check_shape
from .light import LightTrack
from .light_estimate import estimate_light
from .linear_light import linear_from_srgb, srgb_from_linear
from .spherical_harmonics import shading

MOST_GAIN = 4.0
"""Most that a pixel is brightened: 8 bits hold no more. It is darkened to a sixteenth at most."""
DARKEST_OLD = 0.1
"""Least shading that the old light is credited with, so that its dark side is not blown up."""


def relight(frames: Tensor, normals: Tensor, old: LightTrack, new: LightTrack, strength: float = 1.0) -> Tensor:
    """Show frames under another light.

    Frames, normals and lights are matched by number; whatever has one is held for all. So one picture under a light
    track of F frames becomes F frames.

    Args:
        frames: (F, 3, H, W) sRGB in [0, 1].
        normals: (F, 3, H, W) unit normals at the frames' size.
        old: The light that is in the frames.
        new: The light to show them under.
        strength: 0 changes nothing, 1 relights, between them the gain's power; up to 2 overdoes it.

    Returns:
        (F, 3, H, W) in [0, 1].

    Raises:
        InputError: If the strength lies outside [0, 2].
        ShapeError: If sizes or numbers do not fit.
    """
    if not 0 <= strength <= 2:
        raise InputError(f"a strength of {strength:g} was given; expected 0 to 2")
    height, width = check_shape("frames", frames, "F 3 H W")["H"], frames.shape[-1]
    check_shape("normals", normals, f"F 3 {height} {width}")
    lengths = {"frames": len(frames), "normals": len(normals), "old light": len(old), "new light": len(new)}
    count = max(lengths.values())
    for name, length in lengths.items():
        if length not in (1, count):
            raise ShapeError(name, (length,), f"1 or {count}: frames, normals and lights must be as many, or one")
    relit = [_relit(frames[i % len(frames)], _gain(normals, old, new, i, strength)) for i in range(count)]
    return torch.stack(relit)


def relight_pictures(
    frames: Tensor, normals: Tensor, new: LightTrack, old: LightTrack | None = None, strength: float = 1.0
) -> Tensor:
    """Relight frames whose old light may not be known; it is then estimated from all of them together.

    Args:
        frames: As for `relight`.
        normals: As for `relight`.
        new: The light to show them under.
        old: The light in the frames, if it is known.
        strength: As for `relight`.
    """
    if old is None:
        old = estimate_light(FootageFrames(frames, new.fps), normals)
    return relight(frames, normals, old, new, strength)


def _gain(normals: Tensor, old: LightTrack, new: LightTrack, frame: int, strength: float) -> Tensor:
    """Give the factor on linear light at each pixel, (3, H, W)."""
    normal = normals[frame % len(normals)].movedim(0, -1).double().numpy()  # H W 3
    before, after = (shading(normal, light.coefficients[frame % len(light)].numpy()) for light in (old, new))
    ratio = torch.from_numpy(after) / torch.from_numpy(before).clamp(min=DARKEST_OLD)
    return ratio.clamp(0.25 / MOST_GAIN, MOST_GAIN).pow(strength).movedim(-1, 0)  # 3 H W


def _relit(frame: Tensor, gain: Tensor) -> Tensor:
    return srgb_from_linear(linear_from_srgb(frame.float()) * gain)
