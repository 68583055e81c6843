"""Where models of each role lie in ComfyUI and its packs, and how they are told from other models there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUX_PACK = "comfyui_controlnet_aux/ckpts"
"""Where the most used preprocessor pack keeps its models, below ComfyUI's ``custom_nodes``."""


@dataclass(frozen=True)
class Role:
    """What is known about the files of one role."""

    marker: str
    """The file by which a model's folder is known, a pattern below that folder; empty where models are files only."""
    homes: tuple[str, ...]
    """Folders below a models root, in order of search; the first is where a user is told to put a model."""
    is_one: Callable[[Path], bool]
    """Whether a folder with that file holds a model of the role."""
    pack_homes: tuple[str, ...] = ()
    """Folders below ComfyUI's ``custom_nodes``."""
    user_homes: tuple[str, ...] = ()
    """Folders below the user's own."""
    file_homes: tuple[str, ...] = ()
    """Folders below a models root in which a model may lie as a single file."""
    file_kinds: tuple[str, ...] = ()
    """Kinds of such a file, as `identify` gives them."""

    @property
    def all_homes(self) -> tuple[str, ...]:
        """Every folder below a models root, in order of search."""
        return tuple(dict.fromkeys((*self.homes, *self.file_homes)))


def read_config(path: Path) -> dict[str, Any]:
    """Read a model's JSON config; empty where there is none that can be read."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return {}
    return config if isinstance(config, dict) else {}


def _is_backbone(folder: Path) -> bool:
    name = str(read_config(folder / "unet/config.json").get("_class_name"))
    return name in ("UNetSpatioTemporalConditionModel", "SVDUNet")


def _is_controlnet(folder: Path) -> bool:
    """Take those for video: they see the picture's latents beside the noisy ones, other ControlNets do not."""
    config = read_config(folder / "config.json")
    return "conditioning_channels" in config and config.get("in_channels") == 8


def _is_dwpose(folder: Path) -> bool:
    return any(folder.glob("dw*.onnx"))


def _is_openpose(folder: Path) -> bool:
    return (folder / "hand_pose_model.pth").is_file()


def _is_depth(folder: Path) -> bool:
    return read_config(folder / "config.json").get("model_type") in ("depth_anything", "zoedepth")


def _is_speech(folder: Path) -> bool:
    return read_config(folder / "config.json").get("model_type") == "wav2vec2"


def _is_audio_motion(folder: Path) -> bool:
    return read_config(folder / "config.json").get("model_type") == "motionweave_audio_motion"


def _is_face(folder: Path) -> bool:
    """Take packs: a detector and a recogniser at least."""
    return len(list(folder.glob("*.onnx"))) > 1


def _is_face_adapter(folder: Path) -> bool:
    """Take StableAnimator's: half of the adapter lies in its UNet's attention."""
    return any(folder.glob("unet.*"))


def _is_reference_net(folder: Path) -> bool:
    return read_config(folder / "config.json").get("_class_name") == "ReferenceNet"


def _is_adapter(folder: Path) -> bool:
    name = read_config(folder / "config.json").get("_class_name")
    return name in ("SpeechProjector", "LightEncoder", "CameraEncoder")


def _never(folder: Path) -> bool:  # noqa: ARG001 - asked as the others are
    return False


ROLES = {
    "backbone": Role(
        "unet/config.json", ("diffusers",), _is_backbone, file_homes=("checkpoints",), file_kinds=("svd",)
    ),
    "unet": Role(
        "",
        ("diffusion_models", "unet"),
        _never,
        file_homes=("diffusion_models", "unet", "checkpoints", "mimicmotion", "stableanimator"),
        file_kinds=("svd-unet", "svd-unet-sgm", "svd-unet-part", "mimicmotion", "stableanimator-unet"),
    ),
    "lora": Role("", ("loras",), _never, file_homes=("loras",), file_kinds=("svd-lora", "unet-lora")),
    "controlnet": Role(
        "config.json",
        ("controlnet",),
        _is_controlnet,
        file_homes=("controlnet", "mimicmotion", "stableanimator", "diffusion_models", "unet", "checkpoints"),
        file_kinds=("svd-controlnet", "controlnext-svd", "posenet", "mimicmotion"),
    ),
    "reference_net": Role("config.json", ("controlnet",), _is_reference_net),
    "adapter": Role("config.json", ("controlnet",), _is_adapter),
    "pose": Role("yolox*.onnx", ("dwpose", "DWPose"), _is_dwpose, pack_homes=(AUX_PACK,)),
    "pose-openpose": Role("body_pose_model.pth", ("openpose", "annotators"), _is_openpose, pack_homes=(AUX_PACK,)),
    "depth": Role("config.json", ("depth", "depthanything", "zoedepth"), _is_depth),
    "speech": Role("config.json", ("audio_encoders", "wav2vec2"), _is_speech),
    "audio_motion": Role("config.json", ("audio_motion", "audio_encoders"), _is_audio_motion),
    "face": Role("*.onnx", ("insightface/models", "insightface"), _is_face, user_homes=(".insightface/models",)),
    "upscaler": Role(
        "", ("upscale_models",), _never, file_homes=("upscale_models",), file_kinds=("upscaler", "unknown")
    ),
    "face_restorer": Role(
        "",
        ("facerestore_models",),
        _never,
        file_homes=("facerestore_models", "upscale_models"),
        file_kinds=("face-restorer",),
    ),
    "face-adapter": Role("face_encoder.*", ("stableanimator", "controlnet"), _is_face_adapter),
}
"""Every role; models are folders, single files, or either."""

MODEL_FOLDERS = tuple(dict.fromkeys(home.split("/")[0] for role in ROLES.values() for home in role.all_homes))
"""ComfyUI's names of the folders that are searched."""
