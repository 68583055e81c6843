"""What every chunk of a run looks like, measured as it is made and kept beside it in ``drift.json``.

Only what is cheap: colour, sharpness, likeness to the reference on two frames, and the seam before the chunk. A chunk
that is reused is not measured again, since its row is kept under the checksum of its clip and of the one before.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..controls.base import Control
from ..controls.camera import CameraControl
from ..controls.light import LightControl
from ..media import read_frames
from ..media.files import whole_file
from ..metrics.colour import colour_of
from ..metrics.identity import Recogniser, cosine
from ..metrics.seam import seen_change
from ..metrics.sharpness import sharpness
from .clips import FrameCorrection
from .drift import DriftSettings, cells_of, find_pulls
from .journal import ChunkRecord

if TYPE_CHECKING:
    from .store import ChunkStore

_LOG = logging.getLogger(__name__)

FILE = "drift.json"
DIGITS = 5
"""Cells are kept so exactly: a tenth of a step of 8 bits is 0.0004."""


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


@dataclass(frozen=True)
class Likeness:
    """Who is looked for in every chunk."""

    recogniser: Recogniser
    """Tells characters apart."""
    wanted: Tensor
    """(D,) of length 1: the reference's embedding."""


class DriftLog:
    """The measures of a run, kept in its directory."""

    def __init__(self, store: ChunkStore, settings: DriftSettings, likeness: Likeness | None = None) -> None:
        """Take up what is there.

        Args:
            store: The run.
            settings: How drift is taken back when clips are read.
            likeness: Who is looked for; None leaves identity out.
        """
        self.settings = settings
        self._store, self._likeness = store, likeness
        self._rows = _read(store.folder)[1]
        self._last: tuple[str, Tensor] | None = None
        self._written: DriftSettings | None = None

    def see(self, record: ChunkRecord) -> ChunkMeasures:
        """Give a chunk's measures, measured where they are not there yet.

        Raises:
            MediaError: If its clip cannot be read, or the disk does not take the row.
        """
        before = self._store.records().get(record.index - 1)
        key = record.clip_sha256 + ("" if before is None else before.clip_sha256)
        row = self._rows.get(record.index)
        if row is None or row.key != key:
            row = self._rows[record.index] = self._measure(record, before, key)
            self._write()
        elif self._written != self.settings:
            self._write()
        return row

    def rows(self) -> tuple[ChunkMeasures, ...]:
        """Give the measures of the plan's chunks, in order, as far as there are any."""
        return tuple(self._rows[index] for index in range(len(self._store.plan)) if index in self._rows)

    def _measure(self, record: ChunkRecord, before: ChunkRecord | None, key: str) -> ChunkMeasures:
        frames = list(_new_frames(self._store.folder, record))
        colours = [colour_of(frame) for frame in frames]
        changes = [seen_change(*pair) for pair in pairwise(frames)]
        usual, seam = median(changes) if changes else 0.0, None
        if before is not None and usual:
            seam = seen_change(self._last_frame(before), frames[0]) / usual
        self._last = (record.clip_sha256, frames[-1])
        identity: float | None = None
        if self._likeness is not None:
            looks = {len(frames) // 2, len(frames) - 1}
            found = [self._likeness.recogniser.embed(frames[place].float() / 255) for place in sorted(looks)]
            there = [cosine(each, self._likeness.wanted) for each in found if each is not None]
            identity = fmean(there) if there else None
        return ChunkMeasures(
            chunk=record.index,
            key=key,
            frames=len(frames),
            lab=_mean_of([colour.mean for colour in colours]),
            deviation=_mean_of([colour.deviation for colour in colours]),
            sharpness=fmean(sharpness(frame) for frame in frames),
            identity=identity,
            seam=seam,
            cells=_rounded(torch.stack([cells_of(frame) for frame in frames]).mean(0)),
        )

    def _last_frame(self, record: ChunkRecord) -> Tensor:
        if self._last is not None and self._last[0] == record.clip_sha256:
            return self._last[1]
        return [*_new_frames(self._store.folder, record)][-1]

    def _write(self) -> None:
        rows = [asdict(row) for row in self.rows()]
        told = {"fps": str(self._store.fps), "settings": asdict(self.settings), "chunks": rows}
        with whole_file(self._store.folder / FILE) as partial:
            partial.write_text(json.dumps(told), encoding="utf-8")
        self._written = self.settings


def settings_for(settings: DriftSettings, controls: Sequence[Control]) -> DriftSettings:
    """Give the settings as they hold under these controls: light and camera change colours because they are asked to.

    Args:
        settings: What was asked for.
        controls: Those of the run.
    """
    if settings.strength and any(isinstance(control, LightControl | CameraControl) for control in controls):
        _LOG.info("colours are not corrected, because a light or a camera is asked to change them")
        return DriftSettings(0.0, settings.threshold)
    return settings


def corrections(folder: Path, records: Sequence[ChunkRecord]) -> tuple[FrameCorrection | None, ...]:
    """Give what is done to each clip of a run when it is read.

    Args:
        folder: The run directory.
        records: Its chunks in order; one that was made again since is looked at anew.

    Returns:
        One for each record; None where nothing is done, as in every run without drift correction.
    """
    told, rows = _read(folder)
    settings = DriftSettings(**told["settings"]) if told else DriftSettings()
    if not settings.strength:
        return (None,) * len(records)
    cells: list[np.ndarray] = []
    for record in records:
        row = rows.get(record.index)
        if row is None or not row.key.startswith(record.clip_sha256):
            frames = [cells_of(frame) for frame in _new_frames(folder, record)]
            cells.append(torch.stack(frames).mean(0).numpy())
        else:
            cells.append(np.array(row.cells))
    counts = [record.frame_count for record in records]
    return find_pulls(cells, counts, float(Fraction(told["fps"])), settings)


def _read(folder: Path) -> tuple[dict[str, Any], dict[int, ChunkMeasures]]:
    """Read the log; one that is missing or of another form holds nothing, and chunks are measured again."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        rows = [_row_of(row) for row in told["chunks"]]
    except (OSError, KeyError, TypeError, ValueError):
        return {}, {}
    return told, {row.chunk: row for row in rows}


def _row_of(told: dict[str, Any]) -> ChunkMeasures:
    """Read a row as JSON has it, where tuples became lists."""
    exact: dict[str, Any] = told | {name: tuple(told[name]) for name in ("lab", "deviation")}
    return ChunkMeasures(**(exact | {"cells": tuple(tuple(cell) for cell in told["cells"])}))


def _new_frames(folder: Path, record: ChunkRecord) -> Iterator[Tensor]:
    return islice(read_frames(folder / record.clip), record.lead, None)


def _mean_of(triples: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    first, second, third = np.mean(triples, 0).tolist()
    return first, second, third


def _rounded(cells: Tensor) -> tuple[tuple[float, float, float], ...]:
    return tuple((round(y, DIGITS), round(cb, DIGITS), round(cr, DIGITS)) for y, cb, cr in cells.tolist())
