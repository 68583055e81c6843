"""Classifier-free guidance: how far to move away from what the network says without the image, or without controls."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..backbones.base import Pass
from ..errors import InputError


@dataclass(frozen=True)
class Guidance:
    """How strongly the image and the controls count.

    With c = image and controls, a = image alone, v = controls alone, u = neither, s = the image's scale for each frame
    and k = the controls' scale, the mix is

    - k = 1: v + s (c - v), the published form, in which both sides see the controls;
    - otherwise: u + s (a - u) + k (c - a), which with s = 1 is a + k (c - a).

    So s = k = 1 is c itself in both forms, and only the passes of the form in use are run. Both forms move by s - 1
    along the image's direction; the first measures it under the controls, the second without them.

    The image's scale is constant by default. SVD's own ramp rises from the first to the last frame of a window; over
    many windows that is a saw-tooth in contrast at every join, so it is allowed only where one window makes the whole
    video.

    Source: Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), eq. 6; Brooks et al., "InstructPix2Pix"
    (2023), eq. 3, with the image in the place of their image and the controls in that of their text, as Sonic does
    with sound.
    """

    scale: float
    """The image's, at the last frame; 1 is no guidance."""
    first: float | None = None
    """The image's, at the first frame, rising linearly; None for a constant scale."""
    control: float = 1.0
    """The controls'; 1 lets them act as they were trained to, 0 not at all."""

    def __post_init__(self) -> None:
        """Refuse scales that mean nothing."""
        for value in (self.scale, self.scale if self.first is None else self.first):
            if not 1 <= value <= 100:
                raise InputError(f"a guidance scale of {value} was given; expected 1 (none) to 100, usually 1.5 to 4")
        if not 0 <= self.control <= 100:
            raise InputError(
                f"a control guidance of {self.control} was given; expected 0 to 100: 1 is none, usually up to 8"
            )

    @property
    def guided(self) -> bool:
        """Whether the network must also run without the image."""
        return max(self.scale, self.first or 1) > 1

    def per_frame(self, frame_count: int) -> Tensor:
        """Give the image's scale at each frame, (F, 1, 1, 1) float32."""
        first = self.scale if self.first is None else self.first
        return torch.linspace(first, self.scale, frame_count).view(-1, 1, 1, 1)

    @property
    def passes(self) -> tuple[Pass, ...]:
        """The passes that are mixed, the fullest last; the one without the image comes first, as in diffusers."""
        if self.control == 1:
            return (Pass(image=False), Pass()) if self.guided else (Pass(),)
        pair = (Pass(controls=False), Pass())
        return (Pass(image=False, controls=False), *pair) if self.guided else pair

    def combine(self, predictions: tuple[Tensor, ...]) -> Tensor:
        """Mix the predictions.

        Args:
            predictions: One (F, C, h, w) for each of `passes`.

        Returns:
            (F, C, h, w).
        """
        mixed, *richer = predictions
        scales: list[Tensor | float] = [self.per_frame(mixed.shape[0]).to(mixed.device)] if self.guided else []
        scales += [self.control] if self.control != 1 else []
        poorer = mixed
        for scale, prediction in zip(scales, richer, strict=True):
            mixed, poorer = mixed + scale * (prediction - poorer), prediction
        return mixed
