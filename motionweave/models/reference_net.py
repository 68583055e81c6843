"""ReferenceNet: the SVD UNet's spatial half reads the reference once, and the UNet attends to what it found.

Source: Hu et al., "Animate Anyone" (2024), section 3.2; MooreThreads/Moore-AnimateAnyone, `mutual_self_attention.py`:
every spatial self-attention also reads the normalised hidden states of the same layer in a second network that sees
the clean reference at noise level zero. Otherwise than there: no public weights exist for SVD, so the network is SVD's
own spatial layers (its temporal ones are left out, as for a single picture), layers are paired by name, each has a
linear reader that begins as the identity, several references are read side by side, and a strength weighs their tokens.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from .injections import Adapter, Injections, JoinedTokens, UNetInputs
from .svd_unet import BlockInputs, run_down_blocks

CLEAN = 0.25 * math.log(0.002)
"""SVD's timestep at its lowest noise level, that of a finished picture."""
TIME_IDS = (6.0, 127.0, 0.0)
"""fps - 1, motion bucket and noise augmentation: SVD's own defaults, without noise."""
SCALING = 0.18215
"""From image latents, which SVD does not scale, to those that it denoises."""


class SpatialResnet(nn.Module):
    """The part of a resnet that sees one frame at a time."""

    def __init__(self, whole: Any) -> None:
        """Take it from SVD's resnet."""
        super().__init__()
        self.spatial_res_block = whole.spatial_res_block

    def forward(self, hidden: Tensor, time: Tensor, image_only_indicator: Tensor | None = None) -> Tensor:
        """Run on (N, C, h, w)."""
        del image_only_indicator
        return self.spatial_res_block(hidden, time)


class SpatialTransformer(nn.Module):
    """The part of an attention stage that sees one frame at a time."""

    def __init__(self, whole: Any) -> None:
        """Take it from SVD's stage."""
        super().__init__()
        self.norm, self.proj_in, self.proj_out = whole.norm, whole.proj_in, whole.proj_out
        self.transformer_blocks = whole.transformer_blocks

    def forward(self, hidden: Tensor, encoder_hidden_states: Tensor, **_: Any) -> tuple[Tensor]:
        """Run on (N, C, h, w), whose diffusers-style result is a tuple of one."""
        states = self.proj_in(self.norm(hidden).flatten(2).transpose(1, 2))  # N h*w C
        for block in self.transformer_blocks:
            states = block(states, encoder_hidden_states=encoder_hidden_states)
        return (hidden + self.proj_out(states).transpose(1, 2).view_as(hidden),)


class ReferenceNet(Adapter, ModelMixin, ConfigMixin):
    """SVD's spatial layers up to the last attention, and a reader for each."""

    @register_to_config
    def __init__(self, unet: dict[str, Any], scaling: float = SCALING) -> None:
        """Build the network.

        Args:
            unet: Config of the UNet that it belongs to.
            scaling: The VAE's scaling factor.
        """
        super().__init__()
        self.scaling = scaling
        whole: Any = UNetSpatioTemporalConditionModel.from_config(unet)
        self.conv_in, self.time_proj, self.time_embedding = whole.conv_in, whole.time_proj, whole.time_embedding
        self.add_time_proj, self.add_embedding = whole.add_time_proj, whole.add_embedding
        self.down_blocks, self.mid_block, self.up_blocks = whole.down_blocks, whole.mid_block, whole.up_blocks
        for block in (*self.down_blocks, self.mid_block, *self.up_blocks):
            block.resnets = nn.ModuleList(SpatialResnet(each) for each in block.resnets)
            if getattr(block, "has_cross_attention", False) or block is self.mid_block:
                block.attentions = nn.ModuleList(SpatialTransformer(each) for each in block.attentions)
        self.names = tuple(name for name, _ in self.named_modules() if name.endswith(".attn1"))
        self.readers = nn.ModuleDict({name.replace(".", "/"): self._reader(name) for name in self.names})

    def _reader(self, name: str) -> nn.Linear:
        layer: Any = self.get_submodule(name)
        reader = nn.Linear(layer.to_q.in_features, layer.to_q.in_features, bias=False)
        nn.init.eye_(reader.weight)
        return reader

    @classmethod
    def from_unet(cls, unet: UNetSpatioTemporalConditionModel, scaling: float = SCALING) -> ReferenceNet:
        """Start from a copy of a UNet's spatial layers, which works without any training.

        Args:
            unet: The UNet that will read it.
            scaling: The VAE's scaling factor.
        """
        net = cls({name: value for name, value in unet.config.items() if not name.startswith("_")}, scaling)
        own = unet.state_dict()
        net.load_state_dict({name: own.get(name, value) for name, value in net.state_dict().items()})
        # Not ModelMixin's `to`, which warns of layers that are to stay wide; there are none here.
        nn.Module.to(net, dtype=unet.dtype)
        return net

    def encode(self, latents: Tensor, tokens: Tensor) -> Injections:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Read references; nothing of it changes from step to step or window to window.

        Args:
            latents: (N, 4, h, w) image latents of N pictures of the character, not scaled.
            tokens: (N, T, D) their image tokens.

        Returns:
            What every pass with the image attends to beside itself.
        """
        read = self.read(latents, tokens)
        return Injections(attention={name: (JoinedTokens(each.flatten(0, 1)[None]),) for name, each in read.items()})

    def read(self, latents: Tensor, tokens: Tensor) -> dict[str, Tensor]:
        """Give what each layer found in each reference, (N, h*w, C) by attention layer; arguments as `encode`'s."""
        seen: dict[str, Tensor] = {}

        def keep(name: str) -> Any:
            return lambda _layer, given, _made: seen.__setitem__(name, given[0])

        hooks = [self.get_submodule(name).register_forward_hook(keep(name)) for name in self.names]
        try:
            self._run(latents, tokens)
        finally:
            for hook in hooks:
                hook.remove()
        return {name: self.readers[name.replace(".", "/")](states) for name, states in seen.items()}

    def _run(self, latents: Tensor, tokens: Tensor) -> None:
        """Run all layers that come before the last attention's end."""
        sample = torch.cat([latents * self.scaling, latents], 1)[:, None]  # N 1 8 h w
        time_ids = torch.tensor([TIME_IDS] * len(sample), dtype=sample.dtype, device=sample.device)
        timestep = torch.tensor(CLEAN, dtype=sample.dtype, device=sample.device)
        inputs = BlockInputs.embed(self, sample, timestep, tokens, time_ids)
        given: dict[str, Any] = {"temb": inputs.time, "image_only_indicator": inputs.image_only}
        hidden, skips = run_down_blocks(self, self.conv_in(sample.flatten(0, 1)), inputs)
        hidden = self.mid_block(hidden, encoder_hidden_states=inputs.context, **given)
        for block in self.up_blocks:
            count = len(block.resnets)  # pyright: ignore[reportArgumentType]
            extra = {"encoder_hidden_states": inputs.context} if getattr(block, "has_cross_attention", False) else {}
            hidden = block(hidden_states=hidden, res_hidden_states_tuple=skips[-count:], **given, **extra)
            skips = skips[:-count]

    def forward(self, inputs: UNetInputs, features: Injections) -> Injections:
        """Hand the tokens on.

        Args:
            inputs: The UNet's own.
            features: From `encode`.
        """
        del inputs
        return features
