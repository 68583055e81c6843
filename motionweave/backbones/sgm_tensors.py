"""From the tensors of a single-file SVD to those of diffusers' networks: renamed, and the few that differ remade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from .sgm_names import Table, renamed, unet_table, vae_table, vision_table

UNET = "model.diffusion_model."
AUTOENCODER = "first_stage_model."
VISION = "conditioner.embedders.0.open_clip.model.visual."
IMAGE_AUTOENCODER = "conditioner.embedders.3.encoder."
"""What the names of the four networks begin with. The other embedders (fps, motion bucket, augmentation) have no
weights; OpenCLIP's text side, of which some files hold leftovers, is not SVD's."""

ENCODING = ("encoder.", "quant_conv.")
"""The part of an autoencoder that makes latents."""

Tensors = Mapping[str, Tensor]


def unet_tensors(tensors: Tensors, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Give the UNet's tensors by diffusers' names.

    Args:
        tensors: A file's, by sgm's names; those of other networks are left out.
        config: diffusers' config of the UNet.

    Returns:
        The same tensors. One whose name has no place keeps it, so that loading can list it.
    """
    table = unet_table(config)
    return {_new_name(name, table): tensor for name, tensor in _part(tensors, UNET)}


def vae_tensors(tensors: Tensors, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Give the VAE's tensors by diffusers' names.

    The decoder is `first_stage_model`'s, which has no `quant_conv`. Where the file holds the image autoencoder that
    made the concatenated latents in training (`conditioner.embedders.3`), encoder and `quant_conv` are that one's;
    elsewhere the encoder is `first_stage_model`'s, and an identity stands for its `quant_conv`, which is exact.

    Args:
        tensors: A file's, by sgm's names; those of other networks are left out.
        config: diffusers' config of the VAE.
    """
    table = vae_table(config)
    video, image = dict(_part(tensors, AUTOENCODER)), dict(_part(tensors, IMAGE_AUTOENCODER))
    encoding = image if "quant_conv.weight" in image else video
    parts = {name: tensor for name, tensor in video.items() if not name.startswith(ENCODING)}
    parts |= {name: tensor for name, tensor in encoding.items() if name.startswith(ENCODING)}
    found = {_new_name(name, table): _linear(name, tensor) for name, tensor in parts.items()}
    if "quant_conv.weight" not in found and "encoder.conv_out.weight" in found:
        like = found["encoder.conv_out.weight"]
        identity = torch.eye(like.shape[0], dtype=like.dtype, device=like.device)
        found |= {"quant_conv.weight": identity[:, :, None, None], "quant_conv.bias": torch.zeros_like(identity[0])}
    return found


def vision_tensors(tensors: Tensors, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Give the image encoder's tensors by transformers' names.

    Args:
        tensors: A file's, by OpenCLIP's names; those of other networks are left out.
        config: transformers' config of the encoder.
    """
    table, found = vision_table(config), dict[str, Tensor]()
    for name, tensor in _part(tensors, VISION):
        block, _, kind = name.partition("attn.in_proj_")
        if kind:
            # Query, key and value are one layer there.
            layer = _new_name(f"{block}attn.out_proj", table).removesuffix("out_proj")
            for letter, piece in zip("qkv", tensor.chunk(3), strict=True):
                found[f"{layer}{letter}_proj.{kind}"] = piece.clone()
        elif name == "proj":
            found["visual_projection.weight"] = tensor.T.contiguous()
        else:
            found[_new_name(name, table)] = tensor
    return found


def _part(tensors: Tensors, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """Give one network's tensors, by the rest of their names."""
    return ((name[len(prefix) :], tensor) for name, tensor in tensors.items() if name.startswith(prefix))


def _linear(name: str, tensor: Tensor) -> Tensor:
    """Give an autoencoder's tensor as diffusers has it: attention's 1x1 convolutions are linear layers there."""
    return tensor.flatten(1) if ".attn_1." in name and tensor.ndim == 4 else tensor


def _new_name(name: str, table: Table) -> str:
    return renamed(name, table) or name
