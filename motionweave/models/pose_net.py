"""MimicMotion's PoseNet, which StableAnimator has too: a few convolutions from pose maps to the UNet's first layer.

Source: Tencent/MimicMotion, `mimicmotion/modules/pose_net.py` (names and shapes); Zhang et al., "MimicMotion" (2024),
section 3.2. It takes no part in the noisy sample, so that all of it is done once a window.
"""

from __future__ import annotations

from typing import cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from ..weights.tensor_files import Shapes
from .injections import Adapter, Injections, UNetInputs


def _convolutions(widths: tuple[int, ...]) -> nn.Sequential:
    """Lay convolutions, each followed by SiLU: three pairs of one that looks and one that halves, then two more."""
    first, *halved, last = widths
    layers = [nn.Conv2d(3, first, 3, padding=1)]
    for into, out in zip((first, *halved), halved, strict=False):
        layers += [nn.Conv2d(into, out, 4, stride=2, padding=1), nn.Conv2d(out, out, 3, padding=1)]
    layers.append(nn.Conv2d(halved[-1], last, 3, padding=1))
    return nn.Sequential(*(each for layer in layers for each in (layer, nn.SiLU())))


class PoseNet(Adapter, ModelMixin, ConfigMixin):
    """Turns pose maps into a map that is added after the UNet's first convolution.

    It was trained with the maps left out of passes without the image, so a control that uses it acts in the others
    alone.
    """

    @register_to_config
    def __init__(self, channels: int = 320, widths: tuple[int, ...] = (3, 16, 32, 64, 128)) -> None:
        """Build the network.

        Args:
            channels: Channels after the UNet's first convolution.
            widths: Channels at full size, after each halving, and of the last layer.
        """
        super().__init__()
        self.conv_layers = _convolutions(widths)
        self.final_proj = nn.Conv2d(widths[-1], channels, 1)
        # Silent before it is trained, as published.
        nn.init.zeros_(self.final_proj.weight)
        nn.init.zeros_(cast(Tensor, self.final_proj.bias))
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    @classmethod
    def sized(cls, shapes: Shapes) -> PoseNet:
        """Build it in the widths of published tensors."""
        strided = [f"conv_layers.{index}.weight" for index in (0, 2, 6, 10, 14)]
        return cls(shapes["final_proj.weight"][0], tuple(shapes[name][0] for name in strided))

    def encode(self, pictures: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Encode pose maps.

        Args:
            pictures: (F, 3, H, W) in [-1, 1].

        Returns:
            (F, C, H / 8, W / 8).
        """
        return self.final_proj(self.conv_layers(pictures)) * self.scale

    def forward(self, inputs: UNetInputs, features: Tensor) -> Injections:
        """Hand the map on.

        Args:
            inputs: The UNet's own.
            features: From `encode`.
        """
        return Injections(stem=inputs.rows(features))
