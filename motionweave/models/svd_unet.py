"""SVD's UNet with doors for control: diffusers' class, whose forward takes none.

Weights, config and file layout are `UNetSpatioTemporalConditionModel`'s; without control the arithmetic is the same,
operation for operation (a test holds it to the bit).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor

from ..errors import InputError
from ..types import same_device
from .attention import TokenReader
from .injections import Injections, Tokens
from .step_cache import StepCache


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
    return _run_other_blocks(model, *_run_block(model.down_blocks[0], hidden, (hidden,), inputs), inputs)


def _run_other_blocks(
    model: Any, hidden: Tensor, skips: tuple[Tensor, ...], inputs: BlockInputs
) -> tuple[Tensor, tuple[Tensor, ...]]:
    for block in model.down_blocks[1:]:
        hidden, skips = _run_block(block, hidden, skips, inputs)
    return hidden, skips


def _run_block(
    block: Any, hidden: Tensor, skips: tuple[Tensor, ...], inputs: BlockInputs
) -> tuple[Tensor, tuple[Tensor, ...]]:
    extra = {"encoder_hidden_states": inputs.context} if getattr(block, "has_cross_attention", False) else {}
    hidden, made = block(hidden_states=hidden, temb=inputs.time, image_only_indicator=inputs.image_only, **extra)
    return hidden, skips + made


class SVDUNet(UNetSpatioTemporalConditionModel):
    """diffusers' SVD UNet, able to take what controls add."""

    @contextmanager
    def _reading(self, attention: Mapping[str, tuple[Tokens, ...]]) -> Iterator[None]:
        """Have attention layers read extra tokens inside the block; all others keep diffusers' processor."""
        layers = {name: self._attention(name) for name in attention}
        before = {name: layer.processor for name, layer in layers.items()}
        try:
            for name, tokens in attention.items():
                layers[name].processor = TokenReader(tokens)
            yield
        finally:
            for name, processor in before.items():
                layers[name].processor = processor

    def _attention(self, name: str) -> Any:
        try:
            return self.get_submodule(name)
        except AttributeError as error:
            raise InputError(
                f"a control has tokens for the attention layer {name}, which this UNet lacks; it was made for a UNet "
                "of another size"
            ) from error

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        added_time_ids: Tensor,
        injections: Injections | None = None,
        cache: StepCache | None = None,
        late: Callable[[], Injections | None] = lambda: None,
    ) -> Tensor:
        """Predict v for a window.

        Args:
            sample: (B, F, 8, h, w): scaled noisy latents and image latents; h and w multiples of 2^(levels - 1).
            timestep: Scalar, 0.25 ln(sigma).
            encoder_hidden_states: (B, T, D).
            added_time_ids: (B, 3): fps - 1, motion bucket, noise augmentation.
            injections: What controls add, if any.
            cache: The window's, where this step may reuse the last one that ran in full; None to run in full.
            late: Gives what controls add after the first block; not asked where the last step is reused.

        Returns:
            (B, F, 4, h, w).

        Raises:
            InputError: If a control has tokens for a layer that is not there.
        """
        add = injections or Injections()
        inputs = BlockInputs.embed(self, sample, timestep, encoder_hidden_states, added_time_ids)
        if add.style is not None:
            inputs = replace(inputs, time=inputs.time + same_device(add.style, inputs.time))
        hidden = self.conv_in(sample.flatten(0, 1))
        if add.stem is not None:
            hidden = hidden + same_device(add.stem, hidden)
        with self._reading(add.attention):
            hidden = self._run_blocks(hidden, inputs, add, cache, late)
        hidden = self.conv_out(self.conv_act(self.conv_norm_out(hidden)))
        return hidden.reshape(*sample.shape[:2], *hidden.shape[1:])  # B F 4 h w

    def _run_blocks(
        self,
        stem: Tensor,
        inputs: BlockInputs,
        add: Injections,
        cache: StepCache | None,
        late: Callable[[], Injections | None],
    ) -> Tensor:
        """Run all blocks on (B*F, C, h, w), or the first alone where the cache knows the rest."""
        hidden, skips = _run_block(self.down_blocks[0], stem, (stem,), inputs)

        def rest() -> Tensor:
            return self._run_rest(hidden, skips, inputs, add + (late() or Injections()))

        if cache is None:
            return rest()
        feature = next(skip for skip in reversed(skips) if skip.shape == stem.shape)
        return cache.run(stem, feature, len(inputs.image_only), rest)

    def _run_rest(self, hidden: Tensor, skips: tuple[Tensor, ...], inputs: BlockInputs, add: Injections) -> Tensor:
        """Run what follows the first block."""
        for added in add.first_block:
            hidden = added.add_to(hidden)
        hidden, skips = _run_other_blocks(self, hidden, skips, inputs)
        if add.residuals is not None:
            skips = tuple(
                skip + same_device(added, skip) for skip, added in zip(skips, add.residuals.down, strict=True)
            )
        hidden = self.mid_block(
            hidden_states=hidden,
            temb=inputs.time,
            encoder_hidden_states=inputs.context,
            image_only_indicator=inputs.image_only,
        )
        if add.residuals is not None:
            hidden = hidden + same_device(add.residuals.mid, hidden)
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
        return hidden
