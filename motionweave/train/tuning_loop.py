"""The loop of tuning recipes: accelerate on one device or many, AdamW, averaged weights, exact resume."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..dataset.tools import open_backbone
from ..dataset.voices import Voices
from ..dataset.windows import Share, Windows, WindowSpec, stream
from ..errors import InputError
from ..runtime import Folders, LocalRuntime
from ..types import Progress
from .job import Job
from .loop import Average, learning_rate_at
from .tuning import Tuner, draw
from .tuning_adapters import Learner
from .tuning_build import build_learner
from .tuning_card import tuning_card
from .tuning_log import TuningLog, check_trackers
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
        The adapter's folder, or a LoRA's file, ready for the loader nodes, with a model card.

    Raises:
        InputError: If the dataset does not suit the recipe, or the run folder is another recipe's.
        MissingModelError: If the backbone is not on this machine.
        UnsupportedError: If a package that the recipe needs is missing.
    """
    accelerator = _accelerator(recipe, job)
    here = job.runtime or LocalRuntime(Folders(Path("input"), job.cache, job.cache, (Path("models"),)))
    backbone = open_backbone(recipe.backbone, here.folders)
    hearing = _hearing(recipe, here.folders)
    voices = Voices(Path(recipe.dataset), hearing, here) if hearing else None
    spec = window_spec(recipe, backbone.facts.image_role == "first_frame")
    windows = Windows(Path(recipe.dataset), spec, voices)
    windows.require_backbone(backbone.digest)
    _tell(windows)
    learner = build_learner(backbone, _begun(recipe, here.folders), hearing)
    training = _Training(recipe, job, accelerator, windows, backbone, learner)
    training.run()
    if accelerator.is_main_process:
        made = training.tuner.learner.write(job.output, recipe.name)
        card = made / "README.md" if made.is_dir() else made.with_suffix(".md")
        card.write_text(tuning_card(recipe, windows, training.log, accelerator.device), encoding="utf-8")
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return made_path(recipe, job.output)


def _begun(recipe: TuningRecipe, folders: Folders) -> TuningRecipe:
    """Give the recipe with the folder of what it goes on from, where it names a model."""
    from ..weights.locate import locate_model

    if not recipe.begin or Path(recipe.begin).exists():
        return recipe
    return recipe.model_copy(update={"begin": str(locate_model(recipe.role, recipe.begin, folders))})


def _tell(windows: Windows) -> None:
    """Name and count the clips that are passed over."""
    passed = [*windows.lacking, *((clip, "frames enough for a window") for clip in windows.too_short)]
    for clip, lacks in passed:
        logger.warning("passed over: %s frames %d-%d: without %s", clip.file, clip.start, clip.stop - 1, lacks)
    logger.info("%d clips to train on, %d passed over", windows.clip_count, len(passed))


def _hearing(recipe: TuningRecipe, folders: Folders) -> Any:
    """Load what hears, where speech is trained."""
    from ..tracks.speech_model import load_speech_model
    from ..weights.locate import locate_model

    if recipe.trains != "speech":
        return None
    return load_speech_model(locate_model("speech", recipe.speech.model, folders))


