"""Camera control: Pluecker rays through a small pyramid onto the skip connections.

Source: He et al., "CameraCtrl" (2024), section 3.2, for the rays and the pyramid. Otherwise than there, its maps are
added to the skips as a ControlNet's are, not in the temporal attentions, so that the UNet's own layers stay as they
are. Rays and not tokens, because a token for a frame cannot say where in the picture something moves.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from .injections import Adapter, ControlResiduals, Injections, UNetInputs

RAY = 6
"""Numbers of a ray: moment and direction."""
GAIN = 10.0
"""Brings the difference between two rays to about 1: a turn of six degrees moves a direction by a tenth."""


class CameraEncoder(Adapter, ModelMixin, ConfigMixin):
    """Convolutions on rays, one map for each skip connection."""

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        layers_per_block: int = 2,
        hidden: int = 256,
    ) -> None:
        """Build the pyramid.

        Args:
            block_out_channels: The UNet's.
            layers_per_block: The UNet's.
            hidden: Channels of the pyramid.
        """
        super().__init__()
        last = len(block_out_channels) - 1
        places = [(block_out_channels[0], 0)]
        for level, width in enumerate(block_out_channels):
            places += [(width, level)] * layers_per_block + ([(width, level + 1)] if level < last else [])
        self.levels = tuple(level for _, level in places)
        self.conv_in = nn.Conv2d(2 * RAY, hidden, 3, padding=1)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.SiLU(),
                nn.Conv2d(hidden, hidden, 3, padding=1, stride=1 if level == 0 else 2),
                nn.SiLU(),
                nn.Conv2d(hidden, hidden, 3, padding=1),
            )
            for level in range(last + 1)
        )
        self.down = nn.ModuleList(_silent(hidden, width) for width, _ in places)
        self.mid = _silent(hidden, block_out_channels[-1])

    def encode(self, rays: Tensor, origin: Tensor) -> ControlResiduals:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Turn a window's rays into maps for the skips.

        Args:
            rays: (F, 6, h, w) through the middle of each latent cell, in the axes of the reference's view.
            origin: (1, 6, h, w): those of the reference's view itself.

        Returns:
            Residuals of F frames.
        """
        told = torch.cat([GAIN * (rays - origin), origin.expand(len(rays), -1, -1, -1)], 1)
        hidden, maps = self.conv_in(told), list[Tensor]()
        for index, stage in enumerate(self.stages):
            made = stage(hidden)
            hidden = hidden + made if index == 0 else made
            maps.append(hidden)
        down = tuple(project(maps[level]) for project, level in zip(self.down, self.levels, strict=True))
        return ControlResiduals(down, self.mid(maps[-1]))

    def forward(self, inputs: UNetInputs, features: ControlResiduals) -> Injections:
        """Add the maps.

        Args:
            inputs: The UNet's own.
            features: From `encode`.
        """
        down = tuple(inputs.rows(each) for each in features.down)
        return Injections(residuals=ControlResiduals(down, inputs.rows(features.mid)))


def _silent(inner: int, outer: int) -> nn.Conv2d:
    conv = nn.Conv2d(inner, outer, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]
    return conv
