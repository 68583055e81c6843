"""Light as a style: spherical harmonics become a vector on the time embedding and a few tokens.

The vector tints every resnet alike, as SVD's own micro-conditions do (Podell et al., "SDXL", 2023, section 2.2); the
tokens let each place of the picture read the light in its own way, since shading depends on where a surface faces.
"""

from __future__ import annotations

from collections.abc import Mapping

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from .injections import Adapter, Injections, UNetInputs
from .layer_tokens import KeysAndValues, LayerTokens, added_tokens

COEFFICIENTS = 27
"""Nine of order 2 in three colours."""


class LightEncoder(Adapter, ModelMixin, ConfigMixin):
    """An MLP from a light to a style vector and tokens."""

    @register_to_config
    def __init__(
        self,
        layers: Mapping[str, int],
        hidden: int = 512,
        width: int = 1024,
        token_count: int = 8,
        time_width: int = 1280,
    ) -> None:
        """Build the encoder.

        Args:
            layers: Channels of each attention layer that reads the tokens, by its name in the UNet.
            hidden: Width of the MLP.
            width: Channels of a token.
            token_count: Tokens for a frame.
            time_width: Channels of the UNet's time embedding.
        """
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(COEFFICIENTS, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.to_style, self.to_tokens = nn.Linear(hidden, time_width), nn.Linear(hidden, token_count * width)
        self.norm, self.width = nn.LayerNorm(width), width
        self.attention = LayerTokens(layers, width)
        nn.init.zeros_(self.to_style.weight)
        nn.init.zeros_(self.to_style.bias)

    def encode(self, light: Tensor) -> tuple[KeysAndValues, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Turn a window's light into tokens and style.

        Args:
            light: (F, 9, 3) radiance coefficients.

        Returns:
            Keys and values of each layer, and the style vectors (F, D).
        """
        hidden = self.trunk(light.flatten(1))
        tokens = self.norm(self.to_tokens(hidden).unflatten(-1, (-1, self.width)))
        return self.attention(tokens), self.to_style(hidden)

    def forward(self, inputs: UNetInputs, features: tuple[KeysAndValues, Tensor]) -> Injections:
        """Add style and tokens.

        Args:
            inputs: The UNet's own.
            features: From `encode`.
        """
        made, style = features
        return Injections(style=inputs.rows(style), attention=added_tokens(inputs, made))
