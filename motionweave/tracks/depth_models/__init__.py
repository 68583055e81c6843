"""Depth models, each one registry line; a folder's ``model_type`` says which one it is for."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ...errors import MissingModelError
from ...registry import Entry, Registry
from ...runtime import Folders
from ...weights.locate import locate_model
from .base import DepthModel


def _depth_anything(folder: Path, dtype: torch.dtype) -> DepthModel:
    from .transformers_depth import load_transformers_depth

    return load_transformers_depth("DepthAnythingForDepthEstimation", folder, dtype, None)


def _zoedepth(folder: Path, dtype: torch.dtype) -> DepthModel:
    from .transformers_depth import load_transformers_depth

    return load_transformers_depth("ZoeDepthForDepthEstimation", folder, dtype, True)


DEPTH_MODELS: Registry[DepthModel] = Registry(
    "depth model",
    (
        Entry("depth_anything", "Depth Anything, V1 and V2 (relative or metric)", _depth_anything, needs=("depth",)),
        Entry("zoedepth", "ZoeDepth (metric)", _zoedepth, needs=("depth",)),
    ),
)
"""An entry's id is the ``model_type`` of the folders it loads; its ``build`` takes the folder and the precision."""


def load_depth_model(name: str, folders: Folders, dtype: torch.dtype) -> DepthModel:
    """Load a depth model by name.

    Args:
        name: A manifest id or a folder's name, as `available_models` lists it for the role ``depth``.
        folders: The host's.
        dtype: Precision to run in.

    Raises:
        MissingModelError: If it is not on this machine, or is a folder of another kind; says what it seems to be.
    """
    return load_depth_folder(locate_model("depth", name, folders), dtype)


def load_depth_folder(folder: Path, dtype: torch.dtype) -> DepthModel:
    """Load the depth model in a folder.

    Raises:
        MissingModelError: As `load_depth_model`.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MissingModelError(folder.name, (folder,), f"Its config.json cannot be read: {error}") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in DEPTH_MODELS.ids():
        raise MissingModelError(
            folder.name,
            (folder,),
            f"It seems to be a '{kind}' model; expected one of {', '.join(DEPTH_MODELS.ids())}.",
        )
    return DEPTH_MODELS.get(str(kind)).build(folder, dtype)


__all__ = ["DEPTH_MODELS", "DepthModel", "load_depth_folder", "load_depth_model"]
