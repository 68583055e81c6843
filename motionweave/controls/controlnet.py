"""Networks on disk that steer SVD by pictures: ControlNets, PoseNets and ControlNeXt, in every published layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from ..errors import InputError, UnsupportedError
from ..tracks.pose_styles import POSE_STYLES
from ..weights.identify import identify, wrong_kind
from ..weights.loading import fingerprint, load_network, require_files
from ..weights.roles import read_config
from ..weights.state_dict import load_state
from ..weights.tensor_files import read_tensors

if TYPE_CHECKING:
    from ..models.injections import Adapter

PictureRange = Literal["[-1,1]", "[0,1]"]
"""Values of the pictures that a network was trained on."""

AUTO = "auto"
"""What the published pipeline does."""

PICTURE_CHOICES = (AUTO, "[-1,1]", "[0,1]")
"""What may be asked for."""

POSE_NET = "pose_net."
"""Where MimicMotion's file has its PoseNet."""


@dataclass(frozen=True)
class LoadedControlNet:
    """A network that reads control pictures, ready to run, and what they must look like."""

    net: Adapter
    """Reads pictures."""
    digest: str
    """Hash of its weights and config."""
    pictures: PictureRange = "[-1,1]"
    """Values it was trained on."""
    style: str = "openpose"
    """Entry of `POSE_STYLES` in which it was shown poses; no matter where the pictures are no poses."""
    unconditional: bool = True
    """Whether passes without the image see it."""
    reference_first: bool = False
    """Whether it was trained with the reference's own pose as the first frame of every window."""

    def ranged(self, pixels: Tensor) -> Tensor:
        """Bring pixels (F, 3, H, W) in [0, 1] to the values it was trained on."""
        return pixels * 2 - 1 if self.pictures == "[-1,1]" else pixels


@dataclass(frozen=True)
class _Layout:
    """A published layout."""

    network: tuple[str, str]
    """Module of `models`, and class."""
    reading: Mapping[str, Any]
    """Fields of `LoadedControlNet`."""
    prefix: str = ""
    """What its names begin with."""


_CONTROL_NET = _Layout(("svd_controlnet", "SVDControlNet"), {})
_MIMIC = {"style": "mimicmotion", "unconditional": False, "reference_first": True}
_LAYOUTS = {
    # svd-temporal-controlnet: its pipeline gives [-1, 1], its training loader gave depth in [0, 1].
    "svd-controlnet": _CONTROL_NET,
    "controlnext-svd": _Layout(("controlnext", "ControlNeXt"), {**_MIMIC, "pictures": "[0,1]"}),
    "mimicmotion": _Layout(("pose_net", "PoseNet"), _MIMIC, POSE_NET),
    # StableAnimator's is alone in its file. Its pose maps were written and read back, which undid the swapped colours.
    "posenet": _Layout(("pose_net", "PoseNet"), {"style": "confidence", "unconditional": False}),
}
"""By the kind that `identify` gives."""

_CLASSES = {
    "ControlNetSDVModel": _CONTROL_NET,
    "SVDControlNet": _CONTROL_NET,
    "ControlNeXt": _LAYOUTS["controlnext-svd"],
    "PoseNet": _LAYOUTS["posenet"],
}
"""By the class that a folder's config.json names."""


def load_controlnet(
    path: Path,
    dtype: torch.dtype = torch.float32,
    pictures: str = AUTO,
    style: str = AUTO,
) -> LoadedControlNet:
    """Load a network that steers SVD by pictures.

    Args:
        path: One file as published (safetensors, or PyTorch's own, opened as weights only): svd-temporal-controlnet,
            the control net of ControlNeXt-SVD v2, MimicMotion, or a PoseNet; widths are read off its tensors. Or a
            folder with ``config.json`` and a safetensors file. ControlNeXt and PoseNets were trained together with the
            UNet: its part is loaded onto the backbone, and without it they mean little.
        dtype: Precision to load in.
        pictures: Values of the pictures, one of `PICTURE_CHOICES`.
        style: How poses are drawn: an entry of `POSE_STYLES`, or `AUTO`.

    Raises:
        MissingModelError: If a file is missing.
        InputError: If it is another kind of file or folder, tensors are missing, left over or of another shape, or
            there are no such pictures or no such style.
        UnsupportedError: If it is ControlNeXt's first version.
    """
    if pictures not in PICTURE_CHOICES:
        raise InputError(f"pictures of {pictures} were asked for; expected one of {', '.join(PICTURE_CHOICES)}")
    if style != AUTO:
        POSE_STYLES.get(style)
    from ..models.shortcuts import take_shortcuts

    net, layout = _load_folder(path, dtype) if path.is_dir() else _load_file(path, dtype)
    take_shortcuts(net)
    reading = dict(layout.reading)
    reading |= {name: value for name, value in (("pictures", pictures), ("style", style)) if value != AUTO}
    return LoadedControlNet(net, f"{fingerprint(path)} {dtype}", **reading)


def _load_folder(folder: Path, dtype: torch.dtype) -> tuple[Adapter, _Layout]:
    require_files(folder, ("config.json",), "an SVD ControlNet")
    declared = str(read_config(folder / "config.json").get("_class_name", "SVDControlNet"))
    if declared not in _CLASSES:
        raise InputError(
            f"{folder.name} is a {declared}; expected one of {', '.join(_CLASSES)}. "
            "ControlNets for still images go to ComfyUI's own Load ControlNet Model"
        )
    layout = _CLASSES[declared]
    return load_network(_network(layout), folder, dtype), layout


def _load_file(path: Path, dtype: torch.dtype) -> tuple[Adapter, _Layout]:
    kind = identify(path).id
    if kind == "controlnext-svd-v1":
        raise UnsupportedError("ControlNeXt-SVD's first version", "Take the second one: its folder is named v2.")
    if kind not in _LAYOUTS:
        raise wrong_kind(path, "a ControlNet, PoseNet or ControlNeXt control net for SVD")
    layout = _LAYOUTS[kind]
    if kind == "posenet":
        held = read_tensors(path, dtype)
        # Cut out of MimicMotion's file, it keeps its names.
        layout = _LAYOUTS["mimicmotion"] if all(name.startswith(POSE_NET) for name in held) else layout
    else:
        held = read_tensors(path, dtype, wanted=lambda name: name.startswith(layout.prefix))
    tensors = {name[len(layout.prefix) :]: tensor for name, tensor in held.items()}
    return load_sized(_network(layout), tensors, path.name), layout


def load_sized(network: Any, tensors: Mapping[str, Tensor], where: str) -> Any:
    """Build a network in the widths of its tensors and put them in.

    Args:
        network: A class with `sized`.
        tensors: By the network's names.
        where: The file, for the message.

    Raises:
        InputError: If tensors are missing, left over or of another shape.
    """
    try:
        with torch.device("meta"):
            net = network.sized({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    except KeyError as error:
        raise InputError(f"{where} lacks {error}, without which it is no {network.__name__}; get it again") from error
    return load_state(net, tensors, where)


def _network(layout: _Layout) -> Any:
    module, name = layout.network
    return getattr(import_module(f"..models.{module}", __package__), name)
