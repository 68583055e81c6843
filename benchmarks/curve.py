"""Draw the memory of `motionweave bench minute` over the length of the video: how README's curve is made.

python benchmarks/curve.py [minute.json] [minute.png]
"""

import argparse
import json
import math
from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).parent
SIZE = (900, 420)
LEFT, RIGHT, TOP, BOTTOM = 90, 870, 50, 370
INK, GRID = "#222222", "#dddddd"
LINES = {"chunk by chunk": "#1f6f4a", "one tensor of all frames": "#b2352a"}
KEY = "rss_mb_"


def points_of(figures: dict[str, float | None]) -> list[tuple[int, float]]:
    """Give frames and MiB, the shortest video first."""
    found = {int(key.removeprefix(KEY)): value for key, value in figures.items() if key.startswith(KEY)}
    return [(frames, value) for frames, value in sorted(found.items()) if value is not None]


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path, nargs="?", default=HERE / "minute.json")
    parser.add_argument("out", type=Path, nargs="?", default=HERE / "minute.png")
    given = parser.parse_args()
    result = json.loads(given.result.read_text(encoding="utf-8"))
    rows = (result["figures"], result["baselines"]["one_tensor"])
    curves = {name: points_of(row) for name, row in zip(LINES, rows, strict=True)}
    every = [point for points in curves.values() for point in points]
    longest, most = max(frames for frames, _ in every), max(value for _, value in every)
    shortest = min(frames for frames, _ in every)
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)

    def x(frames: float) -> float:
        return LEFT + (RIGHT - LEFT) * math.log(frames / shortest) / max(1e-9, math.log(longest / shortest))

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * value / (1.05 * most)

    for share in range(6):
        value = 1.05 * most * share / 5
        draw.line((LEFT, y(value), RIGHT, y(value)), fill=GRID)
        draw.text((10, y(value) - 6), f"{value / 1024:.1f} GiB", fill=INK)
    for frames in sorted({frames for frames, _ in every}):
        draw.text((x(frames) - 20, BOTTOM + 10), f"{frames:,}", fill=INK)
    draw.text((LEFT, 8), "Peak memory of the process over frames of the video", fill=INK)
    for place, (name, points) in enumerate(curves.items()):
        places = [(x(frames), y(value)) for frames, value in points]
        draw.line(places, fill=LINES[name], width=3)
        for left, top in places:
            draw.ellipse((left - 4, top - 4, left + 4, top + 4), fill=LINES[name])
        draw.text((LEFT + 220 * place, 26), name, fill=LINES[name])
    image.save(given.out)


if __name__ == "__main__":
    main()
