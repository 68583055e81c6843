"""Adapters to begin with: new ones, copies of the backbone's layers, or ones that were trained before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from ..errors import InputError
from .tuning_adapters import ControlNetLearner, Learner, ReferenceLearner
from .tuning_camera import build_camera
from .tuning_light import build_light
from .tuning_lora import build_lora
from .tuning_recipe import TuningRecipe
from .tuning_speech import build_speech


def build_learner(backbone: Any, recipe: TuningRecipe, hearing: Any = None) -> Learner:
    """Begin an adapter: a copy of the backbone's layers, or one that was trained before.

    Args:
        backbone: What is tuned; a LoRA is put into its UNet in place.
        recipe: What to train.
        hearing: The `SpeechModel`, where speech is trained.

    Raises:
        InputError: If the one to go on from is of another kind or size.
        MissingModelError: If it is not there.
        UnsupportedError: If a package that the recipe needs is missing.
    """
    torch.manual_seed(recipe.loop.seed)
    if recipe.trains == "speech":
        return build_speech(backbone, recipe, hearing)
    if recipe.trains == "pose" or recipe.trains == "depth":
        return _build_controlnet(backbone, recipe, recipe.trains)
    return BUILDERS[recipe.trains](backbone, recipe)


def _build_reference(backbone: Any, recipe: TuningRecipe) -> ReferenceLearner:
    from ..controls.adapters import copy_reference_net, load_reference_net

    begun = load_reference_net(Path(recipe.begin), backbone) if recipe.begin else copy_reference_net(backbone)
    return ReferenceLearner(begun.net)


def _build_controlnet(backbone: Any, recipe: TuningRecipe, reads: Literal["pose", "depth"]) -> ControlNetLearner:
    from ..controls.controlnet import load_controlnet
    from ..models.svd_controlnet import SVDControlNet

    if not recipe.begin:
        return ControlNetLearner(SVDControlNet.from_unet(backbone.unet, recipe.control_widths), reads)
    net = load_controlnet(Path(recipe.begin)).net
    if not isinstance(net, SVDControlNet):
        raise InputError(f"{recipe.begin} is a {type(net).__name__}; expected an SVD ControlNet to go on from")
    return ControlNetLearner(net, reads)


BUILDERS: dict[str, Callable[[Any, TuningRecipe], Learner]] = {
    "identity": _build_reference,
    "lora": build_lora,
    "light": build_light,
    "camera": build_camera,
}
"""Kinds that need no more than the backbone and the recipe."""
