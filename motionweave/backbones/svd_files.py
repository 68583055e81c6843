"""SVD's folder on disk: diffusers' layout, and what is known about the model in it."""

from __future__ import annotations

import json
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..types import Size
from ..weights.loading import fingerprint, load_network, require_files
from .base import BackboneFacts
from .svd import SVDBackbone

SVD_XT_FACTS = BackboneFacts(
    name="SVD-XT",
    window=25,
    chunk_frames=17,
    overlap=8,
    fps=Fraction(7),
    size=Size(1024, 576),
    spatial_multiple=64,
    spatial_compression=8,
    temporal_compression=1,
    latent_channels=4,
    image_role="first_frame",
    context_sigma=float("inf"),
    steps=25,
    guidance=2.5,
    noise_augmentation=0.02,
)
"""What holds for the published SVD-XT; a ``motionweave.json`` beside a model's folders overrules it field by field."""


def read_facts(folder: Path) -> BackboneFacts:
    """Read what is known about a model: SVD-XT's facts, overruled by its ``motionweave.json``.

    Raises:
        InputError: If that file names a fact that does not exist.
    """
    path = folder / "motionweave.json"
    facts = {field.name: getattr(SVD_XT_FACTS, field.name) for field in fields(BackboneFacts)}
    if path.is_file():
        own: dict[str, Any] = json.loads(path.read_text())
        unknown = sorted(set(own) - set(facts))
        if unknown:
            raise InputError(f"{path} has unknown facts: {', '.join(unknown)}; known are {', '.join(facts)}")
        if "fps" in own:
            own["fps"] = Fraction(own["fps"])
        if "size" in own:
            own["size"] = Size(*own["size"])
        facts |= own
    return BackboneFacts(**facts)


def load_svd(folder: Path, dtype: torch.dtype = torch.float32) -> SVDBackbone:
    """Load SVD, SVD-XT or Mini from a folder in diffusers' layout.

    Args:
        folder: With ``unet``, ``vae``, ``image_encoder``, ``scheduler`` and ``feature_extractor``.
        dtype: Precision of the UNet; the VAE and the image encoder follow it, but not below what they can hold.

    Returns:
        The backbone, on the CPU.

    Raises:
        MissingModelError: If a part is missing.
        InputError: If a part is another network.
    """
    require_files(
        folder,
        (
            "unet/config.json",
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

    declared = json.loads((folder / "unet/config.json").read_text()).get("_class_name")
    if declared not in ("UNetSpatioTemporalConditionModel", "SVDUNet"):
        raise InputError(f"{folder.name}/unet is a {declared}; expected SVD's UNetSpatioTemporalConditionModel")
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
