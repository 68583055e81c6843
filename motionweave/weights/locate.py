"""Where models lie: bundled with the pack, or in ComfyUI's model folders."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, MissingModelError
from ..runtime import Folders
from .manifest import load_manifest

CONFIGS = {
    "backbone": "unet/config.json",
    "controlnet": "config.json",
    "pose": "yolox*.onnx",
    "depth": "config.json",
    "speech": "config.json",
    "face": "*.onnx",
}
"""The file by which a folder of each role is known."""

COMFY_FOLDERS = {
    "backbone": "diffusers",
    "controlnet": "controlnet",
    "pose": "dwpose",
    "depth": "depth",
    "speech": "audio_encoders",
    "face": "insightface",
}
"""ComfyUI's folder for each role."""


def _found(role: str, folders: Folders) -> dict[str, Path]:
    """Give model folders of a role below ComfyUI's model roots, by their path below the role's folder."""
    found: dict[str, Path] = {}
    for root in folders.models:
        base = root / COMFY_FOLDERS[role]
        for config in sorted(base.glob(f"*/{CONFIGS[role]}")) + sorted(base.glob(f"*/*/{CONFIGS[role]}")):
            folder = config.parents[len(Path(CONFIGS[role]).parts) - 1]
            found.setdefault(folder.relative_to(base).as_posix(), folder)
    return found


def available_models(role: str, folders: Folders) -> tuple[str, ...]:
    """List what can be loaded for a role: bundled models first, then folders in ComfyUI's model folders.

    Args:
        role: A key of `CONFIGS`, such as ``backbone`` or ``depth``.
        folders: The host's.
    """
    bundled = (entry for entry in load_manifest().with_role(role) if entry.bundled_path is not None)
    present = [entry.id for entry in bundled if entry.bundled_path is not None and entry.bundled_path.is_dir()]
    return (*present, *_found(role, folders))


def locate_model(role: str, name: str, folders: Folders) -> Path:
    """Find a model's folder.

    Args:
        role: A key of `CONFIGS`, such as ``backbone`` or ``depth``.
        name: A manifest id, or a folder's name as `available_models` lists it.
        folders: The host's.

    Raises:
        InputError: If the name is of another role.
        MissingModelError: If it is not on this machine; says where to get it and where to put it.
    """
    searched = tuple(root / COMFY_FOLDERS[role] for root in folders.models)
    found = _found(role, folders)
    if name in found:
        return found[name]
    manifest = load_manifest()
    if name not in manifest.ids():
        known = ", ".join(available_models(role, folders)) or "none"
        raise MissingModelError(name, searched, f"Known here are: {known}.")
    entry = manifest.get(name)
    if entry.role != role:
        raise InputError(f"'{name}' is a {entry.role}; expected a {role}")
    if entry.bundled_path is not None and entry.bundled_path.is_dir():
        return entry.bundled_path
    raise MissingModelError(
        name,
        searched,
        f"Get {entry.repo} from the model hub in diffusers' folder layout (licence: {entry.licence or 'none stated'}) "
        f"and put the folder into ComfyUI's models/{COMFY_FOLDERS[role]}.",
    )
