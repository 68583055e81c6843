"""Lay frames of a video side by side, with the pose maps that drove them below: how README's pictures are made.

python benchmarks/strip.py VIDEO OUT.jpg [--poses VIDEO] [--reference IMAGE] [--frames 6] [--scale 2]
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from motionweave.media import probe_video, read_frames, read_image, write_image
from motionweave.types import Size


def at_moments(path: Path, moments: list[int], size: Size, fps: object = None) -> list[Tensor]:
    """Read some frames, each (3, H, W) in [0, 1]."""
    wanted = set(moments)
    frames = read_frames(path, stop=max(moments) + 1, size=size, fps=fps)  # type: ignore[arg-type]
    return [frame / 255 for index, frame in enumerate(frames) if index in wanted]


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--poses", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--scale", type=int, default=2)
    given = parser.parse_args()
    info = probe_video(given.video)
    moments = [round((info.frame_count - 1) * (i + 0.5) / given.frames) for i in range(given.frames)]
    rows = [at_moments(given.video, moments, info.size)]
    if given.poses is not None:
        rows.append(at_moments(given.poses, moments, info.size, info.fps))
    if given.reference is not None:
        side = interpolate(read_image(given.reference), (info.size.height, info.size.width), mode="area")[0]
        rows = [[side if number == 0 else torch.zeros_like(side), *row] for number, row in enumerate(rows)]
    sheet = torch.cat([torch.cat(row, -1) for row in rows], -2)[None]
    write_image(given.out, interpolate(sheet, scale_factor=given.scale, mode="bicubic").clamp(0, 1))


if __name__ == "__main__":
    main()
