"""Other weights for SVD's UNet: fine-tunes that keep its layers, laid over a backbone that stays as it is."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from torch import Tensor

from ..errors import InputError
from ..weights.identify import identify, require_taken_by, wrong_kind
from ..weights.kinds import LOAD_UNET
from ..weights.loading import fingerprint
from ..weights.state_dict import load_state, matches, require_fit
from ..weights.tensor_files import read_tensors
from .base import BackboneFacts
from .finish import change_weights
from .sgm_tensors import UNET, unet_tensors
from .svd import SVDBackbone

if TYPE_CHECKING:
    from ..models.svd_unet import SVDUNet

ImageRole = Literal["as the backbone", "first_frame", "reference"]

NOT_THE_UNETS = ("pose_net.*", "*.processor.*")
"""Patterns of what MimicMotion and StableAnimator keep beside the UNet's own weights; their controls load it."""

SGM_PARTS = ("input_blocks.", "middle_block.", "output_blocks.", "time_embed.", "label_emb.", "out.")
"""What names of a UNet begin with where it was taken out of a single-file checkpoint."""

logger = logging.getLogger(__name__)


def overlay_unet(
    backbone: SVDBackbone, path: Path, image_role: ImageRole = "as the backbone", window: int | None = None
) -> SVDBackbone:
    """Lay a fine-tuned UNet, whole or in part, over a backbone's.

    Args:
        backbone: What it was tuned from; it is not changed, and what the file does not hold is shared with it.
        path: MimicMotion's, ControlNeXt-SVD's or StableAnimator's UNet, or any with SVD's layers; a single-file
            checkpoint gives its UNet.
        image_role: What the fine-tune takes the picture for.
        window: Frames that the fine-tune denoises together; None for the backbone's.

    Returns:
        A backbone with another digest.

    Raises:
        MissingModelError: If there is no such file.
        InputError: If it holds other weights, or some of other names or shapes.
    """
    return change_weights(backbone, lambda plain: _with_file(plain, path, image_role, window))


def _with_file(backbone: SVDBackbone, path: Path, image_role: ImageRole, window: int | None) -> SVDBackbone:
    own = backbone.unet.state_dict()
    tensors = {name: tensor for name, tensor in _read(backbone, path).items() if not matches(name, NOT_THE_UNETS)}
    if not tensors.keys() & own.keys():
        raise wrong_kind(path, "weights of SVD's UNet")
    if any(name not in own or own[name].shape != tensor.shape for name, tensor in tensors.items()):
        # Other models have layers of the same names.
        require_taken_by(path, LOAD_UNET, "weights of SVD's UNet")
    logger.info("%s replaces %d of the UNet's %d tensors", path.name, len(tensors.keys() & own.keys()), len(own))
    changed = replace(backbone, facts=_facts(backbone.facts, image_role, window))
    return with_unet_tensors(changed, tensors, path.name, f"unet {fingerprint(path)} {image_role} {window}")


def with_unet_tensors(backbone: SVDBackbone, tensors: Mapping[str, Tensor], where: str, mark: str) -> SVDBackbone:
    """Give a backbone whose UNet has other tensors in some places, and shares all others.

    Args:
        backbone: The backbone; it is not changed.
        tensors: By diffusers' names; brought to the precision and device of those that they replace.
        where: What they come from, for the message.
        mark: What goes into the digest for them.

    Raises:
        InputError: If names or shapes are not the UNet's.
    """
    from accelerate import init_empty_weights

    from ..models.shortcuts import take_shortcuts
    from ..models.svd_unet import SVDUNet

    own = backbone.unet.state_dict()
    unexpected = [name for name in tensors if name not in own]
    misshaped = [
        f"{name} {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in tensors.items()
        if name in own and own[name].shape != tensor.shape
    ]
    require_fit(where, "this backbone's UNet", (), unexpected, misshaped)
    with init_empty_weights(include_buffers=False):
        unet = cast("SVDUNet", SVDUNet.from_config(backbone.unet.config))
    new = {name: tensor.to(own[name].device, own[name].dtype) for name, tensor in tensors.items()}
    load_state(unet, own | new, where)
    take_shortcuts(unet)
    return replace(
        backbone,
        unet=unet,
        digest=hashlib.sha256(f"{backbone.digest} {mark}".encode()).hexdigest(),
        features={},
    )


def _read(backbone: SVDBackbone, path: Path) -> dict[str, Tensor]:
    """Read a file's UNet by diffusers' names."""
    kind, dtype = identify(path).id, backbone.unet.dtype
    if kind in ("svd", "svd-unet-sgm"):
        held = read_tensors(path, dtype, lambda name: name.startswith((UNET, *SGM_PARTS)))
        by_sgm = {UNET + name.removeprefix(UNET): tensor for name, tensor in held.items()}
        return unet_tensors(by_sgm, backbone.unet.config)
    held = read_tensors(path, dtype)
    return {name.removeprefix("unet."): tensor for name, tensor in held.items()}


def _facts(facts: BackboneFacts, image_role: ImageRole, window: int | None) -> BackboneFacts:
    if window is not None:
        if window < 2:
            raise InputError(f"a window of {window} frames was asked for; a video UNet needs 2 or more")
        # A third of the frames overlap, as in SVD-XT's plan.
        facts = replace(facts, window=window, overlap=window // 3, chunk_frames=window - window // 3)
    return facts if image_role == "as the backbone" else replace(facts, image_role=image_role)
