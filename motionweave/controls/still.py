"""Controls without a clock: what they tell is the same in every window."""

from __future__ import annotations

import sys
from abc import abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from torch import Tensor, nn

from ..backbones.base import Conditioning
from ..tracks.timeline import Curve
from ..types import Window
from .base import LoadedNetwork, check_strength, strength_over, with_control

CLOCK = 1_000_000
"""Largest denominator of a frame rate that is read back from a float."""


@dataclass(frozen=True)
class StillControl:
    """Something that an adapter is told of once; what it is, is up to each kind."""

    network: LoadedNetwork
    """The adapter and its digest."""
    strength: float | Curve = 1.0
    """Factor on what the adapter adds, or a curve of it over the video's seconds; 0 changes nothing."""
    active: tuple[float, float] = (0.0, 1.0)
    """Part of the schedule in which it acts."""

    name: ClassVar[str]
    """What is controlled, for messages."""
    moving: ClassVar[int] = 0
    """Nothing it tells has a value for each frame."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        check_strength(self.name, self.strength, self.active)

    @property
    def module(self) -> nn.Module:
        """The adapter."""
        return self.network.net

    @property
    def frame_count(self) -> int:
        """Any number."""
        return sys.maxsize

    def resample(self, fps: Fraction) -> StillControl:
        """Give the control itself: it is the same at any frame rate."""
        del fps
        return self

    @abstractmethod
    def signal(self, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give what the adapter's `encode` reads."""

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Add the adapter.

        Args:
            conditioning: What there is so far.
            window: Frames of the video.

        Returns:
            The same with one more control; the very same where the strength is 0 in every frame.
        """
        strength = strength_over(self.strength, window, Fraction(conditioning.fps).limit_denominator(CLOCK))
        if not strength.any():
            return conditioning
        return with_control(conditioning, self, strength, self.signal(conditioning))
