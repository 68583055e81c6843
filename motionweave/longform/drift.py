"""Drift that is taken back: one smooth colour transform over a run, found from what was measured of its chunks.

Long runs grow darker, redder or flatter by a little in every chunk. What a chunk shows is held against what the run
showed in its first second, cell by cell of a grid over the picture. A character that moves, or comes nearer, changes
some of the cells; drift changes all of them in the same way. So a gain and an offset are fitted to the cells robustly,
which leaves the first kind out. They are averaged over a few chunks around, so that only what changes slowly counts,
and taken back as far as they pass a threshold. Between the middles of chunks they are interpolated frame by frame,
therefore nothing jumps at joins, and no frame is matched on its own, which would flicker.

The transform is done when clips are read: the files stay as they were made. It works on Y'CbCr (ITU-R BT.601, full
range), which is linear in what is stored: tint and saturation are offsets and gains there as they are in Lab, without a
power for each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError

GRID = 8
"""Cells each way."""
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
ANCHOR_S, AROUND_S = 1.0, 2.0
"""Seconds from the start that drift is held against, and seconds around a chunk over which it is averaged."""
OUTLIER, ROUNDS = 0.01, 12
"""Difference at which a cell counts half, as Cauchy's weights have it, in brightness from 0 to 1; rounds of fitting."""
RIDGE = 0.02
"""Keeps the gain at 1 where cells hardly differ, as their deviation in brightness."""
MOST_GAIN = 1.25
UNITS = 100.0
"""Lab units to a step of 1 in Y', Cb or Cr, about: what thresholds are told in."""


@dataclass(frozen=True)
class DriftSettings:
    """How drift is taken back."""

    strength: float = 0.0
    """How much of what passes the threshold: 0 to 1."""
    threshold: float = 1.0
    """Lab units that a picture's colours may wander freely."""

    def __post_init__(self) -> None:
        """Refuse what would make colours run away."""
        if not 0 <= self.strength <= 1 or self.threshold < 0:
            raise InputError(
                f"a drift correction of {self.strength:g} above {self.threshold:g} Lab units was asked for; expected a "
                "strength of 0 to 1 and a threshold of at least 0"
            )


@dataclass(frozen=True)
class Drifted:
    """By how much colours differ from the start's: y = mean + shift + gain (x - mean), per channel of Y'CbCr."""

    shift: np.ndarray
    """(3,) at the mean colour."""
    gain: np.ndarray
    """(3,), 1 for none."""
    mean: np.ndarray
    """(3,): the colour at which the shift is told."""
    spread: np.ndarray
    """(3,): deviation of the start's cells, which says what a gain comes to."""

    @property
    def units(self) -> float:
        """How much that is to the eye, about in Lab units."""
        return UNITS * float(np.sqrt((self.shift**2 + ((self.gain - 1) * self.spread) ** 2).sum()))


Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Knot:
    """What is taken back in the middle of one chunk."""

    moment: float
    """The middle, in frames of the video."""
    shift: Triple
    """To take away, at the mean colour."""
    gain: Triple
    """To divide by."""


@dataclass(frozen=True)
class ColourPull:
    """A clip's part of the transform: a `FrameCorrection`. Plain numbers, so that it tells itself apart from others."""

    start: int
    """First new frame of the clip in the video."""
    knots: tuple[Knot, ...]
    """Those of the clip's own chunk and of the chunks around it, in order."""
    mean: Triple
    """The colour that a gain leaves."""

    def __call__(self, frame: Tensor, place: int) -> Tensor:
        """Correct a frame, (3, H, W) uint8, by where it stands in the video."""
        moments = [knot.moment for knot in self.knots]
        shift, gain = (
            np.array([np.interp(self.start + place, moments, values) for values in zip(*triples, strict=True)])
            for triples in ([knot.shift for knot in self.knots], [knot.gain for knot in self.knots])
        )
        if np.abs(shift).max() < 1e-4 and np.abs(gain - 1).max() < 1e-4:
            return frame
        to = np.array(TO_YCC)
        back = np.linalg.inv(to)
        matrix, mean = back @ np.diag(1 / gain) @ to, np.array(self.mean)
        bias = back @ (mean - (mean + shift) / gain)
        mixed = torch.from_numpy(matrix).float() @ frame.flatten(1).float()
        return mixed.add_(torch.from_numpy(bias * 255).float()[:, None]).round_().clamp_(0, 255).byte().view_as(frame)


