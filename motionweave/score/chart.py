"""The strip chart of a scored video."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..metrics.strip_chart import Line, Strip, draw_strips
from .result import CHANNELS, SEAM_MOST, VideoScore


def score_chart(score: VideoScore) -> Tensor:
    """Draw what was measured over the seconds: identity, colour, contrast, detail, change and motion.

    Chunk borders are lines through every strip; dots on the strip of changes are joins, and its dashed line is the
    seam ratio's threshold. Dashed lines on the strips of colour are the reference's own.

    Args:
        score: The measures.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    frames, rate = score.frames, float(score.fps)

    def line(name: str, values: Sequence[float | None]) -> Line:
        there = [(index / rate, value) for index, value in enumerate(values) if value is not None]
        return Line(name, [second for second, _ in there], [value for _, value in there])

    reference = score.reference
    means = [line(name, [frame.colour.mean[place] for frame in frames]) for place, name in enumerate(CHANNELS)]
    spreads = [line(name, [frame.colour.deviation[place] for frame in frames]) for place, name in enumerate(CHANNELS)]
    strips = (
        Strip("identity (cosine)", [line("", [frame.identity for frame in frames])], span=0.05),
        Strip("Lab mean", means[:1], reference.mean[:1] if reference else (), span=6),
        Strip("Lab mean", means[1:], reference.mean[1:] if reference else (), span=6),
        Strip("Lab deviation", spreads, span=4),
        Strip("sharpness", [line("", [frame.sharpness for frame in frames])]),
        _change_strip(score, line("", [frame.change for frame in frames])),
        _seam_strip(score),
        Strip("motion (% of the height a frame)", [line("", [frame.flow for frame in frames])]),
    )
    borders = [join.frame / rate for join in score.joins]
    return draw_strips(strips, len(frames) / rate, borders, _title(score))


def _change_strip(score: VideoScore, changes: Line) -> Strip:
    """Show the change between frames beside motion, with a dot for every one that belongs to a join."""
    belong = [place for join in score.joins for place in join.changes()]
    there = [(place / float(score.fps), score.frames[place].change) for place in belong]
    marks = [(second, change) for second, change in there if change is not None]
    return Strip("change between frames, at joins dotted", [changes], marks=marks)


def _seam_strip(score: VideoScore) -> Strip:
    """Show each join's ratio under the threshold."""
    ratios = score.seams.ratios if score.seams else ()
    seconds = [join.frame / float(score.fps) for join in score.joins]
    marks = list(zip(seconds, ratios, strict=True)) if ratios else []
    lines = [Line("", seconds[: len(ratios)], ratios)]
    return Strip("seams: change at a join over change inside chunks", lines, (1.0, SEAM_MOST), span=0.3, marks=marks)


def _title(score: VideoScore) -> str:
    shown = ("temporal_score", "seam_ratio", "identity_end_over_start", "lab_shift")
    figures, verdicts = score.figures, score.verdicts
    parts = [
        f"{name.replace('_', ' ')} {value:.3g}{'' if verdicts[name] else ' (!)'}"
        for name in shown
        if (value := figures[name]) is not None
    ]
    return "   ".join(parts)
