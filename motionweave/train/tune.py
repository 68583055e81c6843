"""Training from the canvas: a recipe of the pack's or of the user's, on a dataset of the input folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import InputError
from ..host.paths import confine
from ..runtime import Folders, Runtime
from ..weights.locate import available_models
from ..weights.manifest import PACK_ROOT

if TYPE_CHECKING:
    from .tuning_recipe import TuningRecipe

PREPARED_MARK = "prepared/metadata.json"
"""What a prepared dataset has; written out, because a list on the canvas must not load what preparing needs."""

MOST_FILES = 200
"""Recipes and datasets that a list offers."""


@dataclass(frozen=True)
class TuneRequest:
    """What to train."""

    recipe: str
    """One of `tuning_recipes`."""
    dataset: str = ""
    """One of `prepared_datasets`; empty for the recipe's own."""
    backbone: str = ""
    """Name of the backbone; empty for the recipe's own."""
    name: str = ""
    """What to call the adapter; empty for the recipe's name."""
    steps: int = 0
    """Optimiser steps; 0 for the recipe's."""


@dataclass(frozen=True)
class Tuned:
    """What came of it."""

    path: Path
    """The adapter, in ComfyUI's models folder, where its loader lists it."""
    chart: Tensor
    """(1, 3, H, W) in [0, 1]: losses and figures of samples over the steps."""
    samples: Tensor
    """(F, 3, H, W) in [0, 1]: the last sample, the truth left; the chart where none was made."""
    report: str
    """The model card."""


def tuning_recipes(folders: Folders) -> tuple[str, ...]:
    """List recipes that train adapters: the pack's own, then those in the input folder, as ``input/...``."""
    return tuple(_recipes(folders))


def prepared_datasets(folders: Folders) -> tuple[str, ...]:
    """List folders below the input folder that `motionweave dataset prepare` made ready."""
    base = folders.input
    found = {path.parents[1] for above in ("*", "*/*") for path in base.glob(f"{above}/{PREPARED_MARK}")}
    return tuple(sorted(path.relative_to(base).as_posix() for path in found)[:MOST_FILES])


def train_adapter(request: TuneRequest, runtime: Runtime) -> Tuned:
    """Train an adapter, or go on where it was stopped.

    Args:
        request: What to train.
        runtime: Is told each step, with a picture where samples were made; what it raises ends the training, and the
            same request goes on from there.

    Raises:
        InputError: If recipe, dataset or backbone are none, or do not suit each other.
        UnsupportedError: If a package that the recipe needs is missing.
    """
    from .job import Job
    from .run import loop_options
    from .tuning_loop import train_tuning

    recipe, folders = _asked(request, runtime.folders), runtime.folders
    run = folders.output / "motionweave-training" / recipe.name
    job = Job(loop_options(recipe.loop, request.steps or None), _home(recipe, folders), folders.cache, run, runtime)
    # ComfyUI runs nodes in inference mode, whose tensors nothing can be learnt through.
    with torch.inference_mode(False), torch.enable_grad():
        return _tuned(train_tuning(recipe, job), run)


def _asked(request: TuneRequest, folders: Folders) -> TuningRecipe:
    """Read the recipe, with what the request puts in the place of its own; all of it lies in the host's folders."""
    from .recipe import read_recipe
    from .tuning_recipe import TuningRecipe

    path = _recipes(folders).get(request.recipe)
    if path is None:
        raise InputError(f"there is no recipe '{request.recipe}'; give one of {', '.join(_recipes(folders))}")
    recipe = read_recipe(path)
    if not isinstance(recipe, TuningRecipe):
        raise InputError(f"{path.name} trains no adapter; expected a recipe of the kind 'tuning'")
    dataset, backbone = request.dataset or recipe.dataset, request.backbone or recipe.backbone
    _require(dataset, prepared_datasets(folders), "dataset", "prepare one there with: motionweave dataset prepare")
    _require(backbone, available_models("backbone", folders), "backbone", "put it into ComfyUI's models/diffusers")
    changed = {"dataset": str(folders.input / dataset), "backbone": backbone, "name": request.name or recipe.name}
    if recipe.begin and recipe.begin not in available_models(recipe.role, folders):
        changed["begin"] = str(confine(_home(recipe, folders), recipe.begin))
    try:
        return TuningRecipe.model_validate({**recipe.model_dump(), **changed})
    except ValueError as error:
        raise InputError(f"an adapter cannot be called '{request.name}'; give letters, digits, _ and -") from error


def _require(name: str, known: tuple[str, ...], what: str, advice: str) -> None:
    if name not in known:
        there = ", ".join(known) or "none at all"
        raise InputError(f"there is no {what} '{name}', only {there}; choose one of them, or {advice}")


def _recipes(folders: Folders) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for base, before in ((PACK_ROOT / "recipes", ""), (folders.input, "input/")):
        paths = sorted(path for depth in ("", "*/") for path in base.glob(f"{depth}*.yaml"))
        kept = [path for path in paths if _trains_adapters(path)][:MOST_FILES]
        found |= {before + path.relative_to(base).as_posix(): path for path in kept}
    return found


def _trains_adapters(path: Path) -> bool:
    """Tell by its words: reading it properly would load what only training needs."""
    try:
        return re.search(r"^kind:\s*tuning\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _home(recipe: TuningRecipe, folders: Folders) -> Path:
    """Give the models folder in which the loader looks for what the recipe trains."""
    if not folders.models:
        raise InputError("there is no models folder to put the adapter into; name one with --models-dir")
    return folders.models[0] / ("loras" if recipe.trains == "lora" else "controlnet")


def _tuned(path: Path, run: Path) -> Tuned:
    from ..media import read_clip
    from ..types import float_pixels
    from .tuning_log import read_rows, rows_chart

    chart = rows_chart(read_rows(run / "losses.csv"))
    videos = sorted((run / "samples").glob("*-0.mp4"))
    card = path / "README.md" if path.is_dir() else path.with_suffix(".md")
    samples = float_pixels(read_clip(videos[-1])) if videos else chart
    return Tuned(path, chart, samples, card.read_text(encoding="utf-8"))
