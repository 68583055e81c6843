"""The loop of tuning recipes: accelerate on one device or many, AdamW, averaged weights, exact resume."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..dataset.tools import open_backbone
from ..dataset.windows import Share, Windows, WindowSpec, stream
from ..errors import InputError
from ..runtime import Folders
from .job import Job
from .loop import Average, learning_rate_at
from .tuning import Tuner, build_adapter, draw, write_adapter
from .tuning_recipe import TuningRecipe

logger = logging.getLogger(__name__)

HELD_OUT = 16
"""Held-out windows that are measured, the same each time."""


def train_tuning(recipe: TuningRecipe, job: Job) -> Path:
    """Train an adapter on a prepared dataset.

    Args:
        recipe: What to train.
        job: Where; ``state.pt`` of its run folder is where a stopped training goes on, bit for bit on a processor.

    Returns:
        The adapter's folder, ready for the loader nodes, with a model card.

    Raises:
        InputError: If the dataset does not suit the recipe, or the run folder is another recipe's.
        MissingModelError: If the backbone is not on this machine.
    """
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    accelerator = Accelerator(
        mixed_precision="bf16" if recipe.precision == "bf16" else "no",
        gradient_accumulation_steps=recipe.loop.accumulate,
        # A single image token leaves some attention weights without a say.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    backbone = open_backbone(recipe.backbone, Folders(Path("input"), job.output, job.cache, (Path("models"),)))
    windows = Windows(Path(recipe.dataset), window_spec(recipe, backbone.facts.image_role == "first_frame"))
    windows.require_backbone(backbone.digest)
    for clip in windows.too_short:
        logger.warning("%s frames %d-%d: too short for a window", clip.file, clip.start, clip.stop - 1)
    tuner = Tuner(backbone.unet, build_adapter(backbone, recipe), recipe)
    training = _Training(recipe, job, accelerator, windows, tuner)
    training.run()
    if accelerator.is_main_process:
        folder = write_adapter(tuner.net, recipe.trains, job.output / recipe.name)
        (folder / "README.md").write_text(_card(recipe, windows, training), encoding="utf-8")
    accelerator.wait_for_everyone()
    return job.output / recipe.name


def window_spec(recipe: TuningRecipe, first_frame: bool) -> WindowSpec:
    """Say which windows a recipe wants.

    Args:
        recipe: The recipe.
        first_frame: Whether the backbone goes on from its picture, rather than showing who is in it.
    """
    return WindowSpec(
        frames=recipe.frames,
        fps=tuple(Fraction(rate) for rate in recipe.fps),
        signals=() if recipe.trains == "identity" else (recipe.trains,),
        reference="first" if first_frame else "any",
        seed=recipe.loop.seed,
    )


class _Training:
    """One training, from its checkpoint on."""

    def __init__(self, recipe: TuningRecipe, job: Job, accelerator: Any, windows: Windows, tuner: Tuner) -> None:
        self._recipe, self._job, self._accelerator, self._windows = recipe, job, accelerator, windows
        self._tuner = tuner
        trained = list(tuner.trained().values())
        tuner.to(accelerator.device)
        optimizer = torch.optim.AdamW(trained, recipe.loop.learning_rate, weight_decay=recipe.loop.weight_decay)
        # Parameters by their order; the list holds the very ones that learn.
        self._trained = nn.ParameterList(trained)
        self._average, self._first = Average(self._trained, recipe.loop.ema), 0
        self._state = job.run / "state.pt"
        # All but the number of steps: one that is to go on for longer is still the same training.
        self._told = json.dumps(recipe.model_dump(mode="json", exclude={"loop": {"steps"}}), sort_keys=True)
        job.run.mkdir(parents=True, exist_ok=True)
        if self._state.is_file():
            self._resume(optimizer)
        self._module, self._optimizer = accelerator.prepare(tuner, optimizer)
        self.losses: list[tuple[int, float]] = []
        """Steps and their held-out losses."""

    def _resume(self, optimizer: torch.optim.Optimizer) -> None:
        state = torch.load(self._state, map_location="cpu", weights_only=True)
        if state["recipe"] != self._told:
            raise InputError(
                f"{self._job.run} holds a training of another recipe of this name; give the recipe's file another "
                "name, or remove that folder"
            )
        self._trained.load_state_dict(state["trained"])
        optimizer.load_state_dict(state["optimizer"])
        for name, value in state["average"].items():
            self._average.weights[name].copy_(value)
        self._first = int(state["step"])
        logger.info("going on at step %d", self._first)

    def run(self) -> None:
        """Take the steps that are left, and put the averaged weights into the adapter."""
        loop, options = self._recipe.loop, self._job.options
        share = Share(
            loop.batch, self._accelerator.process_index, self._accelerator.num_processes, self._recipe.workers
        )
        batches = stream(self._windows, share, self._first * loop.accumulate, options.steps * loop.accumulate)
        for step in range(self._first, options.steps):
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate_at(step, options)
            loss = self._step(step, batches, share)
            self._average.update(self._trained, step)
            last = step + 1 == options.steps
            if step % 10 == 0 or last:
                logger.info("step %d of %d, loss %.4g", step, options.steps, loss)
                self._log(step, "loss", loss)
            if (step + 1) % loop.measure_every == 0 or last:
                self._measure(step)
            if (step + 1) % loop.save_every == 0 or last:
                self._save(step + 1)
        self._trained.load_state_dict(self._average.weights)

    def _step(self, step: int, batches: Iterator[Any], share: Share) -> float:
        total, loop = 0.0, self._recipe.loop
        for part in range(loop.accumulate):
            number = (step * loop.accumulate + part) * share.processes + share.rank
            generator = torch.Generator().manual_seed(loop.seed * 1_000_000_007 + number)
            batch = next(batches)
            draws = draw(batch, self._recipe, generator)
            with self._accelerator.accumulate(self._module):
                loss = self._module(batch.to(self._accelerator.device), draws.to(self._accelerator.device))
                self._accelerator.backward(loss)
                if self._accelerator.sync_gradients:
                    self._accelerator.clip_grad_norm_(self._trained.parameters(), loop.clip_norm)
                self._optimizer.step()
                self._optimizer.zero_grad()
            total += float(loss.detach())
        return total / loop.accumulate

    @torch.no_grad()
    def _measure(self, step: int) -> None:
        """Measure held-out windows, always the same under the same noise."""
        from dataclasses import replace

        try:
            windows = Windows(self._windows.folder, replace(self._windows.spec, split="test"))
        except InputError:  # nothing is held out
            return
        device, total = self._accelerator.device, 0.0
        for number, batch in enumerate(stream(windows, Share(1), 0, HELD_OUT)):
            draws = draw(batch, self._recipe, torch.Generator().manual_seed(number))
            total += float(self._tuner(batch.to(device), draws.to(device)))
        self.losses.append((step, total / HELD_OUT))
        self._log(step, "held_out", total / HELD_OUT)

    def _log(self, step: int, name: str, value: float) -> None:
        if self._accelerator.is_main_process:
            with (self._job.run / "losses.csv").open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([step, name, f"{value:.6g}"])

    def _save(self, step: int) -> None:
        if not self._accelerator.is_main_process:
            return
        state = {
            "recipe": self._told,
            "trained": self._trained.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.weights,
            "step": step,
        }
        partial = self._state.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self._state)


def _card(recipe: TuningRecipe, windows: Windows, training: _Training) -> str:
    measured = "".join(f"| {step} | {loss:.5g} |\n" for step, loss in training.losses)
    table = f"\n| step | held-out loss |\n| --- | --- |\n{measured}" if measured else "\nNothing was held out.\n"
    told = json.dumps(recipe.model_dump(mode="json"), indent=2)
    return (
        f"# {recipe.name}\n\nA {recipe.trains} adapter for {recipe.backbone}, trained on {windows.clip_count} clips by "
        f"`motionweave train`. The backbone did not learn.\n{table}\n## Recipe\n\n```json\n{told}\n```\n"
    )
