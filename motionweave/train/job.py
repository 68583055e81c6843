"""Where a recipe's training reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..runtime import Runtime
from .loop import LoopOptions


@dataclass(frozen=True)
class Job:
    """One training."""

    options: LoopOptions
    """How long and how fast."""
    output: Path
    """Where finished models go, each in a folder of its own, as below ``mini/``."""
    cache: Path
    """Rendered data that several trainings may share."""
    run: Path
    """This training's checkpoints and log."""
    runtime: Runtime | None = None
    """Who hosts a tuning recipe: where models are looked for, which device computes, who is told each step. None for
    ``models`` in the working folder and whatever accelerate chooses."""
