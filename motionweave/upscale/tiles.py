"""Pictures in tiles, so that memory does not grow with their size, faded into one another so that no border shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..errors import InputError
from ..types import check_shape

OVERLAP = 16
"""Pixels by which a tile reaches past its border on each side: what the network sees there fades over twice as many."""

SMALLEST = 2 * OVERLAP
"""A tile smaller than this would be all overlap."""


def upscale_tiled(net: Callable[[Tensor], Tensor], frames: Tensor, scale: int, tile: int) -> Tensor:
    """Make pictures larger tile by tile.

    Each tile is seen with `OVERLAP` more pixels on every side that has a neighbour; across a border the two tiles fade
    into each other linearly, and what lies at a tile's very edge, where the network lacks surroundings, has no weight.

    Args:
        net: Takes (B, 3, h, w) and gives (B, 3, scale h, scale w).
        frames: (B, 3, H, W) float in [0, 1].
        scale: How many times larger the network makes pictures.
        tile: Side of a tile in pixels of the input, without its overlap; 0 for the whole picture.

    Returns:
        (B, 3, scale H, scale W) float32, on the device of `frames`.

    Raises:
        InputError: If the tile is too small.
        ShapeError: If `frames` are none.

    Source: overlapped tiles as in Real-ESRGAN's `tile_process`, which cuts hard at the border instead of fading.
    """
    sizes = check_shape("frames", frames, "B 3 H W")
    if tile and tile < SMALLEST:
        raise InputError(f"a tile of {tile} pixels was asked for; expected at least {SMALLEST}, or 0 for no tiles")
    if not tile or (sizes["H"] <= tile and sizes["W"] <= tile):
        return net(frames).to(frames.device)
    made = torch.zeros(sizes["B"], 3, scale * sizes["H"], scale * sizes["W"], device=frames.device)
    for top, bottom, down in _spans(sizes["H"], tile, scale):
        for left, right, across in _spans(sizes["W"], tile, scale):
            part = net(frames[..., top:bottom, left:right]).to(frames.device)
            weight = down[:, None] * across
            place = slice(scale * top, scale * bottom), slice(scale * left, scale * right)
            made[..., place[0], place[1]] += part * weight.to(frames.device)
    return made


def _spans(length: int, tile: int, scale: int) -> Iterator[tuple[int, int, Tensor]]:
    """Cut an axis evenly: start and stop of each tile with its overlap, and the weight of each of its output pixels."""
    # No narrower than the two ramps of a tile in the middle, which must not meet.
    count = max(1, min(-(-length // tile), length // SMALLEST))
    borders = [round(index * length / count) for index in range(count + 1)]
    # Two neighbours' weights add up to one: the ramp is the same, seen from either side.
    ramp = (torch.arange(2 * OVERLAP * scale) + 0.5) / (2 * OVERLAP * scale)
    for index in range(count):
        start, stop = borders[index], borders[index + 1]
        first, last = index == 0, index == count - 1
        start, stop = start - (0 if first else OVERLAP), stop + (0 if last else OVERLAP)
        weight = torch.ones(scale * (stop - start))
        if not first:
            weight[: len(ramp)] *= ramp
        if not last:
            weight[-len(ramp) :] *= ramp.flip(0)
        yield start, stop, weight
