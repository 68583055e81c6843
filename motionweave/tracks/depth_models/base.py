"""What a depth model is: pictures in, inverse depth out."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


class DepthModel(Protocol):
    """Says how near each pixel is, frame by frame."""

    @property
    def digest(self) -> str:
        """Hash of its weights and settings."""
        ...

    @property
    def metric(self) -> bool:
        """Whether it knows metres; else its inverse depth has an unknown scale and shift, the same for a clip."""
        ...

    @property
    def module(self) -> nn.Module:
        """The network, so that the host can make room for it."""
        ...

    def inverse_depth(self, frames: Tensor) -> Tensor:
        """Estimate frames; the network must be on the device on which it is to run.

        Args:
            frames: (F, 3, H, W) uint8 RGB.

        Returns:
            (F, h, w) float32 on the processor, at the network's own resolution in the frames' shape, larger for nearer:
            per metre where it is `metric`.
        """
        ...
