"""What controls may add to one pass of the SVD UNet, and what a control's network looks like to the backbone.

Every published way of steering SVD is one of five places: ControlNet residuals on the skips, a map after the first
convolution, a map after the first block, a vector on the time embedding, tokens in attention layers. A control's
network, an `Adapter`, says what goes where; the UNet adds it up and knows no control by name.

Batches: B passes (with image, without ...) of F frames each are folded into B*F rows. A leading axis of 1 in place of
B*F means the same for all of them. Strengths live on the CPU, so that looking at one never waits for a device.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..types import same_device


def _ones() -> Tensor:
    return torch.ones(1)


@dataclass(frozen=True)
class UNetInputs:
    """What one pass of the UNet is given; adapters that look at the noisy sample get the same."""

    sample: Tensor
    """(B, F, 8, h, w): scaled noisy latents and image latents."""
    timestep: Tensor
    """Scalar, 0.25 ln(sigma)."""
    tokens: Tensor
    """(B, T, D): cross-attention tokens."""
    time_ids: Tensor
    """(B, 3): fps - 1, motion bucket, noise augmentation."""

    def within(self, dtype: torch.dtype) -> UNetInputs:
        """Give the same in the precision of an adapter, which need not be the UNet's."""
        sample, tokens, time_ids = (each.to(dtype) for each in (self.sample, self.tokens, self.time_ids))
        return replace(self, sample=sample, tokens=tokens, time_ids=time_ids)

    def rows(self, frames: Tensor) -> Tensor:
        """Repeat something (F, ...) for every pass: (B*F, ...), which is also taken as it is."""
        count = self.sample.shape[0] * self.sample.shape[1] // frames.shape[0]
        return frames.repeat(count, *[1] * (frames.ndim - 1))


@dataclass(frozen=True)
class ControlResiduals:
    """What a ControlNet adds to the skip connections."""

    down: tuple[Tensor, ...]
    """One (B*F, C, h, w) tensor for each skip connection, in the order in which they are made."""
    mid: Tensor
    """(B*F, C, h, w), added after the middle block."""

    def __add__(self, other: ControlResiduals) -> ControlResiduals:
        """Sum two controls."""
        down = tuple(mine + its for mine, its in zip(self.down, other.down, strict=True))
        return ControlResiduals(down, self.mid + other.mid)

    def scaled(self, factor: Tensor) -> ControlResiduals:
        """Multiply every residual by a factor (B*F,)."""
        return ControlResiduals(tuple(_times(each, factor) for each in self.down), _times(self.mid, factor))


@dataclass(frozen=True)
class CrossNormalised:
    """A map that takes on the mean and deviation of the hidden states it is added to (ControlNeXt)."""

    feature: Tensor
    """(1|B*F, C, h', w'): of any size, averaged over cells to that of the hidden states once it has been normalised."""
    strength: Tensor = field(default_factory=_ones)
    """(1|B*F,)."""

    def add_to(self, hidden: Tensor) -> Tensor:
        """Add the map to hidden states (B*F, C, h, w), normalised over channels and pixels of each frame."""
        axes, feature = (1, 2, 3), same_device(self.feature, hidden)
        mean, deviation = hidden.mean(axes, keepdim=True), hidden.std(axes, keepdim=True)
        own_mean, own_deviation = feature.mean(axes, keepdim=True), feature.std(axes, keepdim=True)
        normal = (feature - own_mean) * (deviation / (own_deviation + 1e-5)) + mean
        normal = F.adaptive_avg_pool2d(normal, (hidden.shape[-2], hidden.shape[-1]))
        return hidden + _times(normal, self.strength)


@dataclass(frozen=True)
class JoinedTokens:
    """Tokens that a self-attention reads beside its own, in the same softmax (reference attention)."""

    states: Tensor
    """(1|B*F, N, C) hidden states; the layer's own `to_k` and `to_v` read them."""
    strength: Tensor = field(default_factory=_ones)
    """(1|B*F,): multiplies the weight of each of these tokens before they are normalised; 0 leaves them out."""


@dataclass(frozen=True)
class AddedTokens:
    """Tokens that a layer's query reads in an attention of their own, whose result is added (IP-Adapter's scheme)."""

    key: Tensor
    """(1|B*F, T, C)."""
    value: Tensor
    """(1|B*F, T, C)."""
    strength: Tensor = field(default_factory=_ones)
    """(1|B*F,): factor on the result."""
    mask: Tensor | None = None
    """(1|B*F, h, w) in [0, 1]: where among the latent cells the result counts; None for everywhere."""
    cross_normalised: bool = False
    """Whether the result first takes on the mean and deviation of the layer's own (StableAnimator)."""


Tokens = JoinedTokens | AddedTokens


@dataclass(frozen=True)
class Injections:
    """Everything that controls add to one pass."""

    residuals: ControlResiduals | None = None
    """On the skips and after the middle block."""
    stem: Tensor | None = None
    """(1|B*F, C, h, w), added after `conv_in`, before the first skip (MimicMotion's PoseNet)."""
    first_block: tuple[CrossNormalised, ...] = ()
    """Added after the first down block, whose skips are collected before (ControlNeXt)."""
    style: Tensor | None = None
    """(1|B*F, D), added to the time embedding."""
    attention: Mapping[str, tuple[Tokens, ...]] = field(default_factory=dict[str, "tuple[Tokens, ...]"])
    """Tokens by attention layer, such as ``mid_block.attentions.0.transformer_blocks.0.attn2``."""

    def __add__(self, other: Injections) -> Injections:
        """Sum two controls."""
        names = [*self.attention, *(name for name in other.attention if name not in self.attention)]
        return Injections(
            residuals=_sum(self.residuals, other.residuals),
            stem=_sum(self.stem, other.stem),
            first_block=self.first_block + other.first_block,
            style=_sum(self.style, other.style),
            attention={name: (*self.attention.get(name, ()), *other.attention.get(name, ())) for name in names},
        )

    def scaled(self, factor: Tensor) -> Injections:
        """Multiply every strength by a factor (B*F,)."""

        def weaker(one: Any) -> Any:
            return replace(one, strength=one.strength * factor)

        return Injections(
            residuals=None if self.residuals is None else self.residuals.scaled(factor),
            stem=None if self.stem is None else _times(self.stem, factor),
            first_block=tuple(weaker(one) for one in self.first_block),
            style=None if self.style is None else _times(self.style, factor),
            attention={name: tuple(weaker(one) for one in tokens) for name, tokens in self.attention.items()},
        )


class Adapter(nn.Module):
    """A control's network.

    `encode` does what the noisy sample has no part in, once a window (once a run, where the signal stays the same);
    `forward` does the rest at every step.
    """

    late: ClassVar[bool] = False
    """Whether all it adds comes after the UNet's first block; a step that reuses what follows does without it."""

    @abstractmethod
    def encode(self, *signal: Tensor) -> Any:
        """Turn a window's signal into features."""

    @abstractmethod
    def forward(self, inputs: UNetInputs, features: Any) -> Injections:
        """Say what to add to one pass, at full strength."""


def _sum(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _times(value: Tensor, factor: Tensor) -> Tensor:
    """Multiply (1|B*F, ...) by a factor (1|B*F,)."""
    return value * same_device(factor, value).view(-1, *[1] * (value.ndim - 1))
