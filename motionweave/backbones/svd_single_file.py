"""SVD in a single file, as it lies in ComfyUI's ``models/checkpoints``; diffusers has no reader for it.

The configs come with the pack, so nothing is asked of any network. Tensors are read one by one, renamed, and become the
networks' own: beside the model there is never more than one tensor in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from ..weights.identify import identify, wrong_kind
from ..weights.loading import fingerprint
from ..weights.state_dict import load_state
from ..weights.tensor_files import read_tensors
from .sgm_tensors import (
    AUTOENCODER,
    IMAGE_AUTOENCODER,
    UNET,
    VISION,
    unet_tensors,
    vae_tensors,
    vision_tensors,
)
from .svd import SVDBackbone
from .svd_facts import facts_by_name

if TYPE_CHECKING:
    from transformers import CLIPVisionModelWithProjection

    from ..models.svd_unet import SVDUNet

CONFIGS = Path(__file__).parent / "configs" / "svd-xt"
"""SVD-XT's configs in diffusers' layout; its siblings' differ in the number of frames only."""


def load_svd_file(path: Path, dtype: torch.dtype = torch.float32, configs: Path = CONFIGS) -> SVDBackbone:
    """Load SVD, SVD-XT or a model merged from them from a single safetensors file.

    Which sibling it is, only its name tells: see `facts_by_name`.

    Args:
        path: The file, in the layout of Stability's own; fp16, bf16 or fp32.
        dtype: Precision to load in.
        configs: Folder with the networks' configs.

    Returns:
        The backbone, on the CPU.

    Raises:
        MissingModelError: If there is no such file.
        InputError: If it holds another model, or tensors are missing, left over or of other shapes.
    """
    if identify(path).id != "svd":
        raise wrong_kind(path, "Stable Video Diffusion, as a single file or a folder in diffusers' layout")
    facts = facts_by_name(path.stem)
    unet, vae, vision = (_config(configs, part) for part in ("unet", "vae", "image_encoder"))
    processor = _config(configs, "feature_extractor", "preprocessor_config.json")
    networks = empty_networks(unet | {"num_frames": facts.window}, vae, vision)

    def part(*prefixes: str) -> dict[str, Tensor]:
        return read_tensors(path, dtype, lambda name: name.startswith(prefixes))

    return SVDBackbone(
        unet=load_state(networks[0], unet_tensors(part(UNET), unet), path.name),
        vae=load_state(networks[1], vae_tensors(part(AUTOENCODER, IMAGE_AUTOENCODER), vae), path.name),
        vision=load_state(networks[2], vision_tensors(part(VISION), vision), path.name),
        scheduler_config=_config(configs, "scheduler", "scheduler_config.json"),
        image_mean=tuple(processor["image_mean"]),
        image_std=tuple(processor["image_std"]),
        facts=facts,
        digest=f"{fingerprint(path)} {dtype}",
    )


def empty_networks(
    unet: Mapping[str, Any], vae: Mapping[str, Any], vision: Mapping[str, Any]
) -> tuple[SVDUNet, Any, CLIPVisionModelWithProjection]:
    """Make SVD's three networks without weights: their parameters are on the meta device and take no memory.

    Args:
        unet: diffusers' config of the UNet.
        vae: diffusers' config of the VAE.
        vision: transformers' config of the image encoder.
    """
    from accelerate import init_empty_weights
    from diffusers import AutoencoderKLTemporalDecoder
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    from ..models.svd_unet import SVDUNet

    # Buffers are no weights: no file holds them, so they have to be real from the start.
    with init_empty_weights(include_buffers=False):
        return (
            cast("SVDUNet", SVDUNet.from_config(dict(unet))),
            AutoencoderKLTemporalDecoder.from_config(dict(vae)),
            CLIPVisionModelWithProjection(CLIPVisionConfig(**vision)),
        )


def _config(configs: Path, part: str, name: str = "config.json") -> dict[str, Any]:
    """Read one of the configs in a folder of diffusers' layout."""
    return json.loads((configs / part / name).read_text(encoding="utf-8"))
