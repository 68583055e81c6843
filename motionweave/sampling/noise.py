"""Noise on the video's clock: a frame's noise depends on the seed and the frame, not on the windows it falls in."""

from __future__ import annotations

import torch
from torch import Tensor


def frame_noise(seed: int, start: int, stop: int, shape: tuple[int, int, int], block: int, skip: int = 0) -> Tensor:
    """Draw the noise of some frames.

    Frames are drawn in blocks, each with its own generator, so that a window deep in a long video costs no more than
    the first. The first block draws what diffusers' pipeline would for the same seed.

    Args:
        seed: The run's seed.
        start: First frame.
        stop: One past the last.
        shape: (C, h, w) of a frame's latents.
        block: Frames in a block: the backbone's native window.
        skip: Normal numbers that the first block's generator has given away before (SVD's pipeline draws the noise
            added to the image first).

    Returns:
        (F, C, h, w) float32 of unit deviation, on the CPU, where generators agree on every machine.
    """
    pieces: list[Tensor] = []
    for index in range(start // block, (stop - 1) // block + 1):
        generator = torch.Generator().manual_seed(seed + index)
        if index == 0 and skip:
            torch.randn(skip, generator=generator)
        frames = torch.randn((block, *shape), generator=generator)
        first = index * block
        pieces.append(frames[max(start - first, 0) : stop - first])
    return torch.cat(pieces)
