"""Faces made anew in the larger pictures: cut out aligned, restored by a network of their own, laid back softly.

What keeps them from flickering: crops that do not tremble (`face_places`), a network without noise of its own
(`model`), and colours and shading that stay the frame's, of which restorers have their own idea in every frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from .face_places import FaceFinder, FacePlace
from .model import FACE_SIDE, UpscaleModel

FEATHER = 0.15
"""Width of a crop's soft border, over its side; a face keeps more than that away from it."""
SIDE_STEP = 64
"""Crops for networks that are no face restorers are as large as the face, in these steps, so that no step shows."""
COARSE = 8
"""Cells along a crop's side in which the frame's own mean colours are kept: light and complexion, but no features."""


@dataclass(frozen=True)
class FacePass:
    """How faces are made anew."""

    finder: FaceFinder
    """Finds them."""
    net: UpscaleModel
    """Makes them anew: a face restorer, or any other upscaler."""
    strength: float = 0.7
    """How much of the restored face counts over the plainly enlarged one, in (0, 1]."""

    def __post_init__(self) -> None:
        """Refuse strengths that are none."""
        if not 0 < self.strength <= 1:
            raise InputError(f"a face strength of {self.strength} was asked for; expected more than 0, at most 1")

    @property
    def digest(self) -> str:
        """What the faces depend on; its first number changes when this file makes other pictures."""
        return f"faces 1 {self.finder.digest} {self.net.digest} {self.strength}"


def restore_faces(larger: Tensor, frames: Tensor, places: Sequence[Sequence[FacePlace]], faces: FacePass) -> Tensor:
    """Make the faces of some frames anew.

    Args:
        larger: (B, 3, H, W) in [0, 1]: the frames, enlarged.
        frames: (B, 3, h, w) in [0, 1]: as they were, on the same device; what the network is shown.
        places: The faces of each frame.
        faces: How.

    Returns:
        (B, 3, H, W) in [0, 1]; `larger` to the bit wherever there is no face.

    Source: the pass of GFPGAN's `GFPGANer.enhance`. We keep the frame's coarse colours, sample without aliasing, and
        fade along a fixed border instead of a parsed face's, which changes shape from frame to frame.
    """
    if not any(places):
        return larger
    made = larger.clone()
    for picture, frame, found in zip(made, frames, places, strict=True):
        for place in found:
            crop = cut_out(frame, place, _side_for(place, faces.net))
            restored = faces.net(crop[None])[0].to(crop.device)
            _lay_back(picture, _coloured(restored, crop), place, (frame.shape[-2], frame.shape[-1]), faces.strength)
    return made


def _side_for(place: FacePlace, net: UpscaleModel) -> int:
    if net.restores_faces:
        return FACE_SIDE
    return min(FACE_SIDE, SIDE_STEP * math.ceil(place.usual_side / SIDE_STEP))


def cut_out(frame: Tensor, place: FacePlace, side: int) -> Tensor:
    """Cut out a face, upright.

    Args:
        frame: (3, H, W).
        place: How it lies.
        side: Of the crop, in pixels.

    Returns:
        (3, side, side); what lies beyond the frame repeats its border.
    """
    finer = math.ceil(abs(place.turn) / side)
    line = (torch.arange(side * finer) + 0.5) / (side * finer)
    pixels = place.turn * _points(line, line) + place.corner
    return _sampled(frame, pixels.real / frame.shape[-1], pixels.imag / frame.shape[-2], finer)


def _lay_back(picture: Tensor, face: Tensor, place: FacePlace, size: tuple[int, int], strength: float) -> None:
    """Blend a face, (3, S, S), into a picture that was enlarged from one of `size`, height and width."""
    down, across = picture.shape[-2] / size[0], picture.shape[-1] / size[1]
    corners = [place.corner + place.turn * each for each in (0, 1, 1j, 1 + 1j)]
    top, bottom = _span([down * each.imag for each in corners], picture.shape[-2])
    left, right = _span([across * each.real for each in corners], picture.shape[-1])
    if top >= bottom or left >= right:
        return
    finer = math.ceil(face.shape[-1] / (abs(place.turn) * min(down, across)))
    x = left + (torch.arange((right - left) * finer) + 0.5) / finer
    y = top + (torch.arange((bottom - top) * finer) + 0.5) / finer
    inside = (_points(x / across, y / down) - place.corner) / place.turn
    mask = F.avg_pool2d((_ramp(inside.real) * _ramp(inside.imag))[None], finer).to(picture.device)
    region = picture[:, top:bottom, left:right]
    region += strength * place.weight * mask * (_sampled(face, inside.real, inside.imag, finer) - region)


def _points(x: Tensor, y: Tensor) -> Tensor:
    """Give the points of a grid, x + iy, (Y, X)."""
    return x[None] + 1j * y[:, None]


def _span(ends: list[float], length: int) -> tuple[int, int]:
    """Give the whole pixels between the least and the greatest of some places on an axis of the picture."""
    return max(0, math.floor(min(ends))), min(length, math.ceil(max(ends)))


def _sampled(picture: Tensor, x: Tensor, y: Tensor, finer: int) -> Tensor:
    """Read a picture, (3, h, w), at shares of its width and height, (Y, X), and average `finer` by `finer` of them."""
    grid = torch.stack([2 * x - 1, 2 * y - 1], -1).to(picture.device)  # Y X 2
    read = F.grid_sample(picture[None], grid[None], padding_mode="border", align_corners=False)
    return F.avg_pool2d(read, finer)[0]


def _ramp(share: Tensor) -> Tensor:
    """Rise from 0 at a crop's edge to 1 inside, smoothly at both ends."""
    risen = (torch.minimum(share, 1 - share) / FEATHER).clamp(0, 1)
    return risen**2 * (3 - 2 * risen)


def _coloured(restored: Tensor, crop: Tensor) -> Tensor:
    """Give a restored face the coarse colours of what it was made from; both (3, S, S), of any two sides."""
    cells = F.adaptive_avg_pool2d(crop, COARSE) - F.adaptive_avg_pool2d(restored, COARSE)
    shift = F.interpolate(cells[None], restored.shape[-2:], mode="bicubic")[0]
    return (restored + shift).clamp(0, 1)
