"""A benchmark's result: figures, baselines, and the machine that they were measured on."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..media import write_image
from . import BENCHMARKS

PICTURED = 6
"""Clips of which a picture is kept."""


@dataclass(frozen=True)
class BenchmarkResult:
    """What one benchmark found."""

    name: str
    """Which one."""
    figures: dict[str, float | None]
    """What was measured; None where this machine cannot."""
    baselines: dict[str, dict[str, float | None]]
    """The same keys for each baseline."""
    seconds: float
    """Time it took."""
    machine: str
    """Processor, cores and device."""
    versions: dict[str, str]
    """What it ran on."""

    def to_json(self) -> str:
        """Give one JSON object on one line."""
        return json.dumps(asdict(self))

    def table(self) -> str:
        """Give a table for people."""
        columns = {self.name: self.figures, **self.baselines}
        wide, each = max(map(len, self.figures)) + 2, max(20, *(len(name) + 2 for name in columns))
        lines = ["".ljust(wide) + "".join(name.rjust(each) for name in columns)]
        for key in self.figures:
            found = (row.get(key) for row in columns.values())
            values = ("".rjust(each) if value is None else f"{value:{each}.4g}" for value in found)
            lines.append(key.ljust(wide) + "".join(values))
        return "\n".join([*lines, f"{self.seconds:.0f} s on {self.machine}"])


def run_benchmark(
    name: str,
    clips: int | None = None,
    pictures: Path | None = None,
    on_clip: Callable[[int], None] | None = None,
    more: Mapping[str, Any] | None = None,
) -> BenchmarkResult:
    """Run a benchmark.

    Args:
        name: Its id.
        clips: How many clips to measure on; None for the benchmark's own number.
        pictures: Folder for pictures: made frames above the true ones.
        on_clip: Told of each finished clip.
        more: What this benchmark takes beside that, by name.

    Raises:
        InputError: If there is no such benchmark; the message lists those there are.
    """

    def keep(index: int, made: Tensor, truth: Tensor) -> None:
        if pictures is not None and index < PICTURED:
            pictures.mkdir(parents=True, exist_ok=True)
            chosen = range(0, len(made), max(1, len(made) // 6))
            rows = [torch.cat([frames[i] for i in chosen], -1) for frames in (made, truth)]
            write_image(pictures / f"{name}-{index}.png", torch.cat(rows, -2)[None])

    started = time.monotonic()
    chosen = dict(more or {}) | ({} if clips is None else {"clips": clips})
    found = BENCHMARKS.get(name).build(on_clip=on_clip, keep=keep if pictures else None, **chosen)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return BenchmarkResult(
        name=name,
        figures=found["figures"],
        baselines=found["baselines"],
        seconds=round(time.monotonic() - started, 1),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {device}",
        versions={package: version(package) for package in ("torch", "diffusers", "transformers", "av")},
    )
