"""The strip chart of a run: what was measured of each chunk as it was made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..metrics.strip_chart import Line, Strip, draw_strips
from .drift_rows import ChunkMeasures

SEAM_MOST = 1.10
"""Seam ratio up to which a join does not show."""


def drift_chart(rows: Sequence[ChunkMeasures], fps: float) -> Tensor:
    """Draw a run's chunks over its seconds: identity, colour, contrast, detail, and the seam before each chunk.

    The dashed lines are the first second's colours, and the seam ratio's threshold. Seams are those of the clips as
    they lie on disk, before cross-fades.

    Args:
        rows: The chunks' measures, in order; at least one.
        fps: Frames per second.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    starts = np.cumsum([0, *(row.frames for row in rows)]) / fps
    middles = ((starts[:-1] + starts[1:]) / 2).tolist()

    def line(name: str, values: Sequence[float | None], seconds: Sequence[float] = middles) -> Line:
        there = [(second, value) for second, value in zip(seconds, values, strict=True) if value is not None]
        return Line(name, [second for second, _ in there], [value for _, value in there])

    first = [row for row, start in zip(rows, starts, strict=False) if start < 1]
    began = np.mean([row.lab for row in first], 0).tolist()
    seams = line("", [row.seam for row in rows], starts[:-1].tolist())
    strips = (
        Strip("identity (cosine)", [line("", [row.identity for row in rows])], span=0.05),
        Strip("Lab mean", [line("L", [row.lab[0] for row in rows])], began[:1], span=6),
        Strip("Lab mean", [line(name, [row.lab[i] for row in rows]) for i, name in ((1, "a"), (2, "b"))], began[1:], 6),
        Strip("Lab deviation", [line(n, [row.deviation[i] for row in rows]) for i, n in enumerate("Lab")], span=4),
        Strip("sharpness", [line("", [row.sharpness for row in rows])]),
        Strip("seams, before any fade: change at a join over change inside the chunk", [seams], (1.0, SEAM_MOST), 0.3,
              list(zip(seams.seconds, seams.values, strict=True))),
    )  # fmt: skip
    return draw_strips(strips, float(starts[-1]), starts[1:-1].tolist(), f"{len(rows)} chunks as they were made")
