"""A camera encoder, learnt from films whose camera is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbones.base import ActiveControl
from ..controls.camera import moved
from ..dataset.windows import WindowBatch
from ..errors import InputError
from ..models.injections import Injections, UNetInputs
from ..tracks.camera_rays import view_grid
from .tuning_adapters import Learner
from .tuning_recipe import TuningRecipe


@dataclass(frozen=True)
class CameraLearner(Learner):
    """A `CameraEncoder`, whole."""

    moves_reference: bool
    """Whether frames are drawn from the reference as the camera sees it, as Apply Camera does unless it is told not."""

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections:  # noqa: ARG002
        """Give maps for the skips."""
        origins = batch.origin.repeat_interleave(batch.rays.shape[1], 0)
        return self.net(inputs, self.net.encode(batch.rays.flatten(0, 1), origins))

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:
        """Give the rays, and those of the reference's view."""
        signal = (window.rays, window.origin[None])
        return (ActiveControl(self.net, "tuned", signal, torch.ones(len(window.rays)), moving=1),)

    def shown(self, batch: WindowBatch) -> Tensor:
        """Give the reference as each frame's camera sees it."""
        if not self.moves_reference:
            return super().shown(batch)
        pairs = zip(batch.reference, batch.rays, batch.origin, strict=True)
        return torch.stack([moved(one, view_grid(rays, origin[None])) for one, rays, origin in pairs])


def build_camera(backbone: Any, recipe: TuningRecipe) -> CameraLearner:
    """Begin an encoder, or go on with one.

    Args:
        backbone: Whose skips it is added to, and what it takes the picture for.
        recipe: Its width, or the folder of one to go on from.

    Raises:
        InputError: If the one to go on from is another kind of model, or of another backbone.
    """
    from ..controls.adapters import load_adapter
    from ..models.camera_encoder import CameraEncoder

    config, moves = backbone.unet.config, backbone.facts.image_role == "reference"
    channels, layers = tuple(config.block_out_channels), int(config.layers_per_block)
    if not recipe.begin:
        return CameraLearner(CameraEncoder(channels, layers, recipe.camera.hidden), moves)
    net = load_adapter(Path(recipe.begin), kind="CameraEncoder").net
    if (tuple(net.config["block_out_channels"]), int(net.config["layers_per_block"])) != (channels, layers):
        raise InputError(f"{recipe.begin} was made for another backbone than {recipe.backbone}; begin with its own")
    return CameraLearner(net, moves)
