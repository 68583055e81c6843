"""The training loop that every Mini recipe shares: Muon, warm-up and cosine, bf16 autocast, EMA, exact resume."""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .muon import Muon

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast."""

    steps: int
    """Optimiser steps."""
    learning_rate: float
    """Peak of the schedule."""
    warmup: int = 100
    """Steps of linear rise; a cosine to a twentieth follows."""
    ema: float = 0.998
    """Decay of the averaged weights that are kept."""
    bf16: bool = True
    """Whether to compute in bfloat16 where autocast allows it; weights stay float32."""
    save_every: int = 500
    """Steps between checkpoints."""
    seed: int = 0
    """Seeds everything random."""


class Average:
    """An exponential moving average of a module's weights."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start from the module's weights as they are."""
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move toward the module's weights; early steps move faster, so that the start is forgotten."""
        keep = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - keep)
            else:
                self.weights[name].copy_(value)


def learning_rate_at(step: int, options: LoopOptions) -> float:
    """Give the learning rate of a step, from 0."""
    if step < options.warmup:
        return options.learning_rate * (step + 1) / options.warmup
    part = (step - options.warmup) / max(1, options.steps - options.warmup)
    return options.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(part, 1.0))))


def fit(
    module: nn.Module,
    loss_of: Callable[[int, torch.Generator], dict[str, Tensor]],
    options: LoopOptions,
    folder: Path,
) -> dict[str, Tensor]:
    """Train a module and give its averaged weights.

    Args:
        module: What to train; parameters that do not require gradients stay as they are.
        loss_of: Gives the losses of a step, from its number and a generator that depends on seed and step alone; the
            entry ``loss`` is minimised, the others are logged.
        options: How long and how fast.
        folder: Gets ``state.pt`` (from which a later call goes on, bit for bit on a CPU) and ``losses.csv``.

    Returns:
        The averaged state dict.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = Muon(parameters, options.learning_rate)
    average, first = Average(module, options.ema), 0
    checkpoint = folder / "state.pt"
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        average.weights, first = state["average"], state["step"]
    started = time.monotonic()
    with (folder / "losses.csv").open("a", newline="") as file:
        rows = csv.writer(file)
        for step in range(first, options.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, options)
            generator = torch.Generator().manual_seed(options.seed * 1_000_003 + step)
            device = parameters[0].device.type
            with torch.autocast(device, torch.bfloat16, enabled=options.bf16):
                losses = loss_of(step, generator)
            losses["loss"].backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            average.update(module, step)
            if step % 10 == 0 or step + 1 == options.steps:
                values = {name: float(value.detach()) for name, value in losses.items()}
                speed = (time.monotonic() - started) / (step - first + 1)
                logger.info("step %d of %d, %.2f s a step, %s", step, options.steps, speed, values)
                rows.writerow([step, *(f"{name}={value:.6g}" for name, value in values.items())])
                file.flush()
            if (step + 1) % options.save_every == 0 or step + 1 == options.steps:
                _save(checkpoint, module, optimizer, average, step + 1)
    return average.weights


def _save(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, average: Average, step: int) -> None:
    """Write the state beside the last one, then put it in its place, so that a kill cannot leave half a file."""
    partial = path.with_suffix(".part")
    state = {
        "module": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.weights,
        "step": step,
    }
    torch.save(state, partial)
    partial.replace(path)
