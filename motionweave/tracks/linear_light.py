"""Between sRGB, as pictures are stored, and linear light, as light adds up; and colours as people write them."""

from __future__ import annotations

import re

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Share of each linear channel in brightness (ITU-R BT.709)."""
COOLEST_K, HOTTEST_K = 1667.0, 25000.0
"""Where the fit of black-body colours holds."""


def linear_from_srgb(pixels: Tensor) -> Tensor:
    """Decode sRGB values to linear light, any shape (IEC 61966-2-1)."""
    return torch.where(pixels <= 0.04045, pixels / 12.92, ((pixels.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(light: Tensor) -> Tensor:
    """Encode linear light as sRGB values in [0, 1], any shape; brighter light is clipped."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp(min=1e-9) ** (1 / 2.4) - 0.055)


def read_colour(text: str) -> np.ndarray:
    """Read a light's colour.

    Args:
        text: sRGB as ``#ffb46b`` or ``#fb6``, or a colour temperature as ``3200K``.

    Returns:
        (3,) linear RGB whose brightest channel is 1, so that the strength alone says how bright.

    Raises:
        InputError: If it is neither, black, or a temperature outside 1667 to 25000 K.
    """
    word = text.strip()
    if re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", word):
        digits = word[1:] if len(word) == 7 else "".join(2 * digit for digit in word[1:])
        values = torch.tensor([int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)], dtype=torch.float64)
        linear = linear_from_srgb(values).numpy()
        if linear.max() <= 0:
            raise InputError(f"a light of colour {word} is black; give a colour, and a strength of 0 to switch it off")
        return linear / linear.max()
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*[kK]", word):
        return black_body(float(match.group(1)))
    raise InputError(f"'{text}' is no colour; expected one such as #ffb46b, or a temperature such as 3200K")


def black_body(kelvin: float) -> np.ndarray:
    """Give the colour of a glowing body, (3,) linear sRGB whose brightest channel is 1.

    Args:
        kelvin: 1667 to 25000; 6500 is white, as to a camera set to daylight.

    Raises:
        InputError: If it lies outside.
    """
    if not COOLEST_K <= kelvin <= HOTTEST_K:
        raise InputError(
            f"a colour temperature of {kelvin:g} K was given; expected {COOLEST_K:g} to {HOTTEST_K:g}, such as 3200K"
        )
    linear = np.maximum(_planckian(kelvin) / _planckian(6500), 0.0)
    return linear / linear.max()


def _planckian(kelvin: float) -> np.ndarray:
    """Give linear sRGB of luminance 1 on the Planckian locus, partly below 0 where sRGB ends.

    Source: the cubic fit of Kim et al., US patent 7024034 (2006).
    """
    powers = np.array([1e9 / kelvin**3, 1e6 / kelvin**2, 1e3 / kelvin, 1.0])
    if kelvin <= 4000:
        x = float(powers @ [-0.2661239, -0.2343589, 0.8776956, 0.179910])
    else:
        x = float(powers @ [-3.0258469, 2.1070379, 0.2226347, 0.240390])
    if kelvin <= 2222:
        fit = [-1.1063814, -1.34811020, 2.18555832, -0.20219683]
    elif kelvin <= 4000:
        fit = [-0.9549476, -1.37418593, 2.09137015, -0.16748867]
    else:
        fit = [3.0817580, -5.87338670, 3.75112997, -0.37001483]
    y = float(np.polyval(fit, x))
    to_rgb = np.array([[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560],
                       [0.0556434, -0.2040259, 1.0572252]])  # fmt: skip
    return to_rgb @ np.array([x / y, 1.0, (1 - x - y) / y])
