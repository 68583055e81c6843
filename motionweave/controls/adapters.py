"""Adapters on disk that read other signals than pictures: light, camera, speech, and the ReferenceNet."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..weights.loading import fingerprint, load_network, require_files
from ..weights.roles import read_config
from ..weights.tensor_files import read_tensors

CLASSES = {
    "SpeechProjector": "speech_projector",
    "LightEncoder": "light_encoder",
    "CameraEncoder": "camera_encoder",
}
"""Adapters that are a folder of their own, and the module of `models` that each is in."""

WEIGHTS = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class LoadedAdapter:
    """An adapter ready to run."""

    net: Any
    """An `Adapter`."""
    digest: str
    """Hash of its weights and config."""
    unconditional: bool = True
    """Whether passes without the image see it."""


def load_adapter(folder: Path, dtype: torch.dtype = torch.float32, kind: str | None = None) -> LoadedAdapter:
    """Load a speech projector, light encoder or camera encoder.

    Args:
        folder: With ``config.json`` and a safetensors file.
        dtype: Precision to load in.
        kind: The class that is wanted; None for whatever it is.

    Raises:
        MissingModelError: If a file is missing.
        InputError: If it is another kind of model.
    """
    require_files(folder, ("config.json",), "an adapter")
    declared = str(read_config(folder / "config.json").get("_class_name"))
    if declared not in CLASSES or kind not in (None, declared):
        raise InputError(f"{folder.name} is a {declared}; expected a {kind or ', '.join(CLASSES)}")
    network = getattr(import_module(f"..models.{CLASSES[declared]}", __package__), declared)
    return LoadedAdapter(load_network(network, folder, dtype), f"{fingerprint(folder)} {dtype}")


def copy_reference_net(backbone: Any) -> LoadedAdapter:
    """Make a ReferenceNet of a backbone's own spatial layers, which needs no weights of its own.

    Args:
        backbone: An SVD backbone; where its weights are of few bits, they are read again as its file has them.
    """
    from ..backbones.finish import plain_backbone
    from ..models.reference_net import ReferenceNet

    backbone = plain_backbone(backbone)
    net = ReferenceNet.from_unet(backbone.unet, float(backbone.vae.config.scaling_factor))
    return LoadedAdapter(net.eval().requires_grad_(False), f"reference {backbone.digest}", unconditional=False)


def load_reference_net(folder: Path, backbone: Any) -> LoadedAdapter:
    """Load a ReferenceNet; what its file does not hold is the backbone's own.

    Args:
        folder: With ``config.json`` and a safetensors file of all or some of its tensors.
        backbone: The SVD backbone that it was trained for.

    Raises:
        MissingModelError: If a file is missing.
        InputError: If it belongs to a UNet of another size.
    """
    require_files(folder, ("config.json", WEIGHTS), "a ReferenceNet")
    copied, tensors = copy_reference_net(backbone), read_tensors(folder / WEIGHTS)
    own = copied.net.state_dict()
    strange = [name for name, value in tensors.items() if name not in own or value.shape != own[name].shape]
    if strange:
        raise InputError(
            f"the ReferenceNet in {folder.name} does not fit this backbone: {len(strange)} of its {len(tensors)} "
            f"tensors have no place there, the first is {strange[0]}; load it with the backbone that it was trained for"
        )
    copied.net.load_state_dict(tensors, strict=False)
    return LoadedAdapter(copied.net, f"{copied.digest} {fingerprint(folder)}", unconditional=False)