def cells_of(frame: Tensor) -> Tensor:
    """Give the mean colour of each cell of a grid over the picture.

    Args:
        frame: (3, H, W) uint8 or float in [0, 1].

    Returns:
        (GRID * GRID, 3): Y' in [0, 1], Cb and Cr in [-0.5, 0.5].
    """
    pixels = frame.float() / 255 if frame.dtype == torch.uint8 else frame.float()
    cells = F.adaptive_avg_pool2d(pixels, GRID).flatten(1)
    return (torch.tensor(TO_YCC) @ cells).T


def fit_drift(start: np.ndarray, now: np.ndarray) -> Drifted:
    """Find the gain and offset that most cells have in common.

    Source: iteratively re-weighted least squares with Cauchy's weights (Holland and Welsch, 1977); a cell whose colour
    changed by more than all share counts little, however much it changed.

    Args:
        start: (N, 3) cells of the start.
        now: (N, 3) cells of a later moment.
    """
    weight = np.ones(len(start))
    mean, gain, shift = start.mean(0), np.ones(3), np.zeros(3)
    for _ in range(ROUNDS):
        share = weight / weight.sum()
        mean, shown = share @ start, share @ now
        x, y = start - mean, now - shown
        # The ridge stands in the numerator too: it draws the gain toward 1, not toward 0.
        gain = (share @ (x * y) + RIDGE**2) / (share @ (x * x) + RIDGE**2)
        gain = gain.clip(1 / MOST_GAIN, MOST_GAIN)
        shift = shown - mean
        left = np.sqrt(((y - gain * x) ** 2).sum(1))
        weight = 1 / (1 + (left / OUTLIER) ** 2)
    return Drifted(shift, gain, mean, start.std(0))


def find_pulls(
    cells: Sequence[np.ndarray], frame_counts: Sequence[int], fps: float, settings: DriftSettings
) -> tuple[ColourPull | None, ...]:
    """Find what to take back from each chunk.

    Args:
        cells: Each chunk's cells, averaged over its new frames, (N, 3).
        frame_counts: Each chunk's new frames.
        fps: Frames per second.
        settings: Strength and threshold.

    Returns:
        One for each chunk; None where the run needs none.
    """
    none = (None,) * len(cells)
    if not settings.strength or len(cells) < 2:
        return none
    starts = np.cumsum([0, *frame_counts[:-1]])
    middles = starts + (np.array(frame_counts) - 1) / 2
    first = np.array(frame_counts)[:, None, None] * np.stack(cells)
    anchored = max(1, int((starts < ANCHOR_S * fps).sum()))
    start = first[:anchored].sum(0) / sum(frame_counts[:anchored])
    found = [fit_drift(start, each) for each in cells]
    mean = start.mean(0)
    # Told at one and the same colour for all chunks, so that neighbours can be averaged.
    shift = np.stack([each.shift + (each.gain - 1) * (mean - each.mean) for each in found])
    gain = np.stack([each.gain for each in found])
    near = np.exp(-0.5 * ((middles[:, None] - middles) / (AROUND_S / 2 * fps)) ** 2)
    near /= near.sum(1, keepdims=True)
    shift, gain = near @ shift, near @ gain
    units = [Drifted(*pair, mean, start.std(0)).units for pair in zip(shift, gain, strict=True)]
    share = settings.strength * np.clip(1 - settings.threshold / np.maximum(units, 1e-9), 0, 1)[:, None]
    if not share.any():
        return none
    shift, gain = share * shift, 1 + share * (gain - 1)
    pulls = zip(middles.tolist(), shift, gain, strict=True)
    knots = [Knot(middle, _triple(one), _triple(other)) for middle, one, other in pulls]
    # A clip's lead reaches at most one chunk back, past the middle of the one before that.
    around = (tuple(knots[max(0, index - 2) : index + 2]) for index in range(len(knots)))
    return tuple(ColourPull(int(at), near, _triple(mean)) for at, near in zip(starts, around, strict=True))


def _triple(values: np.ndarray) -> Triple:
    first, second, third = values.tolist()
    return round(first, 6), round(second, 6), round(third, 6)
