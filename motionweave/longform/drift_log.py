"""What every chunk of a run looks like, measured as it is made and kept beside it in ``drift.json``.

Only what is cheap: colour, sharpness, likeness to the reference on two frames, and the seam before the chunk. A chunk
that is reused is not measured again, since its row is kept under the checksum of its clip and of the one before.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean, median

import numpy as np
import torch
from torch import Tensor

from ..controls.base import Control
from ..controls.camera import CameraControl
from ..controls.light import LightControl
from ..media.files import whole_file
from ..metrics.colour import colour_of
from ..metrics.identity import Recogniser, cosine
from ..metrics.seam import seen_change
from ..metrics.sharpness import sharpness
from .drift import DriftSettings, cells_of
from .drift_rows import FILE, ChunkMeasures, new_frames, read_rows
from .journal import ChunkRecord
from .store import ChunkStore

_LOG = logging.getLogger(__name__)

DIGITS = 5
"""Cells are kept so exactly: a tenth of a step of 8 bits is 0.0004."""


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
        self._rows = read_rows(store.folder)[1]
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
        frames = list(new_frames(self._store.folder, record))
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
        return [*new_frames(self._store.folder, record)][-1]

    def _write(self) -> None:
        rows = [vars(row) for row in self.rows()]  # not copied to the depth: this is done for every chunk
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


def _mean_of(triples: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    first, second, third = np.mean(triples, 0).tolist()
    return first, second, third


def _rounded(cells: Tensor) -> tuple[tuple[float, float, float], ...]:
    return tuple((round(y, DIGITS), round(cb, DIGITS), round(cr, DIGITS)) for y, cb, cr in cells.tolist())
