"""Classifier-free guidance: how far to move away from what the network says without the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..backbones.base import Pass
from ..errors import InputError


@dataclass(frozen=True)
class Guidance:
    """A guidance scale for each frame of a window.

    Constant by default. SVD's own ramp rises from the first to the last frame of a window; over many windows that is a
    saw-tooth in contrast at every join, so it is allowed only where one window makes the whole video.
    """

    scale: float
    """At the last frame; 1 is no guidance."""
    first: float | None = None
    """At the first frame, rising linearly; None for a constant scale."""

    def __post_init__(self) -> None:
        """Refuse scales that mean nothing."""
        for value in (self.scale, self.scale if self.first is None else self.first):
            if not 1 <= value <= 100:
                raise InputError(f"a guidance scale of {value} was given; expected 1 (none) to 100, usually 1.5 to 4")

    @property
    def guided(self) -> bool:
        """Whether the network must also run without the image."""
        return max(self.scale, self.first or 1) > 1

    def per_frame(self, frame_count: int) -> Tensor:
        """Give the scale of each frame, (F, 1, 1, 1) float32."""
        first = self.scale if self.first is None else self.first
        return torch.linspace(first, self.scale, frame_count).view(-1, 1, 1, 1)

    @property
    def passes(self) -> tuple[Pass, ...]:
        """The passes that are mixed; the one without the image comes first, as in diffusers."""
        return (Pass(image=False), Pass()) if self.guided else (Pass(),)

    def combine(self, predictions: tuple[Tensor, ...]) -> Tensor:
        """Mix the predictions.

        Args:
            predictions: One (F, C, h, w) for each of `passes`.

        Returns:
            (F, C, h, w).
        """
        if not self.guided:
            return predictions[0]
        unconditional, conditional = predictions
        scale = self.per_frame(conditional.shape[0]).to(conditional.device)
        return unconditional + scale * (conditional - unconditional)
