"""Upscaling networks: whatever spandrel recognises, from a file or from ComfyUI's own loader."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..weights.loading import fingerprint
from ..weights.tensor_files import read_tensors

FACE_SIDE = 512
"""Pixels along a side of the crops that face restorers were trained on."""


@dataclass(frozen=True, eq=False)
class UpscaleModel:
    """A network that makes pictures larger."""

    descriptor: Any
    """Spandrel's ImageModelDescriptor: it pads to what the network wants, and cuts the padding off again."""
    digest: str
    """Hash of its weights."""
    name: str
    """What a person reads."""

    @property
    def scale(self) -> int:
        """How many times larger one pass makes a picture."""
        return int(self.descriptor.scale)

    @property
    def net(self) -> nn.Module:
        """The bare module."""
        return self.descriptor.model

    @property
    def restores_faces(self) -> bool:
        """Whether it takes aligned faces of `FACE_SIDE` pixels, and nothing else: GFPGAN, RestoreFormer, CodeFormer."""
        return self.descriptor.purpose == "FaceSR"

    def __call__(self, frames: Tensor) -> Tensor:
        """Make pictures larger.

        Args:
            frames: (B, 3, H, W) float in [0, 1], anywhere.

        Returns:
            (B, 3, scale H, scale W) in [0, 1], where the network lies.
        """
        weight = next(self.net.parameters())
        frames = frames.to(weight.device, weight.dtype)
        with torch.inference_mode():
            if not self.restores_faces:
                return self.descriptor(frames).float().clamp_(0, 1)
            # Not as the descriptor does, which in spandrel 0.4 gives GFPGAN and CodeFormer pixels in [0, 1] where they
            # were trained on [-1, 1] (GFPGAN's `enhance`), and has GFPGAN draw new noise in every frame.
            made, *_ = self.net(2 * frames - 1, return_rgb=False, randomize_noise=False)
            return ((made.float() + 1) / 2).clamp_(0, 1)


def load_upscale_model(path: Path) -> UpscaleModel:
    """Load a network.

    Args:
        path: A file of weights, or a folder that holds one; a pickle is opened as weights only.

    Raises:
        MissingModelError: If it is not there.
        InputError: If it is damaged, or no network that spandrel knows, or none that makes RGB from RGB.
    """
    from spandrel import UnsupportedModelError, canonicalize_state_dict

    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if len(files) != 1:
        raise InputError(f"{path.name} holds {len(files)} files of weights; expected one")
    weights = canonicalize_state_dict(read_tensors(files[0]))
    try:
        descriptor = _loader().load_from_state_dict(weights)
    except UnsupportedModelError as error:
        raise InputError(
            f"{files[0].name} holds no upscaler that spandrel knows; expected one of the ESRGAN family or of its other "
            "architectures, such as RealESRGAN_x4plus or 4x-UltraSharp"
        ) from error
    except (RuntimeError, KeyError) as error:
        raise InputError(f"{files[0].name} is damaged or incomplete ({error}); get it again") from error
    return UpscaleModel(_checked(descriptor, files[0].name), fingerprint(files[0]), files[0].stem)


def wrap_upscale_model(descriptor: Any) -> UpscaleModel:
    """Take the network that ComfyUI's Load Upscale Model gives.

    Args:
        descriptor: Spandrel's ImageModelDescriptor.

    Raises:
        InputError: If it is something else, or does not make RGB from RGB.
    """
    from spandrel import ImageModelDescriptor

    if not isinstance(descriptor, ImageModelDescriptor):
        raise InputError(
            f"the upscale model is a {type(descriptor).__name__}; expected what ComfyUI's Load Upscale Model gives"
        )
    digest = hashlib.sha256()
    for name, value in descriptor.model.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    name = str(descriptor.architecture.name)
    return UpscaleModel(_checked(descriptor, f"the {name} model"), digest.hexdigest(), name)


def _loader() -> Any:
    """Give spandrel's loader, with the architectures under other licences (CodeFormer) where they are installed."""
    from spandrel import MAIN_REGISTRY, ModelLoader

    registry = MAIN_REGISTRY.copy()
    with suppress(ImportError):
        registry.add(*import_module("spandrel_extra_arches").EXTRA_REGISTRY, ignore_duplicates=True)
    return ModelLoader(registry=registry)


def _checked(descriptor: Any, what: str) -> Any:
    from spandrel import ImageModelDescriptor

    channels = (descriptor.input_channels, descriptor.output_channels)
    if not isinstance(descriptor, ImageModelDescriptor) or channels != (3, 3):
        raise InputError(
            f"{what} turns {channels[0]} channels into {channels[1]} ({descriptor.purpose}); expected an upscaler of "
            "RGB pictures"
        )
    return descriptor.eval()
