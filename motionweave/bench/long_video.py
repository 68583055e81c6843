"""A long video to stream: few distinct pictures, written over and over, as large as asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import torch

from ..marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from ..media import FootageFile, VideoWriter, open_footage
from ..runtime import Folders, LocalRuntime
from ..types import Size

FPS = Fraction(30)
DISTINCT = 12


def write_long_footage(folder: Path, frames: int, size: Size) -> FootageFile:
    """Write a video of a marionette that moves to and fro.

    Args:
        folder: Where to write it.
        frames: Its length.
        size: Its size.
    """
    world = make_world(FIRST_EVALUATION_SEED)
    clip = render_clip(world, clip_times(DISTINCT, FPS), FPS, size)
    pictures = (clip.frames * 255).round().to(torch.uint8)
    path = folder / "long.mp4"
    with VideoWriter(path, fps=FPS, size=size, crf=23) as writer:
        for index in range(frames):
            place = index % (2 * DISTINCT)
            writer.write(pictures[min(place, 2 * DISTINCT - 1 - place)][None])
    return open_footage(path)


def runtime_in(folder: Path) -> LocalRuntime:
    """Give a runtime on the processor whose folders lie in `folder`."""
    return LocalRuntime(Folders(folder / "input", folder / "output", folder / "temp"))
