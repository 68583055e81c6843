"""A light encoder, learnt from films whose light is known, or was estimated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbones.base import ActiveControl
from ..dataset.windows import WindowBatch
from ..errors import InputError
from ..models.injections import Injections, UNetInputs
from .tuning_adapters import Learner
from .tuning_recipe import TuningRecipe


@dataclass(frozen=True)
class LightLearner(Learner):
    """A `LightEncoder`, whole."""

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections:  # noqa: ARG002
        """Give style and tokens."""
        return self.net(inputs, self.net.encode(batch.light.flatten(0, 1)))

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:
        """Give the light."""
        return (ActiveControl(self.net, "tuned", (window.light,), torch.ones(len(window.light)), moving=1),)


def build_light(backbone: Any, recipe: TuningRecipe) -> LightLearner:
    """Begin an encoder, or go on with one.

    Args:
        backbone: Whose layers will read it.
        recipe: Its widths, or the folder of one to go on from.

    Raises:
        InputError: If the one to go on from is another kind of model, or of another backbone.
    """
    from ..controls.adapters import load_adapter
    from ..models.layer_tokens import spatial_cross_attention
    from ..models.light_encoder import LightEncoder

    layers, config = spatial_cross_attention(backbone.unet), backbone.unet.config
    if not recipe.begin:
        options, width = recipe.light, int(config.cross_attention_dim)
        style = 4 * int(config.block_out_channels[0])  # the width of the UNet's time embedding
        return LightLearner(LightEncoder(layers, options.hidden, width, options.tokens, style))
    net = load_adapter(Path(recipe.begin), kind="LightEncoder").net
    if dict(net.config["layers"]) != dict(layers):
        raise InputError(f"{recipe.begin} was made for another backbone than {recipe.backbone}; begin with its own")
    return LightLearner(net)
