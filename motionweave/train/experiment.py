"""An experiment: a folder from which alone it can be told what was asked, what was run and what came of it."""

from __future__ import annotations

import csv
import platform
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ..errors import InputError
from ..media.files import whole_file

CONFIG, RESULTS, CHART = "config.yaml", "results.md", "losses.png"

PAGE = """# {name}

## Question

{question}

## What would answer it

Which figure, on which clips, better than what, by how much. Write it before the training, so that it holds after it.

## Config

[{config}]({config}) is the recipe as it was run.

## Results

[{results}]({results}) is written when the training ends.

## Answer

Not yet.
"""
"""What a new experiment's README.md holds; it is the reader's from then on, and never written again."""

UNASKED = "What is to be found out, and why? One thing is changed against which other experiment?"


@dataclass(frozen=True)
class Experiment:
    """One folder."""

    folder: Path
    """Holds README.md, the recipe, the results, and ``run``: checkpoints, losses and samples."""

    @property
    def recipe(self) -> Path:
        """The recipe as it is run."""
        return self.folder / CONFIG

    @property
    def run(self) -> Path:
        """Checkpoints, losses and samples."""
        return self.folder / "run"

    @property
    def made(self) -> Path:
        """Where what was trained goes, if nowhere else."""
        return self.folder / "made"

    def write_results(self, made: Path, command: str, seconds: float) -> Path:
        """Write what came of it.

        Args:
            made: What was trained.
            command: What was called.
            seconds: How long this call took.

        Returns:
            The page; with a chart beside it where losses were logged.
        """
        losses = read_losses(self.run / "losses.csv")
        rows = "".join(_row(name, values) for name, values in losses.items())
        table = f"\n| figure | first | last | best |\n| --- | --- | --- | --- |\n{rows}" if rows else ""
        if losses:
            self._draw(losses)
            table += f"\n![Over the steps]({CHART})\n"
        samples = sorted(path.name for path in (self.run / "samples").glob("*.mp4"))
        shown = "".join(f"- [{name}](run/samples/{name})\n" for name in samples)
        packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers", "accelerate"))
        when = (
            f"Written {time.strftime('%Y-%m-%d %H:%M')}; this call took {seconds:.0f} s on {_device()}, with {packages}"
        )
        text = f"# Results\n\n    {command}\n\n{when}.\n\nMade: `{_told(made, self.folder)}`\n{table}"
        with whole_file(self.folder / RESULTS) as partial:
            partial.write_text(text + (f"\n## Samples\n\n{shown}" if shown else ""), encoding="utf-8")
        return self.folder / RESULTS

    def _draw(self, losses: dict[str, list[tuple[int, float]]]) -> None:
        from ..media import write_image
        from ..metrics.strip_chart import Line, Strip, draw_strips

        strips = [
            Strip(name, (Line("", [step for step, _ in values], [value for _, value in values]),))
            for name, values in losses.items()
        ]
        last = max(values[-1][0] for values in losses.values())
        write_image(self.folder / CHART, draw_strips(strips, float(max(last, 1)), title="over steps", tick="{:.0f}"))


def begin_experiment(root: Path, name: str, recipe: Path, question: str = "") -> Experiment:
    """Open an experiment, or make a new one from the template.

    Args:
        root: Folder of all experiments.
        name: Its own folder there.
        recipe: What to run; it is copied, byte for byte.
        question: What is to be found out; goes into a new experiment's page.

    Raises:
        InputError: If the name is no plain one, the recipe cannot be read, or the folder holds another one's.
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise InputError(f"an experiment was called '{name}'; expected letters, digits, _ and - alone")
    try:
        told = recipe.read_bytes()
    except OSError as error:
        raise InputError(f"the recipe {recipe} cannot be read: {error}") from error
    experiment = Experiment(root / name)
    if experiment.recipe.is_file() and experiment.recipe.read_bytes() != told:
        raise InputError(
            f"{experiment.folder} holds an experiment with another recipe; give this one a name of its own, so that "
            "both can be told apart"
        )
    experiment.folder.mkdir(parents=True, exist_ok=True)
    experiment.recipe.write_bytes(told)
    page = experiment.folder / "README.md"
    if not page.is_file():
        text = PAGE.format(name=name, question=question or UNASKED, config=CONFIG, results=RESULTS)
        page.write_text(text, encoding="utf-8")
    return experiment


def run_experiment(experiment: Experiment, output: Path | None, cache: Path, steps: int | None = None) -> Path:
    """Run an experiment's recipe, and write its results.

    Args:
        experiment: What to run; where it was stopped, it goes on.
        output: Where models go; None for the experiment's own folder.
        cache: Where rendered clips and latents are kept.
        steps: Steps to take in place of the recipe's.

    Returns:
        The page of results.
    """
    from .run import run_recipe

    begun = time.monotonic()
    made = run_recipe(experiment.recipe, output or experiment.made, cache, steps, experiment.run)
    options = "" if steps is None else f" --steps {steps}"
    command = f"motionweave train {experiment.recipe.as_posix()} --experiment {experiment.folder.name}{options}"
    return experiment.write_results(made, command, time.monotonic() - begun)


def read_losses(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Read steps and values by name, as either kind of training logs them; empty where there is no log.

    Args:
        path: Rows of ``step,name,value`` or of ``step,name=value,name=value``.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    if not path.is_file():
        return found
    with path.open(newline="", encoding="utf-8") as file:
        for step, *cells in csv.reader(file):
            pairs = [cell.split("=", 1) for cell in cells] if "=" in cells[0] else [cells]
            for name, value in pairs:
                found.setdefault(name, []).append((int(step), float(value)))
    return found


def _row(name: str, values: list[tuple[int, float]]) -> str:
    # Losses are the better the lower, what is measured on pictures the higher.
    best = sorted(values, key=lambda each: each[1])[-1 if name in ("psnr_db", "ssim") else 0]
    return f"| {name} | {values[0][1]:.5g} | {values[-1][1]:.5g} | {best[1]:.5g} at step {best[0]} |\n"


def _told(made: Path, folder: Path) -> str:
    return made.relative_to(folder).as_posix() if made.is_relative_to(folder) else str(made)


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
