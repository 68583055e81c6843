"""LoRA on the UNet's attention, by peft, in one file for Load LoRA (SVD).

Source: Hu et al., "LoRA" (2021); peft's layers do the arithmetic. Otherwise than diffusers' scripts, layers that cannot
learn get none: where attention reads the single image token, its weight is 1 whatever query and key say.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbones.base import ActiveControl
from ..dataset.windows import WindowBatch
from ..errors import InputError, UnsupportedError
from ..media.files import whole_file
from ..models.injections import UNetInputs
from ..weights.tensor_files import read_tensors
from .tuning_adapters import Learner
from .tuning_recipe import LoraOptions, TuningRecipe

MOST_OF_THE_UNET = 0.1
"""Largest share of the UNet's parameters that a LoRA may have; more of them is a fine-tune in disguise."""

SPATIAL, TEMPORAL = ".transformer_blocks.", ".temporal_transformer_blocks."
"""What names of attention layers have in them."""


@dataclass(frozen=True)
class LoraLearner(Learner):
    """LoRA layers inside a UNet, which is the network here."""

    alpha: float
    """Written beside every layer."""

    def learns(self, name: str) -> bool:
        """Name peft's own."""
        return ".lora_A." in name or ".lora_B." in name

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> None:
        """Add nothing: it acts inside the UNet."""

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:  # noqa: ARG002
        """Give none."""
        return ()

    def write(self, output: Path, name: str) -> Path:
        """Write one file in float32, as it was trained: it is small, and a merge rounds it once."""
        from safetensors.torch import save_file

        output.mkdir(parents=True, exist_ok=True)
        learnt: dict[str, Tensor] = _peft().get_peft_model_state_dict(self.net)
        state = {f"unet.{key}": value.detach().float().cpu().contiguous() for key, value in learnt.items()}
        # Beside each layer, which every loader reads; what diffusers keeps in the header, few do.
        layers = [key.removesuffix(".lora_A.weight") for key in state if key.endswith(".lora_A.weight")]
        state |= {f"{layer}.alpha": torch.tensor(self.alpha) for layer in layers}
        path = output / f"{name}.safetensors"
        with whole_file(path) as partial:
            save_file(state, partial, {"format": "pt"})
        return path


def build_lora(backbone: Any, recipe: TuningRecipe) -> LoraLearner:
    """Put new LoRA layers into a backbone's UNet, in place.

    Args:
        backbone: An SVD backbone that nobody else uses.
        recipe: Rank, alpha and layers; `begin` may name a LoRA's file of the same ones.

    Raises:
        InputError: If the LoRA would be too large, or the one to go on from has other layers.
        UnsupportedError: If peft is missing.
    """
    peft, unet, options = _peft(), backbone.unet, recipe.lora
    layers = attention_layers(unet, options)
    _require_small(unet, layers, options.rank)
    config = peft.LoraConfig(r=options.rank, lora_alpha=options.alpha, target_modules=layers, lora_dropout=0.0)
    peft.inject_adapter_in_model(config, unet)
    if recipe.begin:
        _go_on_from(unet, Path(recipe.begin))
    return LoraLearner(unet, float(options.alpha))


def attention_layers(unet: Any, options: LoraOptions) -> list[str]:
    """Name the projections that get a LoRA.

    Args:
        unet: diffusers' or ours.
        options: Which projections, in space, in time or in both.
    """
    places = {"spatial": (SPATIAL,), "temporal": (TEMPORAL,), "both": (SPATIAL, TEMPORAL)}[options.layers]
    ends = tuple(".to_out.0" if target == "to_out" else f".{target}" for target in options.targets)
    found = [name for name, _ in unet.named_modules() if name.endswith(ends) and any(each in name for each in places)]
    return [name for name in found if not name.endswith((".attn2.to_q", ".attn2.to_k"))]


def _require_small(unet: Any, layers: list[str], rank: int) -> None:
    if not layers:
        raise InputError("the recipe's lora names no layer that can learn; to_v and to_out always can")
    new = sum(rank * sum(unet.get_submodule(layer).weight.shape) for layer in layers)
    share = new / sum(parameter.numel() for parameter in unet.parameters())
    if share >= MOST_OF_THE_UNET:
        raise InputError(
            f"a LoRA of rank {rank} on {len(layers)} layers has {share:.0%} of the UNet's parameters; expected under "
            f"{MOST_OF_THE_UNET:.0%}, so lower lora.rank or name fewer targets"
        )


def _go_on_from(unet: Any, path: Path) -> None:
    held = {name.removeprefix("unet."): value for name, value in read_tensors(path).items()}
    begun = {name: value for name, value in held.items() if not name.endswith(".alpha")}
    own: dict[str, Tensor] = _peft().get_peft_model_state_dict(unet)
    if {name: value.shape for name, value in begun.items()} != {name: value.shape for name, value in own.items()}:
        raise InputError(
            f"{path.name} has other layers or another rank than the recipe's lora; give rank, targets and layers that "
            "it was trained with"
        )
    _peft().set_peft_model_state_dict(unet, begun)


def _peft() -> Any:
    """Give the package, which only training needs."""
    try:
        return import_module("peft")
    except ImportError as error:
        raise UnsupportedError(
            "training a LoRA without peft", "Install it: pip install 'motionweave[train]', or pip install peft."
        ) from error
