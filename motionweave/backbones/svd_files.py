"""SVD on disk: a folder in diffusers' layout, or a single file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..weights.loading import fingerprint, load_network, require_files
from .svd import SVDBackbone
from .svd_facts import read_facts
from .svd_single_file import load_svd_file


def load_svd(path: Path, dtype: torch.dtype = torch.float32) -> SVDBackbone:
    """Load SVD, SVD-XT or Mini.

    Args:
        path: A single safetensors file, or a folder with ``unet``, ``vae``, ``image_encoder``, ``scheduler`` and
            ``feature_extractor``.
        dtype: Precision to load in; weights that the file holds in another one are converted one by one.

    Returns:
        The backbone, on the CPU.

    Raises:
        MissingModelError: If a part is missing.
        InputError: If a part is another network, or lacks weights.
    """
    from ..models.shortcuts import take_shortcuts

    backbone = load_svd_file(path, dtype) if path.is_file() else load_svd_folder(path, dtype)
    for net in (backbone.unet, backbone.vae):
        take_shortcuts(net)
    return backbone


def load_svd_folder(folder: Path, dtype: torch.dtype) -> SVDBackbone:
    """Load SVD, SVD-XT or Mini from a folder in diffusers' layout; see `load_svd`."""
    require_files(folder, ("unet/config.json",), "an SVD model")
    declared = json.loads((folder / "unet/config.json").read_text()).get("_class_name")
    if declared not in ("UNetSpatioTemporalConditionModel", "SVDUNet"):
        raise InputError(
            f"{folder.name}/unet is a {declared}; expected SVD's UNetSpatioTemporalConditionModel. Models of still "
            "images go to ComfyUI's own loaders"
        )
    require_files(
        folder,
        (
            "vae/config.json",
            "image_encoder/config.json",
            "scheduler/scheduler_config.json",
            "feature_extractor/preprocessor_config.json",
        ),
        "an SVD model",
    )
    from diffusers import AutoencoderKLTemporalDecoder
    from transformers import CLIPVisionModelWithProjection

    from ..models.svd_unet import SVDUNet

    processor: dict[str, Any] = json.loads((folder / "feature_extractor/preprocessor_config.json").read_text())
    return SVDBackbone(
        unet=load_network(SVDUNet, folder / "unet", dtype),
        vae=load_network(AutoencoderKLTemporalDecoder, folder / "vae", dtype),
        vision=load_network(CLIPVisionModelWithProjection, folder / "image_encoder", dtype),
        scheduler_config=json.loads((folder / "scheduler/scheduler_config.json").read_text()),
        image_mean=tuple(processor["image_mean"]),
        image_std=tuple(processor["image_std"]),
        facts=read_facts(folder),
        digest=f"{fingerprint(folder)} {dtype}",
    )
