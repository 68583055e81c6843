"""StableAnimator's face adapter on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..errors import MissingModelError
from ..weights.identify import is_kind, wrong_kind
from ..weights.loading import fingerprint, load_network
from ..weights.tensor_files import SUFFIXES, read_tensors
from .adapters import LoadedAdapter
from .controlnet import load_sized


def load_face_adapter(path: Path, dtype: torch.dtype = torch.float32) -> LoadedAdapter:
    """Load a face adapter: it reads a face's embedding (1, E) and the image's tokens (1, T, D).

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
        return _loaded(load_network(FaceAdapter, path, dtype), fingerprint(path), dtype)
    if path.is_file() and not is_kind(path, "stableanimator-face"):
        raise wrong_kind(path, "StableAnimator's face encoder")
    folder = path if path.is_dir() else path.parent
    encoder = path if path.is_file() else _find(folder, "stableanimator-face", "face_encoder.pth")
    unet = _find(folder, "stableanimator-unet", "unet.pth")
    tensors = {f"{ENCODER}.{name}": tensor for name, tensor in read_tensors(encoder, dtype).items()}
    tensors |= read_tensors(unet, dtype, wanted=lambda name: ".processor.id_to_" in name)
    net = load_sized(FaceAdapter, tensors, f"{encoder.name} with {unet.name}")
    return _loaded(net, f"{fingerprint(encoder)} {fingerprint(unet)}", dtype)


def _loaded(net: Any, digest: str, dtype: torch.dtype) -> LoadedAdapter:
    # Its tokens are zero in passes without the image, as published.
    return LoadedAdapter(net, f"{digest} {dtype}", unconditional=False)


def _find(folder: Path, kind: str, name: str) -> Path:
    """Give the file of a kind in a folder, whatever it is called."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and is_kind(file, kind))
    if not files:
        raise MissingModelError(name, (folder,), "Put face_encoder.pth and unet.pth of StableAnimator into one folder.")
    return files[0]
