"""The same numbers with less work: what SVD's networks in diffusers do in a roundabout way.

Parameters keep their names and shapes, results stay within rounding (a test holds them to 1e-5). Both save the most
where SVD spends: its context is a single CLIP token, and every second residual block convolves over time alone.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class OneTokenReader:
    """Cross-attention to a single token: its weight is 1 whatever the query says, so the query is left out."""

    def __init__(self, otherwise: Any) -> None:
        """Keep the processor that reads several tokens."""
        self.otherwise = otherwise

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **others: Any
    ) -> Tensor:
        """Attend.

        Args:
            attn: The layer.
            hidden_states: (N, L, C).
            encoder_hidden_states: (N, T, D) tokens.
            others: What diffusers also hands over; SVD's blocks give nothing here.
        """
        if encoder_hidden_states is None or encoder_hidden_states.shape[1] != 1:
            return self.otherwise(attn, hidden_states, encoder_hidden_states, **others)
        value = attn.to_out[1](attn.to_out[0](attn.to_v(encoder_hidden_states)))
        return value.expand(-1, hidden_states.shape[1], -1)


class TimeConvolution(nn.Conv3d):
    """A convolution over time alone, run in two dimensions: (frames, pixels).

    torch's three-dimensional convolution is two to three times slower on CPUs and unfolds its input in memory.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (B, C, F, H, W) over F."""
        flat = F.conv2d(input.flatten(3), self.weight.squeeze(-1), self.bias, padding=(self.kernel_size[0] // 2, 0))
        return flat.unflatten(3, input.shape[3:])


def take_shortcuts(net: nn.Module) -> None:
    """Let a UNet, a ControlNet or a VAE of SVD's kind take the shortcuts, in place.

    Args:
        net: Its parameters are shared, not copied; a second call changes nothing.
    """
    for layer in net.modules():
        if getattr(layer, "is_cross_attention", False) and not isinstance(layer.processor, OneTokenReader):
            attention: Any = layer
            attention.processor = OneTokenReader(attention.processor)
        for name, child in layer.named_children():
            if type(child) is nn.Conv3d and _is_over_time(child):
                setattr(layer, name, _as_time_convolution(child))


def _is_over_time(layer: nn.Conv3d) -> bool:
    along = layer.kernel_size[0]
    return (
        layer.kernel_size == (along, 1, 1)
        and layer.padding == (along // 2, 0, 0)
        and layer.stride == layer.dilation == (1, 1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
    )


def _as_time_convolution(layer: nn.Conv3d) -> TimeConvolution:
    along = layer.kernel_size[0]
    size, padding = (along, 1, 1), (along // 2, 0, 0)
    made = TimeConvolution(layer.in_channels, layer.out_channels, size, padding=padding, device="meta")
    made.weight, made.bias = layer.weight, layer.bias
    return made.train(layer.training)
