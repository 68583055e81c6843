"""What a pose estimator is: footage in, people's keypoints out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from torch import Tensor

from ..keypoints import Person


class PoseEstimator(Protocol):
    """Finds people and their keypoints in consecutive frames."""

    @property
    def digest(self) -> str:
        """Hash of its weights and of every setting that changes what it finds."""
        ...

    @property
    def batch_size(self) -> int:
        """Frames that it likes to be given together."""
        ...

    def people(self, batches: Iterable[Tensor]) -> Iterator[tuple[Person, ...]]:
        """Find everybody, frame by frame.

        Args:
            batches: Consecutive frames, each batch (F, 3, H, W) uint8 RGB, all of one size.

        Returns:
            For each frame, in order, its people in pixels of the frame; nobody is an empty tuple.
        """
        ...
