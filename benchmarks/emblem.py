"""Draw the pack's icon and banner: a marionette of Marionette dances, and threads follow its hands, feet and head.

python benchmarks/emblem.py [FOLDER]    writes icon.svg (400 x 400) and banner.svg (1260 x 540, 21:9); docs/ by default
"""

import argparse
import colorsys
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from motionweave.marionette import make_character
from motionweave.marionette.motion import make_motion
from motionweave.marionette.skeleton import pose_skeleton

CHARACTER, ENERGY = 3, 1.25
LIMBS = (
    ("shoulder_right", "elbow_right", "wrist_right"),
    ("hip_right", "knee_right", "ankle_right"),
    ("shoulder_left", "elbow_left", "wrist_left"),
    ("hip_left", "knee_left", "ankle_left"),
)
TRUNK = ("shoulder_right", "shoulder_left", "hip_left", "hip_right")
THREADS = ("wrist_right", "head", "wrist_left", "ankle_right", "ankle_left")
Joints = dict[str, np.ndarray]
HUES = (0.52, 0.12)  # from the first figure, cyan, over violet and rose to the last, amber


def colour(part: float, lightness: float = 0.66, saturation: float = 0.85) -> str:
    """Give a colour of the row; `part` goes from 0, the first, to 1, the last."""
    hue = (HUES[0] + part * (1 + HUES[1] - HUES[0])) % 1
    return "#" + "".join(f"{round(255 * each):02x}" for each in colorsys.hls_to_rgb(hue, lightness, saturation))


def dance(seed: int, times: np.ndarray) -> Joints:
    """Give joints seen from the front, each (F, 2): metres from the pelvis' resting place, y down."""
    motion = make_motion(seed, times, ENERGY)
    on_the_spot = {"root_x": 0 * times, "yaw": 0.4 * motion.angles["yaw"]}
    joints = pose_skeleton(make_character(CHARACTER), replace(motion, angles=motion.angles | on_the_spot)).joints
    middle = joints["pelvis"].mean(0)
    return {name: (each - middle)[:, :2] * (1, -1) for name, each in joints.items()}


def smooth(points: np.ndarray) -> str:
    """Give the path of a curve through (P, 2) points (Catmull-Rom)."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    parts = [f"M{points[0, 0]:.1f} {points[0, 1]:.1f}"]
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        (ax, ay), (bx, by) = start + (end - before) / 6, end - (after - start) / 6
        parts.append(f"C{ax:.1f} {ay:.1f} {bx:.1f} {by:.1f} {end[0]:.1f} {end[1]:.1f}")
    return "".join(parts)


def figure(joints: Joints, width: float, paint: str, opacity: float) -> str:
    """Draw one marionette of capsules; joints are (2,) on the picture."""

    def line(names: tuple[str, ...]) -> str:
        return "M" + "L".join(f"{joints[name][0]:.1f} {joints[name][1]:.1f}" for name in names)

    trunk = f'<path d="{line(TRUNK)}Z" fill="{paint}" stroke-width="{1.2 * width:.1f}"/>'
    limbs = f'<path d="{"".join(line(limb) for limb in LIMBS)}" fill="none" stroke-width="{width:.1f}"/>'
    x, y = joints["head"]
    head = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1.35 * width:.1f}" fill="{paint}" stroke="none"/>'
    return f'<g stroke="{paint}" opacity="{opacity}">{trunk}{limbs}{head}</g>'


def threads(rows: list[Joints], ends: tuple[float, float], height: float, width: float) -> str:
    """Draw a thread for each hand, foot and head, from edge to edge through all figures."""
    drawn = []
    for name in THREADS:
        points = np.stack([row[name] for row in rows])
        middle = 0.5 * points[:, 1].mean() + 0.25 * height
        points = np.concatenate([[(ends[0], middle)], points, [(ends[1], middle)]])
        drawn.append(f'<path d="{smooth(points)}"/>')
    return f'<g fill="none" stroke="url(#row)" stroke-width="{width}" opacity="0.7">{"".join(drawn)}</g>'


def frame(width: int, height: int, corner: int, body: str) -> str:
    """Give the whole file: the ground, the row's colours, and what is drawn."""
    stops = "".join(f'<stop offset="{part}" stop-color="{colour(part)}"/>' for part in (0, 0.25, 0.5, 0.75, 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<title>MotionWeave</title><defs><linearGradient id="row" gradientUnits="userSpaceOnUse" x2="{width}">'
        f'{stops}</linearGradient><radialGradient id="ground" cy="0.4" r="0.8"><stop stop-color="#2b3350"/>'
        '<stop offset="1" stop-color="#10131f"/></radialGradient></defs>'
        f'<rect width="{width}" height="{height}" rx="{corner}" fill="url(#ground)"/>'
        f'<g stroke-linecap="round" stroke-linejoin="round">{body}</g></svg>\n'
    )


def placed(joints: Joints, index: int, centre: tuple[float, float], scale: float) -> Joints:
    """Put a frame's joints on the picture."""
    return {name: np.array(centre) + scale * each[index] for name, each in joints.items()}


def icon() -> str:
    """Draw one dancer between two that fade, and the threads."""
    joints, size = dance(29, np.array([1.75, 2.1, 2.8])), 400
    rows = [placed(joints, index, (75 + 125 * index, 205), 165) for index in range(3)]
    body = threads(rows, (-40, size + 40), size, 6)
    body += figure(rows[0], 18, colour(0.05), 0.62) + figure(rows[2], 18, colour(0.95), 0.62)
    return frame(size, size, 72, body + figure(rows[1], 20, "#ffffff", 1))


def banner() -> str:
    """Draw the dance in nine figures, and the name."""
    width, height, count = 1260, 540, 9
    joints = dance(8, np.linspace(0, 2.8, count))
    rows = [placed(joints, index, (90 + index * (width - 180) / (count - 1), 220), 155) for index in range(count)]
    body = threads(rows, (-60, width + 60), height, 3)
    body += "".join(figure(row, 16, colour(index / (count - 1)), 0.95) for index, row in enumerate(rows))
    name = TextPath((0, 0), "MotionWeave", size=64, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    steps = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
    letters = "".join(
        steps[int(code)] + ("" if code == 79 else " ".join(f"{x:.1f} {-y:.1f}" for x, y in points.reshape(-1, 2)))
        for points, code in name.iter_segments()
    )
    left = (width - name.get_extents().width) / 2
    return frame(width, height, 0, body + f'<path d="{letters}" fill="#fff" transform="translate({left:.0f} 478)"/>')


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1] / "docs")
    folder = parser.parse_args().folder
    for name, picture in (("icon.svg", icon()), ("banner.svg", banner())):
        (folder / name).write_text(picture, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
