"""Pictures of tracks: contact sheets and line plots, so that people can look instead of read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Size, check_shape
from .timeline import Curve

INK, GRID, PAPER = (230, 230, 230), (70, 70, 76), (32, 32, 36)
LINES = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178))
"""Okabe and Ito's colours, which colour-blind people can tell apart."""
MARGIN = 48


def contact_sheet(frames: Tensor, columns: int = 4, width: int = 768) -> Tensor:
    """Lay frames out in rows.

    Args:
        frames: (F, 3, H, W) uint8 or float in [0, 1], at least one.
        columns: Frames in a row.
        width: Width of the sheet in pixels, about.

    Returns:
        (1, 3, H', W') float32 in [0, 1]; places without a frame are black.
    """
    check_shape("frames", frames, "F 3 H W")
    pictures = frames.float() / 255 if frames.dtype == torch.uint8 else frames.float()
    columns = min(columns, len(pictures))
    cell_width = max(1, width // columns)
    cell_height = max(1, round(cell_width * frames.shape[-2] / frames.shape[-1]))
    small = F.interpolate(pictures, (cell_height, cell_width), mode="bilinear", antialias=True)
    rows = math.ceil(len(small) / columns)
    cells = F.pad(small, (0, 0) * 3 + (0, rows * columns - len(small)))
    sheet = cells.reshape(rows, columns, 3, cell_height, cell_width).permute(2, 0, 3, 1, 4)  # 3 rows h columns w
    return sheet.reshape(1, 3, rows * cell_height, columns * cell_width).clamp(0, 1)


def spread(count: int, most: int = 8) -> list[int]:
    """Give up to `most` frame indices, evenly over `count` frames, the first and the last among them."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(most, count))})


def draw_curves(
    curves: Mapping[str, Sequence[float] | np.ndarray], seconds: float, title: str = "", size: Size | None = None
) -> Tensor:
    """Plot numbers over time.

    Args:
        curves: Values by name, each spread evenly over `seconds`.
        seconds: Length of the time axis.
        title: Written above.
        size: Size of the picture; 768x288 where none is given.

    Returns:
        (1, 3, H, W) float32 in [0, 1].
    """
    from PIL import Image, ImageDraw

    size = size or Size(768, 288)
    image = Image.new("RGB", (size.width, size.height), PAPER)
    draw = ImageDraw.Draw(image)
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in curves.items()}
    low = min(float(values.min()) for values in arrays.values())
    high = max(float(values.max()) for values in arrays.values())
    high = high if high > low else low + 1
    left, right, top, bottom = MARGIN, size.width - 16, 36, size.height - 28

    def place(times: np.ndarray, values: np.ndarray) -> list[tuple[float, float]]:
        x = left + (right - left) * times
        y = bottom - (bottom - top) * (values - low) / (high - low)
        return list(zip(x.tolist(), y.tolist(), strict=True))

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, x = bottom - (bottom - top) * share, left + (right - left) * share
        draw.line((left, y, right, y), fill=GRID)
        draw.text((6, y - 6), f"{low + (high - low) * share:.3g}", fill=INK)
        draw.text((x - 10, bottom + 8), f"{seconds * share:.3g} s", fill=INK)
    at = left
    draw.text((left, 4), title, fill=INK)
    for (name, values), colour in zip(arrays.items(), LINES * math.ceil(len(arrays) / len(LINES)), strict=False):
        times = (np.arange(len(values)) + 0.5) / len(values)
        points = place(times, values)
        draw.line(points if len(points) > 1 else [*points, (right, points[0][1])], fill=colour, width=2)
        draw.text((at, 20), name, fill=colour)
        at += int(draw.textlength(name)) + 16
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255  # 1 3 H W


def curve_sheet(curve: Curve, seconds: float) -> Tensor:
    """Plot a curve over its first seconds, (1, 3, H, W) in [0, 1]."""
    times = np.linspace(0, seconds, 400)
    return draw_curves({"value": [curve.at(float(time)) for time in times]}, seconds, "value over seconds")
