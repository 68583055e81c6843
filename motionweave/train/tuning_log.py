"""What a training measured, step by step: a CSV file, a chart, and whatever trackers the recipe names."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import InputError, UnsupportedError
from ..media.files import whole_file

NAMES = {
    "loss": "training loss, log10",
    "held_out": "held-out loss, log10",
    "psnr_db": "samples, PSNR in dB",
    "ssim": "samples, SSIM",
}
"""What is measured, and how the chart calls it."""


Row = tuple[int, str, float]
"""Step, name and value."""


class TuningLog:
    """Values by name, each with the steps at which it was measured."""

    def __init__(self, path: Path, first: int, accelerator: Any) -> None:
        """Read what was measured before a stop.

        Args:
            path: The CSV file: step, name, value.
            first: Step that comes next; rows from it on will be measured again and are dropped.
            accelerator: Its main process writes, its trackers are told.
        """
        self._path, self._accelerator = path, accelerator
        self.rows = [row for row in read_rows(path) if row[0] < first]
        """Steps, names and values, in their order."""
        if accelerator.is_main_process:
            with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(map(_cells, self.rows))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Keep what was measured after a step, counted from 0."""
        self.rows += [(step, name, value) for name, value in values.items()]
        self._accelerator.log(dict(values), step=step)
        if self._accelerator.is_main_process:
            with self._path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(_cells((step, name, value)) for name, value in values.items())

    def values(self, name: str) -> list[tuple[int, float]]:
        """Give steps and values of one name."""
        return [(step, value) for step, each, value in self.rows if each == name]


def read_rows(path: Path) -> list[Row]:
    """Read steps, names and values from a log; there are none before the first step."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [(int(step), name, float(value)) for step, name, value in csv.reader(file)]


def rows_chart(rows: Sequence[Row]) -> Tensor:
    """Draw everything over the steps, (1, 3, H, W) in [0, 1]."""
    from ..metrics.strip_chart import Line, Strip, draw_strips

    strips: list[Strip] = []
    for name, title in NAMES.items():
        found = [(step, value) for step, each, value in rows if each == name]
        values = [math.log10(max(value, 1e-12)) if "log10" in title else value for _, value in found]
        strips.append(Strip(title, (Line("", [step for step, _ in found], values),)))
    last = max((step for step, _, _ in rows), default=0)
    return draw_strips(strips, float(max(last, 1)), title="over steps", tick="{:.0f}")


def _cells(row: Row) -> tuple[int, str, str]:
    step, name, value = row
    return step, name, f"{value:.6g}"


def check_trackers(names: tuple[str, ...]) -> None:
    """Refuse trackers that accelerate would pass over in silence.

    Raises:
        InputError: If accelerate knows none of that name.
        UnsupportedError: If its package is missing.
    """
    tracking: Any = import_module("accelerate.tracking")
    known = [name for name in tracking.LoggerType.list() if name != "all"]
    here = [str(each) for each in tracking.get_available_trackers()]
    for name in names:
        if name not in known:
            raise InputError(f"the recipe names a tracker '{name}'; accelerate knows {', '.join(known)}")
        if name not in here:
            raise UnsupportedError(
                f"logging to {name} without its package", f"Run: pip install {name}, or take it off the recipe."
            )
