"""Keys and values for the UNet's cross-attention layers, made of a control's own tokens (IP-Adapter's scheme)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from .injections import AddedTokens, UNetInputs

KeysAndValues = dict[str, tuple[Tensor, Tensor]]
"""By attention layer, each (F, T, C)."""


def spatial_cross_attention(unet: Any) -> dict[str, int]:
    """Give the channels of each layer of a UNet that reads the image's tokens frame by frame, by its name."""
    layers = {name: layer for name, layer in unet.named_modules() if name.endswith(".attn2")}
    return {name: layer.to_q.out_features for name, layer in layers.items() if ".transformer_blocks." in name}


class LayerTokens(nn.Module):
    """Two projections for each attention layer. Values begin at zero, so that an untrained control adds nothing."""

    def __init__(self, layers: Mapping[str, int], width: int) -> None:
        """Build them.

        Args:
            layers: Channels of each layer, by its name in the UNet.
            width: Channels of the tokens.
        """
        super().__init__()
        self.names = tuple(layers)
        # A module's name may have no dots.
        self.to_k, self.to_v = (
            nn.ModuleDict({name.replace(".", "/"): nn.Linear(width, size, bias=False) for name, size in layers.items()})
            for _ in range(2)
        )
        for value in self.to_v.values():
            nn.init.zeros_(value.weight)  # pyright: ignore[reportArgumentType]

    def forward(self, tokens: Tensor) -> KeysAndValues:
        """Project tokens (F, T, D)."""
        keys = {name: name.replace(".", "/") for name in self.names}
        return {name: (self.to_k[key](tokens), self.to_v[key](tokens)) for name, key in keys.items()}


def added_tokens(
    inputs: UNetInputs, made: KeysAndValues, mask: Tensor | None = None
) -> dict[str, tuple[AddedTokens, ...]]:
    """Give a window's tokens to every pass.

    Args:
        inputs: The UNet's own.
        made: From `LayerTokens`.
        mask: (F, h, w) in [0, 1]: where they count; None for everywhere.
    """
    where = None if mask is None else inputs.rows(mask)
    return {
        name: (AddedTokens(inputs.rows(key), inputs.rows(value), mask=where),) for name, (key, value) in made.items()
    }
