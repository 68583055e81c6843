"""Measure a video in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TypeGuard, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..longform.clips import ClipRow
from ..longform.joins import joined_frames
from ..longform.plan import ChunkPlan
from ..media import Footage
from ..metrics.colour import colour_of
from ..metrics.identity import Recogniser, cosine
from ..metrics.seam import Join, find_seams, seen_change
from ..metrics.sharpness import sharpness
from ..metrics.temporal import FlowMeter
from ..types import Progress
from .result import FrameMeasures, VideoScore

READ_AT_ONCE = 8
IDENTITIES_A_SECOND = 5


@dataclass(frozen=True)
class ScoreOptions:
    """What to measure."""

    temporal: bool = True
    """Whether to find TV-L1 flow, which takes most of the time and OpenCV with contrib modules."""
    identity_every: int = 0
    """Frames from one look at identity to the next; 0 for about five a second."""


def score_video(
    source: Footage | ClipRow,
    reference: Tensor | None = None,
    recogniser: Recogniser | None = None,
    joins: Sequence[Join] | None = None,
    options: ScoreOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> VideoScore:
    """Measure a video, frame by frame, in memory for a few frames.

    Args:
        source: A video, or chunks, which are joined as they say.
        reference: (1, 3, H, W) in [0, 1]: who the video should show. Without it, identity is held against the mean
            of the first second.
        recogniser: The model that tells characters apart; None leaves identity out.
        joins: Where chunks meet; None for those of the chunks themselves, and none for a video.
        options: What to measure.
        on_progress: Told every few frames; whatever it raises ends the work.

    Raises:
        InputError: If a chunk is missing, a join lies outside the video, or there is no frame.
        MediaError: If a file cannot be read.
    """
    if joins is None:
        joins = joins_of(source) if is_row(source) else ()
    meter = _Meter(source.fps, recogniser, joined=bool(joins), options=options or ScoreOptions())
    if reference is not None:
        meter.know(reference[0])
    for frame in _frames_of(source):
        meter.see(frame)
        if on_progress is not None and len(meter.rows) % READ_AT_ONCE == 0:
            on_progress(Progress("score", 0, 1, len(meter.rows), _length(source)))
    rows = meter.finish()
    if not rows:
        raise InputError("a video without frames cannot be scored")
    wrong = [join.frame for join in joins if not join.fade < join.frame < len(rows)]
    if wrong:
        raise InputError(f"a join at frame {wrong[0]} was given, but the video has {len(rows)} frames")
    seams = find_seams([row.change or 0.0 for row in rows], joins) if joins else None
    told = None if reference is None else colour_of(reference[0])
    named = None if recogniser is None else recogniser.name
    return VideoScore(source.fps, rows, tuple(joins), seams, named, told)


def joins_of(row: ClipRow) -> tuple[Join, ...]:
    """Give the places where a row's clips meet, as they are joined.

    A later clip that replaces the frames it shares with the one before begins that much earlier.
    """
    joins: list[Join] = []
    start = 0
    for clip in row.clips():
        if start:
            replaced, faded = (clip.lead if row.seam in seams else 0 for seams in (("replace",), ("linear", "cosine")))
            joins.append(Join(start - replaced, faded))
        start += clip.frame_count
    return tuple(joins)


def joins_of_plan(plan: ChunkPlan) -> tuple[Join, ...]:
    """Give the places where a plan's chunks meet in the finished video, with what the plan fades over."""
    fade = 0 if plan.blend == "cut" else plan.fade
    return tuple(Join(window.new_start, min(fade, window.context)) for window in plan.windows()[1:])


class _Meter:
    """Measures frames one after the other."""

    def __init__(self, fps: Fraction, recogniser: Recogniser | None, joined: bool, options: ScoreOptions) -> None:
        self.rows: list[FrameMeasures] = []
        self._recogniser, self._joined = recogniser, joined
        self._flow = FlowMeter.where_possible() if options.temporal else None
        self._every = options.identity_every or max(1, round(fps / IDENTITIES_A_SECOND))
        self._span = ceil(fps)
        self._last: Tensor | None = None
        self._wanted: Tensor | None = None
        self._seen: dict[int, Tensor] = {}

    def know(self, picture: Tensor) -> None:
        """Take the reference's embedding, (3, H, W) in [0, 1]."""
        if self._recogniser is not None:
            self._wanted = self._recogniser.embed(picture)
            if self._wanted is None:
                raise InputError(f"the {self._recogniser.name} recognised nobody in the reference; give a clearer one")

    def see(self, frame: Tensor) -> None:
        """Measure a frame, (3, H, W) uint8."""
        index = len(self.rows)
        change = seen_change(self._last, frame) if self._joined and self._last is not None else None
        if self._recogniser is not None and index % self._every == 0:
            found = self._recogniser.embed(frame.float() / 255)
            if found is not None:
                self._seen[index] = found
        flow = None if self._flow is None else self._flow.see(frame)
        self.rows.append(FrameMeasures(colour_of(frame), sharpness(frame), change, flow, None))
        self._last = frame

    def finish(self) -> tuple[FrameMeasures, ...]:
        """Give every frame's measures, identity included."""
        wanted = self._wanted
        if wanted is None and self._seen:
            first = [found for index, found in self._seen.items() if index < self._span] or [*self._seen.values()][:1]
            wanted = F.normalize(torch.stack(first).mean(0), dim=0)
        for index, found in self._seen.items():
            assert wanted is not None
            self.rows[index] = replace(self.rows[index], identity=cosine(found, wanted))
        return tuple(self.rows)


def is_row(source: Footage | ClipRow) -> TypeGuard[ClipRow]:
    """Say whether it is chunks rather than one video."""
    return hasattr(source, "clips")


def _frames_of(source: Footage | ClipRow) -> Iterator[Tensor]:
    if is_row(source):
        yield from joined_frames(source)
        return
    for batch in cast(Footage, source).batches(READ_AT_ONCE):
        yield from batch


def _length(source: Footage | ClipRow) -> int:
    return sum(clip.frame_count for clip in source.clips()) if is_row(source) else len(cast(Footage, source))
