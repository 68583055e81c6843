"""From coded pixels to the picture as it is meant to be seen: turned, square-pixelled, fitted into a size."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InputError
from ..types import Size

Fit = Literal["contain", "cover", "stretch"]
"""``contain`` shows everything on black, ``cover`` fills and crops the sides, ``stretch`` changes the shape."""


@dataclass(frozen=True)
class Orientation:
    """How coded pixels turn into upright ones: transposed first, then flipped."""

    transposed: bool = False
    """Rows become columns."""
    flip_horizontal: bool = False
    """Left and right change places, after transposing."""
    flip_vertical: bool = False
    """Top and bottom change places, after transposing."""

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which a player turns the coded picture: 0, 90, 180 or 270 (a mirrored one, nearest)."""
        if self.transposed:
            return 90 if self.flip_horizontal else 270
        return 180 if self.flip_vertical else 0

    def apply(self, frame: Tensor) -> Tensor:
        """Turn a picture.

        Args:
            frame: (3, H, W), or (3, W, H) where transposed.

        Returns:
            (3, H, W), upright; a view where nothing is flipped.
        """
        if self.transposed:
            frame = frame.transpose(1, 2)
        axes = [axis for axis, flipped in ((1, self.flip_vertical), (2, self.flip_horizontal)) if flipped]
        return frame.flip(axes) if axes else frame

    def apply_to_size(self, size: Size) -> Size:
        """Turn a size."""
        return Size(size.height, size.width) if self.transposed else size


def orientation_from_matrix(matrix: tuple[int, ...]) -> Orientation | None:
    """Read a display matrix.

    Args:
        matrix: Nine fixed-point numbers a b u c d v x y w; a coded point (p, q) is shown at (a p + c q, b p + d q).

    Returns:
        The orientation, or None if the matrix turns by something else than quarter turns.

    Source: ISO/IEC 14496-12, section 8.3.2 (track header matrix).
    """
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if b == c == 0 and a and d:
        return Orientation(False, a < 0, d < 0)
    if a == d == 0 and b and c:
        return Orientation(True, c < 0, b < 0)
    return None


def square_size(coded: Size, sample_aspect_ratio: Fraction) -> Size:
    """Give the size with square pixels; the height stays, as players do it.

    Args:
        coded: Size in coded pixels.
        sample_aspect_ratio: Width over height of one pixel.

    Returns:
        The size in square pixels.
    """
    return Size(max(1, round(coded.width * sample_aspect_ratio)), coded.height)


def fitted_size(shown: Size, target: Size, fit: Fit) -> Size:
    """Say how large the picture is drawn before it is padded or cropped to the target.

    Args:
        shown: The picture's size as it is meant to be seen.
        target: The wanted size.
        fit: How to fit.

    Returns:
        The drawn size: within the target for ``contain``, at least the target for ``cover``.

    Raises:
        InputError: If `fit` is none of the three.
    """
    if fit not in get_args(Fit):
        raise InputError(f"fit is '{fit}'; expected contain, cover or stretch")
    if fit == "stretch":
        return target
    across, down = Fraction(target.width, shown.width), Fraction(target.height, shown.height)
    scale = min(across, down) if fit == "contain" else max(across, down)
    return Size(max(1, round(shown.width * scale)), max(1, round(shown.height * scale)))


def resize(frame: Tensor, size: Size) -> Tensor:
    """Scale a picture with a bicubic filter that widens when it shrinks, so that fine lines do not alias.

    Args:
        frame: (3, H, W) uint8.
        size: The wanted size.

    Returns:
        (3, height, width) uint8; the same tensor if the size is right already.
    """
    wanted = (size.height, size.width)
    if tuple(frame.shape[1:]) == wanted:
        return frame
    return functional.interpolate(frame[None], size=wanted, mode="bicubic", antialias=True)[0]


def place(frame: Tensor, shown: Size, target: Size, fit: Fit) -> Tensor:
    """Draw a picture into a size.

    Args:
        frame: (3, H, W) uint8, upright, perhaps with pixels that are not square.
        shown: Its size as it is meant to be seen.
        target: The wanted size.
        fit: How to fit.

    Returns:
        (3, height, width) uint8 of the wanted size, centred; what ``contain`` leaves free is black.
    """
    drawn = resize(frame, fitted_size(shown, target, fit))
    height, width = drawn.shape[1:]
    if (height, width) == (target.height, target.width):
        return drawn
    if fit == "cover":
        top, left = (height - target.height) // 2, (width - target.width) // 2
        return drawn[:, top : top + target.height, left : left + target.width]
    canvas = torch.zeros(3, target.height, target.width, dtype=torch.uint8)
    top, left = (target.height - height) // 2, (target.width - width) // 2
    canvas[:, top : top + height, left : left + width] = drawn
    return canvas
