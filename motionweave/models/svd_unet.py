"""SVD's UNet with doors for control: diffusers' class, whose forward takes no ControlNet residuals.

Weights, config and file layout are `UNetSpatioTemporalConditionModel`'s; without residuals the arithmetic is the same,
operation for operation (a test holds it to the bit).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor


@dataclass(frozen=True)
class ControlResiduals:
    """What a ControlNet adds to the UNet."""

    down: tuple[Tensor, ...]
    """One (B*F, C, h, w) tensor for each skip connection, in the order in which they are made."""
    mid: Tensor
    """(B*F, C, h, w), added after the middle block."""

    def __add__(self, other: ControlResiduals) -> ControlResiduals:
        """Sum two controls."""
        down = tuple(mine + its for mine, its in zip(self.down, other.down, strict=True))
        return ControlResiduals(down, self.mid + other.mid)

    def scaled(self, factor: Tensor) -> ControlResiduals:
        """Multiply every residual by a factor that broadcasts over (B*F, C, h, w)."""
        return ControlResiduals(tuple(factor * residual for residual in self.down), factor * self.mid)


@dataclass(frozen=True)
class BlockInputs:
    """What every block is given beside the hidden states; the batch and frame axes are folded."""

    time: Tensor
    """(B*F, D) embedding of noise level, fps, motion bucket and augmentation."""
    context: Tensor
    """(B*F, T, D) cross-attention tokens."""
    image_only: Tensor
    """(B, F), zero: every frame is part of a video."""

    @classmethod
    def embed(cls, model: Any, sample: Tensor, timestep: Tensor, context: Tensor, time_ids: Tensor) -> BlockInputs:
        """Embed the inputs with a model's own layers.

        Args:
            model: A UNet or ControlNet with `time_proj`, `time_embedding`, `add_time_proj` and `add_embedding`.
            sample: (B, F, C, h, w); sizes and precision are taken from it.
            timestep: Scalar or (1,), 0.25 ln(sigma).
            context: (B, T, D).
            time_ids: (B, 3): fps - 1, motion bucket, noise augmentation.
        """
        batch, frames = sample.shape[:2]
        steps = timestep.reshape(-1).to(sample.device).expand(batch)
        time = model.time_embedding(model.time_proj(steps).to(dtype=sample.dtype))
        added = model.add_time_proj(time_ids.flatten()).reshape(batch, -1).to(time.dtype)
        time = time + model.add_embedding(added)
        return cls(
            time=time.repeat_interleave(frames, dim=0),
            context=context.repeat_interleave(frames, dim=0),
            image_only=torch.zeros(batch, frames, dtype=sample.dtype, device=sample.device),
        )


def run_down_blocks(model: Any, hidden: Tensor, inputs: BlockInputs) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run the encoder half.

    Args:
        model: A UNet or ControlNet.
        hidden: (B*F, C, h, w) after `conv_in`.
        inputs: What every block is given.

    Returns:
        The last hidden states and all skip connections, `hidden` first.
    """
    skips: tuple[Tensor, ...] = (hidden,)
    for block in model.down_blocks:
        extra = {"encoder_hidden_states": inputs.context} if getattr(block, "has_cross_attention", False) else {}
        hidden, made = block(hidden_states=hidden, temb=inputs.time, image_only_indicator=inputs.image_only, **extra)
        skips += made
    return hidden, skips


class SVDUNet(UNetSpatioTemporalConditionModel):
    """diffusers' SVD UNet, able to take ControlNet residuals."""

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        added_time_ids: Tensor,
        residuals: ControlResiduals | None = None,
    ) -> Tensor:
        """Predict v for a window.

        Args:
            sample: (B, F, 8, h, w): scaled noisy latents and image latents; h and w multiples of 2^(levels - 1).
            timestep: Scalar, 0.25 ln(sigma).
            encoder_hidden_states: (B, T, D).
            added_time_ids: (B, 3): fps - 1, motion bucket, noise augmentation.
            residuals: What ControlNets add, if any.

        Returns:
            (B, F, 4, h, w).
        """
        batch, frames = sample.shape[:2]
        inputs = BlockInputs.embed(self, sample, timestep, encoder_hidden_states, added_time_ids)
        hidden, skips = run_down_blocks(self, self.conv_in(sample.flatten(0, 1)), inputs)
        if residuals is not None:
            skips = tuple(skip + added for skip, added in zip(skips, residuals.down, strict=True))
        hidden = self.mid_block(
            hidden_states=hidden,
            temb=inputs.time,
            encoder_hidden_states=inputs.context,
            image_only_indicator=inputs.image_only,
        )
        if residuals is not None:
            hidden = hidden + residuals.mid
        for block in self.up_blocks:
            count = len(block.resnets)  # pyright: ignore[reportArgumentType]
            extra = {"encoder_hidden_states": inputs.context} if getattr(block, "has_cross_attention", False) else {}
            hidden = block(
                hidden_states=hidden,
                temb=inputs.time,
                res_hidden_states_tuple=skips[-count:],
                image_only_indicator=inputs.image_only,
                **extra,
            )
            skips = skips[:-count]
        hidden = self.conv_out(self.conv_act(self.conv_norm_out(hidden)))
        return hidden.reshape(batch, frames, *hidden.shape[1:])  # B F 4 h w
