"""What a frame tells about the film: whether a shot begins with it, and how much moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..metrics.flow import find_flow
from ..types import float_pixels

SMALL_PX = 48
"""Side of the pictures that are compared."""
BINS = 8
"""Shades of each colour that are counted."""
NEIGHBOURS = 6
"""Frames to either side that a frame's change is compared with."""
LEAST_CHANGE, LEAST_SHIFT, TIMES_USUAL = 0.06, 0.15, 3.0
"""A cut changes the picture by so much, moves so much of the colours to other shades, and stands out so far."""


@dataclass(frozen=True)
class Measures:
    """A film in numbers, each (F,); the first frame has nothing before it and gets zeros."""

    change: np.ndarray
    """Mean absolute difference from the frame before, of small pictures in [0, 1]."""
    shift: np.ndarray
    """Share of the colours that changed their shade since the frame before."""
    motion: np.ndarray
    """Mean length of the optical flow from the frame before, in picture heights."""


class Meter:
    """Takes frames in order and remembers one of them."""

    def __init__(self) -> None:
        """Begin before the first frame."""
        self._before: tuple[Tensor, np.ndarray] | None = None
        self._rows: list[tuple[float, float, float]] = []

    def add(self, frames: Tensor) -> None:
        """Take frames, (F, 3, H, W) uint8."""
        small = F.interpolate(float_pixels(frames), (SMALL_PX, SMALL_PX), mode="area")
        for picture in small:
            shades = _shades(picture)
            if self._before is None:
                self._rows.append((0.0, 0.0, 0.0))
            else:
                last, before = self._before
                change = float((picture - last).abs().mean())
                flow = find_flow(last.mean(0), picture.mean(0))
                length = float(flow.square().sum(0).sqrt().mean()) / SMALL_PX
                self._rows.append((change, float(np.abs(shades - before).sum()) / 2, length))
            self._before = (picture, shades)

    def measures(self) -> Measures:
        """Give what was measured so far."""
        columns = np.array(self._rows, np.float64).reshape(-1, 3).T
        return Measures(columns[0], columns[1], columns[2])


def find_cuts(measures: Measures) -> tuple[int, ...]:
    """Give the frames with which shots begin, 0 among them.

    A cut changes both the picture and its colours, and more than the frames around it, so that fast motion in a steady
    film, a pan or a change of light is none. Cuts between pictures that look alike, and slow cross-fades, are not seen.

    Source: the adaptive content detector of PySceneDetect, in numpy on what one pass has measured anyway.
    """
    change, shift = measures.change, measures.shift
    cuts = [0]
    for frame in range(1, len(change)):
        around = np.r_[change[max(1, frame - NEIGHBOURS) : frame], change[frame + 1 : frame + 1 + NEIGHBOURS]]
        usual = float(np.median(around)) if len(around) else 0.0
        if change[frame] > max(LEAST_CHANGE, TIMES_USUAL * usual) and shift[frame] > LEAST_SHIFT:
            cuts.append(frame)
    return tuple(cuts)


def _shades(picture: Tensor) -> np.ndarray:
    """Give the shares of each colour's shades, (3 * BINS,) that sum to one."""
    shades = (picture * BINS).long().clamp(0, BINS - 1) + BINS * torch.arange(3)[:, None, None]
    counts = np.bincount(shades.flatten().numpy(), minlength=3 * BINS)
    return counts / counts.sum()
