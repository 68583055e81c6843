"""The model card of a tuned adapter: what it is for, what was measured, and all that it takes to make it again."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from typing import Any

import torch

from ..dataset.windows import Windows
from .tuning_log import TuningLog
from .tuning_recipe import TuningRecipe

USE = {
    "pose": "Load ControlNet (SVD), then Apply Pose",
    "depth": "Load ControlNet (SVD), then Apply Depth",
    "identity": "Load ReferenceNet, then Apply Reference",
    "lora": "Load LoRA (SVD)",
    "speech": "Load Adapter, then Apply Speech",
    "light": "Load Adapter, then Apply Light",
    "camera": "Load Adapter, then Apply Camera",
}
"""Nodes that take each kind."""

COLUMNS = {"held_out": "held-out loss", "psnr_db": "samples, PSNR in dB", "ssim": "samples, SSIM"}


def tuning_card(recipe: TuningRecipe, windows: Windows, log: TuningLog, device: torch.device) -> str:
    """Write the card, in Markdown.

    Args:
        recipe: What was trained.
        windows: What it was trained on.
        log: What was measured.
        device: Where.
    """
    place = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers", "accelerate"))
    told = json.dumps(recipe.model_dump(mode="json"), indent=2)
    return (
        f"# {recipe.name}\n\nA {recipe.trains} adapter for {recipe.backbone}, trained on {windows.clip_count} clips by "
        f"`motionweave train`. The backbone did not learn.\n\nUse it with {USE[recipe.trains]}.\n{_table(log)}\n"
        f"Trained on {place}; {packages}.\n\n## Recipe\n\n```json\n{told}\n```\n"
    )


def _table(log: TuningLog) -> str:
    """Give a row for each step at which something else than the training loss was measured."""
    found: dict[str, dict[int, float]] = {name: dict(log.values(name)) for name in COLUMNS}
    columns: dict[str, Any] = {name: values for name, values in found.items() if values}
    if not columns:
        return "\nNothing was held out, and nothing sampled.\n"
    steps = sorted({step for values in columns.values() for step in values})
    rows = [["step", *(COLUMNS[name] for name in columns)], ["---"] * (1 + len(columns))]
    for step in steps:
        values = (columns[name].get(step) for name in columns)
        rows.append([str(step), *("" if value is None else f"{value:.5g}" for value in values)])
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    held_out = "" if "held_out" in columns else "\nNothing was held out: samples are of clips that it learnt from.\n"
    return f"\nMeasured with the averaged weights, which are what is written.\n\n{lines}{held_out}"
