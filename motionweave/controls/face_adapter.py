"""StableAnimator's face adapter on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import MissingModelError
from ..weights.identify import is_kind, wrong_kind
from ..weights.loading import fingerprint, load_network
from ..weights.tensor_files import SUFFIXES, read_tensors
from .controlnet import load_sized

if TYPE_CHECKING:
    from ..models.injections import Adapter


@dataclass(frozen=True)
class LoadedFaceAdapter:
    """A network that reads a face's embedding and the image's token, ready to run."""

    net: Adapter
    """Reads (1, 512) and (1, T, D)."""
    digest: str
    """Hash of its weights."""


def load_face_adapter(path: Path, dtype: torch.dtype = torch.float32) -> LoadedFaceAdapter:
    """Load a face adapter.

    Args:
        path: StableAnimator's folder with its face encoder and its UNet (`face_encoder.pth`, `unet.pth`), or the face
            encoder's file with the UNet beside it: half of the adapter lies in the UNet's attention layers. The rest of
            that UNet is loaded onto the backbone, and without it the adapter means little. Or a folder with
            ``config.json`` and a safetensors file.
        dtype: Precision to load in.

    Raises:
        MissingModelError: If one of the two files is missing.
        InputError: If it is another kind of file, or tensors are missing, left over or of another shape.
    """
    from ..models.face_fusion import ENCODER, FaceAdapter

    if (path / "config.json").is_file():
        return LoadedFaceAdapter(load_network(FaceAdapter, path, dtype), f"{fingerprint(path)} {dtype}")
    if path.is_file() and not is_kind(path, "stableanimator-face"):
        raise wrong_kind(path, "StableAnimator's face encoder")
    folder = path if path.is_dir() else path.parent
    encoder = path if path.is_file() else _find(folder, "stableanimator-face", "face_encoder.pth")
    unet = _find(folder, "stableanimator-unet", "unet.pth")
    tensors = {f"{ENCODER}.{name}": tensor for name, tensor in read_tensors(encoder, dtype).items()}
    tensors |= read_tensors(unet, dtype, wanted=lambda name: ".processor.id_to_" in name)
    net = load_sized(FaceAdapter, tensors, f"{encoder.name} with {unet.name}")
    return LoadedFaceAdapter(net, f"{fingerprint(encoder)} {fingerprint(unet)} {dtype}")


def _find(folder: Path, kind: str, name: str) -> Path:
    """Give the file of a kind in a folder, whatever it is called."""
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and is_kind(file, kind))
    if not files:
        raise MissingModelError(name, (folder,), "Put face_encoder.pth and unet.pth of StableAnimator into one folder.")
    return files[0]
