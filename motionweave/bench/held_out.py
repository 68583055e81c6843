"""Held-out clips of Marionette: what the extractors of tracks are measured on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..marionette import FIRST_EVALUATION_SEED, Clip, World, clip_times, make_world, render_clip
from ..types import Size

FPS = Fraction(12)
FRAMES = 6
SIZE = Size(256, 256)


def held_out_clips(count: int, frames: int = FRAMES, size: Size = SIZE) -> Iterator[tuple[int, World, Clip]]:
    """Render clips of seeds that no recipe may train on.

    Args:
        count: How many, each of another character in another scene and light.
        frames: Frames of each.
        size: Their size.

    Returns:
        Each clip's seed, world and frames with their truth.
    """
    for seed in range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + count):
        world = make_world(seed)
        yield seed, world, render_clip(world, clip_times(frames, FPS), FPS, size)
