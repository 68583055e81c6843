"""Strips of curves one below the other on one clock, so that a minute is seen at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..tracks.preview import GRID, INK, LINES, PAPER

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, STRIP_PX, GAP_PX, LEFT_PX, RIGHT_PX, FOOT_PX = 900, 88, 30, 58, 14, 26
BORDER, MARK, LIMIT = (58, 66, 84), (213, 94, 0), (150, 150, 150)
"""Colours of chunk borders, of what is marked, and of thresholds."""
TEXT_PX = 14
DENSE_PX = 3
"""Borders nearer than this are left out: they would hide what they are to explain."""


@dataclass(frozen=True)
class Line:
    """One curve of a strip."""

    name: str
    """What to call it; empty for no name."""
    seconds: Sequence[float]
    """When it was measured."""
    values: Sequence[float]
    """What was measured, as many."""


@dataclass(frozen=True)
class Strip:
    """One row of the chart."""

    title: str
    """Written above it."""
    lines: Sequence[Line]
    """Its curves; those without values are left out."""
    limits: Sequence[float] = ()
    """Drawn across, dashed: thresholds, or the reference's own value."""
    span: float = 0.0
    """Least height of the axis in the measure's unit, so that noise does not look like an event."""
    marks: Sequence[tuple[float, float]] = ()
    """Seconds and values of dots."""


def draw_strips(
    strips: Sequence[Strip], seconds: float, borders: Sequence[float] = (), title: str = "", tick: str = "{:.3g} s"
) -> Tensor:
    """Draw the chart.

    Args:
        strips: From top to bottom; those without any value are left out.
        seconds: Length of the time axis.
        borders: Seconds at which one chunk gives way to the next.
        title: Written on top.
        tick: How places on the time axis are written; what goes over something else than seconds says so.

    Returns:
        (1, 3, H, W) float32 in [0, 1], 900 pixels wide.
    """
    from PIL import Image, ImageDraw, ImageFont

    shown = [strip for strip in strips if any(len(line.values) for line in strip.lines)]
    top = GAP_PX if title else 6
    image = Image.new("RGB", (WIDTH, top + len(shown) * (STRIP_PX + GAP_PX) + FOOT_PX), PAPER)
    draw = ImageDraw.Draw(image)
    draw.font = ImageFont.load_default(TEXT_PX)
    draw.text((8, 6), title, fill=INK)
    for index, strip in enumerate(shown):
        _Area(draw, top + index * (STRIP_PX + GAP_PX) + GAP_PX - 6, seconds).draw_strip(strip, borders)
    for share in np.linspace(0, 1, 7):
        text = tick.format(seconds * share)
        at = LEFT_PX + (WIDTH - LEFT_PX - RIGHT_PX) * share - draw.textlength(text) * (0.5 if share < 1 else 1)
        draw.text((at, image.height - FOOT_PX + 4), text, fill=INK)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255  # 1 3 H W


@dataclass(frozen=True)
class _Area:
    """The place of one strip in the picture."""

    draw: ImageDraw
    top: float
    seconds: float

    @property
    def bottom(self) -> float:
        return self.top + STRIP_PX

    def draw_strip(self, strip: Strip, borders: Sequence[float]) -> None:
        low, high = _axis(strip)
        right = WIDTH - RIGHT_PX
        self._borders(borders)
        self.draw.rectangle((LEFT_PX, self.top, right, self.bottom), outline=GRID)
        for value, place in ((high, self.top - 2), (low, self.bottom - TEXT_PX - 2)):
            text = f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"
            self.draw.text((LEFT_PX - 6 - self.draw.textlength(text), place), text, fill=INK)
        for limit in strip.limits:
            if low <= limit <= high:
                y = self._y(limit, low, high)
                for x in range(LEFT_PX, right, 12):
                    self.draw.line((x, y, x + 6, y), fill=LIMIT)
        at = LEFT_PX + 4
        self.draw.text((at, self.top - TEXT_PX - 4), strip.title, fill=INK)
        at += self.draw.textlength(strip.title) + 18
        for line, colour in zip(strip.lines, LINES, strict=False):
            if not len(line.values):
                continue
            points = [(self._x(s), self._y(v, low, high)) for s, v in zip(line.seconds, line.values, strict=True)]
            self.draw.line(points if len(points) > 1 else [*points, *points], fill=colour, width=2)
            self.draw.text((at, self.top - TEXT_PX - 4), line.name, fill=colour)
            at += self.draw.textlength(line.name) + 14
        for second, value in strip.marks:
            x, y = self._x(second), self._y(value, low, high)
            self.draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=MARK)

    def _borders(self, borders: Sequence[float]) -> None:
        last = float("-inf")
        for border in borders:
            x = self._x(border)
            if x - last >= DENSE_PX:
                self.draw.line((x, self.top, x, self.bottom), fill=BORDER)
                last = x

    def _x(self, second: float) -> float:
        return LEFT_PX + (WIDTH - LEFT_PX - RIGHT_PX) * second / max(self.seconds, 1e-9)

    def _y(self, value: float, low: float, high: float) -> float:
        return self.bottom - STRIP_PX * (value - low) / (high - low)


def _axis(strip: Strip) -> tuple[float, float]:
    """Choose the axis: all values and dots, at least `span` high; limits count where they are near."""
    values = np.array([value for line in strip.lines for value in line.values] + [value for _, value in strip.marks])
    low, high = float(values.min()), float(values.max())
    missing = max(strip.span, 1e-6) - (high - low)
    if missing > 0:
        low, high = low - missing / 2, high + missing / 2
    room = high - low
    for limit in strip.limits:
        if low - room <= limit <= high + room:
            low, high = min(low, limit), max(high, limit)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)