def _accelerator(recipe: TuningRecipe, job: Job) -> Any:
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    check_trackers(recipe.trackers)
    accelerator = Accelerator(
        gradient_accumulation_steps=recipe.loop.accumulate,
        log_with=list(recipe.trackers) or None,
        project_dir=job.run,
        cpu=job.runtime is not None and job.runtime.device.type == "cpu",
        # A single image token leaves some attention weights without a say.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    # Trackers take plain values only.
    told = {name: str(value) for name, value in recipe.model_dump(mode="json").items()}
    accelerator.init_trackers(recipe.name, config=told)
    return accelerator


def made_path(recipe: TuningRecipe, output: Path) -> Path:
    """Say where a finished adapter lies: a LoRA is a file, the others are folders."""
    return output / (f"{recipe.name}.safetensors" if recipe.trains == "lora" else recipe.name)


def window_spec(recipe: TuningRecipe, first_frame: bool) -> WindowSpec:
    """Say which windows a recipe wants.

    Args:
        recipe: The recipe.
        first_frame: Whether the backbone goes on from its picture, rather than showing who is in it.
    """
    return WindowSpec(
        frames=recipe.frames,
        fps=tuple(Fraction(rate) for rate in recipe.fps),
        signals=() if recipe.trains in ("identity", "lora") else (recipe.trains,),
        reference="first" if first_frame else "any",
        seed=recipe.loop.seed,
    )


class _Training:
    """One training, from its checkpoint on."""

    def __init__(
        self, recipe: TuningRecipe, job: Job, accelerator: Any, windows: Windows, backbone: Any, learner: Learner
    ) -> None:
        self._recipe, self._job, self._accelerator, self._windows = recipe, job, accelerator, windows
        self._backbone = backbone
        self.tuner = Tuner(backbone.unet, learner, recipe)
        trained = list(self.tuner.trained().values())
        self.tuner.to(accelerator.device)
        optimizer = torch.optim.AdamW(trained, recipe.loop.learning_rate, weight_decay=recipe.loop.weight_decay)
        # Parameters by their order; the list holds the very ones that learn.
        self._trained = nn.ParameterList(trained)
        self._average, self._first = Average(self._trained, recipe.loop.ema), 0
        self._state = job.run / "state.pt"
        # All but what changes no step: one that is to go on for longer is still the same training.
        looks = {"steps", "save_every", "measure_every", "sample_every"}
        told = recipe.model_dump(mode="json", exclude={"loop": looks, "trackers": True, "workers": True})
        self._told = json.dumps(told, sort_keys=True)
        job.run.mkdir(parents=True, exist_ok=True)
        if self._state.is_file():
            self._resume(optimizer)
        self.log = TuningLog(job.run / "losses.csv", self._first, accelerator)
        self._held_out = _held_out(windows)
        self._module, self._optimizer = accelerator.prepare(self.tuner, optimizer)

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
            if step % 10 == 0 or step + 1 == options.steps:
                logger.info("step %d of %d, loss %.4g", step, options.steps, loss)
                self.log.add(step, {"loss": loss})
            picture = self._look(step)
            if self._is_due(step, loop.save_every):
                self._save(step + 1)
            self._report(step + 1, picture)
        self._trained.load_state_dict(self._average.weights)

    def _is_due(self, step: int, every: int) -> bool:
        return (step + 1) % every == 0 or step + 1 == self._job.options.steps

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
            # Every process is told the same, so that one whose loss is no number does not leave the others waiting.
            total += float(self._accelerator.reduce(loss.detach(), reduction="mean"))
        if not math.isfinite(total):
            raise InputError(
                f"the loss of step {step} is {total}, and nothing can be learnt any more; lower loop.learning_rate or "
                f"train in fp32, and remove {self._state} if it does so again from there"
            )
        return total / loop.accumulate

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Have the averaged weights in the adapter inside the block: they are what will be written."""
        own = {name: value.clone() for name, value in self._trained.state_dict().items()}
        self._trained.load_state_dict(self._average.weights)
        try:
            yield
        finally:
            self._trained.load_state_dict(own)

    def _look(self, step: int) -> Tensor | None:
        """Measure and sample when it is time to; gives a picture of the samples."""
        loop = self._recipe.loop
        measures = self._is_due(step, loop.measure_every)
        samples = loop.sample_every > 0 and self._is_due(step, loop.sample_every)
        if not (measures or samples):
            return None
        with self._averaged():
            if measures:
                self._measure(step)
            return self._sample(step) if samples else None

    @torch.no_grad()
    def _measure(self, step: int) -> None:
        """Measure held-out windows, always the same under the same noise."""
        if self._held_out is None:
            return
        device, total = self._accelerator.device, 0.0
        for number, batch in enumerate(stream(self._held_out, Share(1), 0, HELD_OUT)):
            draws = draw(batch, self._recipe, torch.Generator().manual_seed(number))
            total += float(self.tuner(batch.to(device), draws.to(device)))
        self.log.add(step, {"held_out": total / HELD_OUT})

    @torch.no_grad()
    def _sample(self, step: int) -> Tensor | None:
        """Make some windows, held-out ones where there are any."""
        from .tuning_samples import SAMPLES, draw_samples

        if not self._accelerator.is_main_process:
            return None
        shown = self._held_out or self._windows
        path = self._job.run / f"samples/step-{step + 1:06d}"
        with self.tuner.precise():
            made = draw_samples(self._backbone, self.tuner.learner, [shown[number] for number in range(SAMPLES)], path)
        self.log.add(step, {"psnr_db": made.psnr_db, "ssim": made.ssim})
        return made.picture

    def _report(self, done: int, picture: Tensor | None) -> None:
        """Say how far it is; where whoever listens ends the training, what was learnt is kept."""
        if self._job.runtime is None:
            return
        stopped = True
        try:
            self._job.runtime.report(Progress("train", 0, 1, done, self._job.options.steps, picture))
            stopped = False
        finally:
            if stopped:
                self._save(done)

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


def _held_out(windows: Windows) -> Windows | None:
    try:
        return Windows(windows.folder, replace(windows.spec, split="test"), windows.voices)
    except InputError:  # nothing is held out
        return None
