"""What was measured of a run's chunks, as ``drift.json`` keeps it, and the correction that follows from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..media import read_frames
from .clips import FrameCorrection
from .drift import DriftSettings, cells_of, find_pulls
from .journal import ChunkRecord

FILE = "drift.json"
"""The log's name in a run directory."""


@dataclass(frozen=True)
class ChunkMeasures:
    """What one chunk looks like, as means over its new frames."""

    chunk: int
    """Place in the plan, from 0."""
    key: str
    """Checksums of what was measured."""
    frames: int
    """New frames."""
    lab: tuple[float, float, float]
    """Mean L, a, b."""
    deviation: tuple[float, float, float]
    """Deviation of L, a, b."""
    sharpness: float
    """Fine detail over contrast."""
    identity: float | None
    """Cosine to the reference, mean of two frames; None where nobody looked."""
    seam: float | None
    """Change at the cut before it over the median change inside it; None for the first chunk and for still pictures."""
    cells: tuple[tuple[float, float, float], ...]
    """Mean colours over the grid of `drift.cells_of`."""

    def row(self) -> dict[str, Any]:
        """Give what reports show."""
        told = {name: list(getattr(self, name)) for name in ("lab", "deviation")}
        return told | {"sharpness": self.sharpness, "identity": self.identity, "seam": self.seam}


def corrections(folder: Path, records: Sequence[ChunkRecord]) -> tuple[FrameCorrection | None, ...]:
    """Give what is done to each clip of a run when it is read.

    Args:
        folder: The run directory.
        records: Its chunks in order; one that was made again since is looked at anew.

    Returns:
        One for each record; None where nothing is done, as in every run without drift correction.
    """
    told, rows = read_rows(folder)
    settings = DriftSettings(**told["settings"]) if told else DriftSettings()
    if not settings.strength:
        return (None,) * len(records)
    cells: list[np.ndarray] = []
    for record in records:
        row = rows.get(record.index)
        if row is None or not row.key.startswith(record.clip_sha256):
            frames = [cells_of(frame) for frame in new_frames(folder, record)]
            cells.append(torch.stack(frames).mean(0).numpy())
        else:
            cells.append(np.array(row.cells))
    counts = [record.frame_count for record in records]
    return find_pulls(cells, counts, float(Fraction(told["fps"])), settings)


def read_rows(folder: Path) -> tuple[dict[str, Any], dict[int, ChunkMeasures]]:
    """Read the log; one that is missing or of another form holds nothing, and chunks are measured again."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        rows = [_row_of(row) for row in told["chunks"]]
    except (OSError, KeyError, TypeError, ValueError):
        return {}, {}
    return told, {row.chunk: row for row in rows}


def _row_of(told: dict[str, Any]) -> ChunkMeasures:
    """Read a row as JSON has it, where tuples became lists."""
    exact: dict[str, Any] = {**told, **{name: tuple(told[name]) for name in ("lab", "deviation")}}
    exact["cells"] = tuple(tuple(cell) for cell in told["cells"])
    return ChunkMeasures(**exact)


def new_frames(folder: Path, record: ChunkRecord) -> Iterator[Tensor]:
    """Read the frames that a chunk adds, each (3, H, W) uint8, as they were made."""
    return islice(read_frames(folder / record.clip), record.lead, None)
