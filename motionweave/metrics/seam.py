"""Whether the joins between chunks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from torch import Tensor

from .flow import frame_change
from .sharpness import shrunk

SEEN_PX = 128
"""Shorter side at which frames are compared: what jumps at a join is not in a picture's finest detail."""


@dataclass(frozen=True)
class Join:
    """Where one chunk gives way to the next."""

    frame: int
    """The first frame that the video has from the later chunk alone."""
    fade: int = 0
    """Frames before it that both chunks share in a cross-fade."""

    def changes(self) -> range:
        """Give the frames whose change from the frame before belongs to the join: one for a cut, more for a fade."""
        return range(self.frame - self.fade, self.frame + 1)


@dataclass(frozen=True)
class Seams:
    """How joins compare with what is between them."""

    ratio: float
    """Mean over all joins; 1 is invisible."""
    worst: float
    """The most visible join's."""
    worst_frame: int
    """Where that is."""
    ratios: tuple[float, ...]
    """Each join's."""


def seen_change(before: Tensor, after: Tensor) -> float:
    """Give the motion-compensated change between two frames at the size at which seams are measured.

    Args:
        before: (3, H, W) uint8 or float in [0, 1].
        after: The same.
    """
    return frame_change(shrunk(before, SEEN_PX), shrunk(after, SEEN_PX))


def find_seams(changes: Sequence[float], joins: Sequence[Join]) -> Seams | None:
    """Compare the change at joins with the change inside chunks.

    A join's ratio is the mean of the changes that belong to it, over the median of those inside the two chunks that it
    joins: what moves fast changes more, at joins as elsewhere, so a join is held against its own neighbourhood.

    Args:
        changes: Motion-compensated change of frame i from frame i - 1; the first is not used.
        joins: In order.

    Returns:
        The seams; None where there is no join, or nothing inside to hold one against.
    """
    belongs = {frame for join in joins for frame in join.changes()}
    ends = [0, *(join.frame for join in joins), len(changes)]
    ratios: list[float] = []
    for index, join in enumerate(joins):
        inside = [changes[i] for i in range(ends[index] + 1, ends[index + 2]) if i not in belongs]
        usual = median(inside) if inside else 0.0
        if usual > 0:
            ratios.append(fmean(changes[i] for i in join.changes()) / usual)
    if len(ratios) < max(1, len(joins)):
        return None
    worst = max(range(len(ratios)), key=ratios.__getitem__)
    return Seams(fmean(ratios), ratios[worst], joins[worst].frame, tuple(ratios))
