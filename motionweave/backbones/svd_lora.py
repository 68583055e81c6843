"""SVD LoRAs in the key formats in circulation, merged into the UNet's weights.

Merging costs nothing per step, and what is not touched is shared with the backbone it came from. peft's own loader does
not take diffusers' SVD UNet, which has no adapter methods.

Source: Hu et al., "LoRA" (2021): W + strength * (alpha / rank) * up @ down. Keys: diffusers' and peft's, those of older
diffusers, SVD_Xtend's, and kohya's; layers by diffusers' names or by sgm's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import InputError, UnsupportedError
from ..weights.identify import require_taken_by, wrong_kind
from ..weights.kinds import LOAD_LORA
from ..weights.loading import fingerprint
from ..weights.state_dict import require_fit
from ..weights.tensor_files import read_metadata, read_tensors
from .finish import change_weights
from .sgm_names import renamed, reversed_table, unet_table
from .svd import SVDBackbone
from .svd_unet_weights import with_unet_tensors

_KEY = re.compile(
    r"(?:base_model\.model\.|unet\.|model\.diffusion_model\.|diffusion_model\.|lora_unet_)*(?P<layer>.+?)"
    r"(?:\.lora_(?P<letter>[AB])(?:\.\w+)?\.weight|[._]lora(?:_linear_layer)?[._](?P<way>down|up)\.weight|\.(?P<alpha>alpha))"
)
"""A LoRA's key: whose layer, and whether it leads down to the rank, up from it, or scales."""

_PARTS = {"A": "down", "B": "up"}


@dataclass(frozen=True)
class LowRank:
    """What a LoRA changes about one layer."""

    down: Tensor
    """(R, I, ...): from the layer's inputs to the rank; a convolution keeps its kernel."""
    up: Tensor
    """(O, R, ...): from the rank to the layer's outputs."""
    scale: float
    """alpha / rank."""

    def fits(self, weight: Tensor) -> bool:
        """Say whether it is made for this weight."""
        if min(self.up.ndim, self.down.ndim, weight.ndim) < 2:
            return False
        up, down = self.up.flatten(1), self.down.flatten(1)
        return up.shape[1] == down.shape[0] and (up.shape[0], down.shape[1]) == weight.flatten(1).shape

    def merged(self, weight: Tensor, strength: float) -> Tensor:
        """Give the weight with this added, summed in float32."""
        up, down = (part.flatten(1).to(weight.device).float() for part in (self.up, self.down))
        change = (up @ down).view(weight.shape)
        return weight.float().add(change, alpha=strength * self.scale).to(weight.dtype)


def load_lora(backbone: SVDBackbone, path: Path, strength: float = 1.0) -> SVDBackbone:
    """Put a LoRA into a backbone's UNet.

    Args:
        backbone: What it was trained for; it is not changed. Several LoRAs go on top of one another.
        path: The LoRA, safetensors or a PyTorch file.
        strength: Factor on it; at 0 the backbone itself comes back, bit for bit.

    Returns:
        A backbone with another digest.

    Raises:
        MissingModelError: If there is no such file.
        InputError: If it is for another model, or a layer's half is missing.
        UnsupportedError: If it is no plain LoRA.
    """
    if not math.isfinite(strength):
        raise InputError(f"a LoRA's strength is {strength}; give a number such as 1")
    return change_weights(backbone, lambda plain: _with_lora(plain, path, strength))


def _with_lora(backbone: SVDBackbone, path: Path, strength: float) -> SVDBackbone:
    state = backbone.unet.state_dict()
    weights = {name.removesuffix(".weight"): tensor for name, tensor in state.items() if name.endswith(".weight")}
    found = read_lora(path, weights, backbone.unet.config)
    if not found.keys() & weights.keys():
        raise wrong_kind(path, "a LoRA for SVD")
    unknown = [layer for layer in found if layer not in weights]
    misfits = [layer for layer in found if layer in weights and not found[layer].fits(weights[layer])]
    if unknown or misfits:
        # Other models have layers of the same names.
        require_taken_by(path, LOAD_LORA, "a LoRA for SVD")
    require_fit(path.name, "this backbone's UNet", (), unknown, misfits)
    if strength == 0:
        return backbone
    merged = {f"{layer}.weight": low_rank.merged(weights[layer], strength) for layer, low_rank in found.items()}
    return with_unet_tensors(backbone, merged, path.name, f"lora {fingerprint(path)} {strength}")


def read_lora(path: Path, layers: Iterable[str], config: Mapping[str, Any]) -> dict[str, LowRank]:
    """Read a LoRA's layers.

    Args:
        path: The file.
        layers: diffusers' names of the layers that it may change.
        config: diffusers' config of the UNet.

    Returns:
        By diffusers' layer names; a layer that the UNet does not have keeps the name that it has in the file.

    Raises:
        InputError: If a half is missing, or there are weights of another form.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    foreign: list[str] = []
    for name, tensor in read_tensors(path).items():
        key = _KEY.fullmatch(name)
        if key is None:
            foreign.append(name)
        else:
            part = _PARTS.get(key["letter"] or "") or key["way"] or key["alpha"]
            parts.setdefault(key["layer"], {})[part] = tensor
    if not parts:
        raise wrong_kind(path, "a LoRA for SVD")
    missing = [f"{layer}'s {half}" for layer, held in parts.items() for half in ("down", "up") if half not in held]
    require_fit(path.name, "a plain LoRA", missing, foreign, ())
    names, alpha = _layer_names(layers, config), _file_alpha(path)
    return {
        names.get(layer, layer): LowRank(held["down"], held["up"], _scale(held, alpha)) for layer, held in parts.items()
    }


def _scale(held: Mapping[str, Tensor], file_alpha: float | None) -> float:
    """Give alpha / rank; without a word about alpha it is the rank."""
    rank = held["down"].shape[0]
    alpha = float(held["alpha"]) if "alpha" in held else file_alpha
    return 1.0 if alpha is None else alpha / rank


def _file_alpha(path: Path) -> float | None:
    """Read alpha from what diffusers writes into the file, or peft beside it."""
    told = read_metadata(path).get("lora_adapter_metadata")
    beside = path.with_name("adapter_config.json")
    if told is not None:
        config = {name.removeprefix("unet."): value for name, value in json.loads(told).items()}
    elif path.stem == "adapter_model" and beside.is_file():
        config = json.loads(beside.read_text(encoding="utf-8"))
    else:
        return None
    special = [name for name in ("alpha_pattern", "use_rslora", "use_dora") if config.get(name)]
    if special:
        raise UnsupportedError(
            f"a LoRA with {', '.join(special)}", "Train it without, or merge it where it was trained."
        )
    return config.get("lora_alpha")


def _layer_names(layers: Iterable[str], config: Mapping[str, Any]) -> dict[str, str]:
    """Give diffusers' layer names by every name that a file may use for them."""
    sgm = reversed_table(unet_table(config))
    names: dict[str, str] = {}
    for layer in layers:
        # Older diffusers kept LoRAs in attention's processors, where the output's dropout has no place.
        old = re.sub(r"\.(to_[qkv]|to_out)(\.0)?$", r".processor.\1", layer)
        for name in (layer, renamed(layer, sgm) or layer):
            names |= {name: layer, name.replace(".", "_"): layer}  # kohya's names are Python's
        names[old] = layer
    return names
