"""Draw what `motionweave bench mini` commanded against what was produced: one panel for each control.

python benchmarks/mini.py [SCRATCH/curves.json] [mini.png]

Green is Mini, red the same with the control switched off (of the pose, the reference repeated), grey the true frames
through Mini's VAE as the same measure reads them. On the dashed line, what was produced is what was commanded; where
the two have different units, there is none.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
PANEL, COLUMNS, MARGIN = (400, 340), 3, (58, 52, 16, 44)
"""Size of a panel, panels in a row, and what is left, above, right and below of it."""
INK, GRID = "#222222", "#dddddd"
DOTS = {"truth": "#aaaaaa", "off": "#d0584c", "repeat_reference": "#d0584c", "figures": "#1f6f4a"}
"""Colours by row, in the order in which they are drawn."""


@dataclass(frozen=True)
class Panel:
    """What stands around one curve."""

    title: str
    across: str
    up: str
    same_unit: bool = True


PANELS = {
    "pose": Panel("Pose: height of the wrists", "commanded, share of the picture", "seen by the estimator"),
    "identity": Panel("Identity: cosine to references", "nearest of the 99 others", "the character's own"),
    "mouth": Panel("Mouth", "commanded opening", "darkness at the mouth", same_unit=False),
    "light": Panel("Light: direction, degrees to the right", "commanded", "seen on the figure and walls"),
    "camera": Panel("Camera: the scene's shift sideways, px", "commanded", "fitted to the frames"),
    "depth": Panel("Depth: rank of nearness", "commanded", "seen by the depth model"),
}

Points = list[tuple[float, float]]


def span(values: list[float]) -> tuple[float, float]:
    """Give the ends of an axis, a little beyond the values."""
    low, high = min(values), max(values)
    room = 0.06 * max(high - low, 1e-3)
    return low - room, high + room


def draw_panel(draw: ImageDraw.ImageDraw, corner: tuple[int, int], panel: Panel, curve: dict[str, Points]) -> None:
    """Draw one panel.

    Args:
        draw: Where.
        corner: Its left upper corner in pixels.
        panel: What stands around it.
        curve: Points of commanded and produced, by row.
    """
    # Who a repeated reference shows is no question: it stands in only where nothing was switched off.
    hidden = {"repeat_reference"} if "off" in curve else set[str]()
    shown = {name: curve[name] for name in DOTS if name not in hidden and curve.get(name)}
    xs = [x for points in shown.values() for x, _ in points]
    ys = [y for points in shown.values() for _, y in points]
    across, up = (span(xs + ys),) * 2 if panel.same_unit else (span(xs), span(ys))
    left, top = corner[0] + MARGIN[0], corner[1] + MARGIN[1]
    right, bottom = corner[0] + PANEL[0] - MARGIN[2], corner[1] + PANEL[1] - MARGIN[3]

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (right - left) * (x - across[0]) / (across[1] - across[0]),
            bottom - (bottom - top) * (y - up[0]) / (up[1] - up[0]),
        )

    for share in (0.0, 0.5, 1.0):
        x, y = (low + share * (high - low) for low, high in (across, up))
        draw.line((*at(x, up[0]), *at(x, up[1])), fill=GRID)
        draw.line((*at(across[0], y), *at(across[1], y)), fill=GRID)
        draw.text((at(x, up[0])[0], bottom + 4), f"{x:.2g}", fill=INK, anchor="ma")
        draw.text((left - 6, at(across[0], y)[1]), f"{y:.2g}", fill=INK, anchor="rm")
    if panel.same_unit:
        steps = [across[0] + (across[1] - across[0]) * place / 40 for place in range(41)]
        for first, last in zip(steps[::2], steps[1::2], strict=False):
            draw.line((*at(first, first), *at(last, last)), fill="#888888")
    radius = 4 if len(xs) < 100 else 2.5
    for name, points in shown.items():
        for x, y in (at(*point) for point in points):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=DOTS[name])
    draw.text((left, corner[1] + 12), panel.title, fill=INK)
    draw.text((left, corner[1] + 32), f"up: {panel.up}", fill="#777777")
    draw.text((right, bottom + 22), panel.across, fill="#777777", anchor="ra")


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("curves", type=Path, nargs="?", default=HERE / "mini_curves.json")
    parser.add_argument("out", type=Path, nargs="?", default=HERE / "mini.png")
    given = parser.parse_args()
    curves: dict[str, dict[str, Points]] = json.loads(given.curves.read_text(encoding="utf-8"))
    rows = math.ceil(len(PANELS) / COLUMNS)
    image = Image.new("RGB", (PANEL[0] * COLUMNS, PANEL[1] * rows + 30), "white")
    draw = ImageDraw.Draw(image)
    draw.font = ImageFont.load_default(14)
    for place, (name, panel) in enumerate(PANELS.items()):
        corner = PANEL[0] * (place % COLUMNS), PANEL[1] * (place // COLUMNS)
        draw_panel(draw, corner, panel, curves.get(name, {}))
    keys = ("Mini", "figures"), ("control switched off, or reference repeated", "off"), ("true frames, VAE", "truth")
    x = MARGIN[0]
    for text, name in keys:
        draw.ellipse((x, image.height - 22, x + 10, image.height - 12), fill=DOTS[name])
        draw.text((x + 16, image.height - 26), text, fill=INK)
        x += 56 + round(draw.textlength(text))
    image.quantize(32).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
