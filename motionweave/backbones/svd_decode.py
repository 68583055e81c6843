"""SVD's VAE in pieces that fit: slices of frames, tiles of the picture.

diffusers' tiling raises NotImplementedError for this VAE, and its pipeline puts slices of frames side by side, which
shows as a flicker: the decoder sees zeros beyond a slice's ends. Here neighbouring pieces overlap and are cross-faded
in pixels, in time and in space alike.

A tile differs from the same part of the whole picture, because the middle block's attention and all group norms see the
tile alone: brightness and contrast shift a little from tile to tile. Wide overlaps turn such steps into slopes that the
eye does not find (`TILE_OVERLAP`), but tiled frames are not the whole picture's; cut slices of frames first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from .overflow import require_finite

DECODE_FRAMES = 14
"""Frames decoded together by default, as in Stability's reference configuration."""

DECODE_OVERLAP = 3
"""Frames that neighbouring slices share."""

TILE_OVERLAP = 1 / 4
"""Part of a tile's side that it shares with its neighbour."""

FRAME_AXIS, ROW_AXIS, COLUMN_AXIS = 0, 2, 3


@dataclass(frozen=True)
class Cut:
    """How one axis of a clip is cut into overlapping pieces."""

    axis: int
    """Of (F, C, h, w)."""
    length: int
    """Length of a piece, in latent cells."""
    overlap: int
    """Least number of cells that neighbours share."""
    scale: int
    """Decoded length of a cell."""

    def starts(self, total: int) -> list[int]:
        """Say where the pieces of an axis of `total` cells begin; the last is moved back rather than shortened."""
        last = max(total - self.length, 0)
        return [*range(0, last, self.length - self.overlap), last]


def decode_clip(
    vae: Any, latents: Tensor, slice_frames: int = 0, tile: int = 0, on_piece: Callable[[int], None] | None = None
) -> Tensor:
    """Decode latents piece by piece; what fits in one piece is decoded exactly as diffusers does.

    Args:
        vae: AutoencoderKLTemporalDecoder.
        latents: (F, 4, h, w) of unit deviation.
        slice_frames: Frames decoded together; 0 for `DECODE_FRAMES`.
        tile: Side of the square tiles decoded together, in pixels, rounded down to latent cells; 0 for whole pictures.
        on_piece: Called after each piece with the number of pieces done; whatever it raises ends the decoding.

    Returns:
        (F, 3, H, W) float32 in [0, 1], on the CPU.

    Raises:
        MotionWeaveError: If numbers come out that are not finite.
    """
    frames = slice_frames or DECODE_FRAMES
    cuts = [Cut(FRAME_AXIS, frames, min(DECODE_OVERLAP, frames - 1), 1)]
    if tile:
        scale = 2 ** (len(vae.config.block_out_channels) - 1)
        cells = max(tile // scale, 2)
        cuts += [Cut(axis, cells, max(round(cells * TILE_OVERLAP), 1), scale) for axis in (ROW_AXIS, COLUMN_AXIS)]
    done = 0

    def decode(piece: Tensor) -> Tensor:
        nonlocal done
        pixels = cast(Tensor, vae.decode(piece, num_frames=len(piece)).sample)
        require_finite(pixels, piece, "decoding frames")
        done += 1
        if on_piece is not None:
            on_piece(done)
        return (pixels.float().cpu() / 2 + 0.5).clamp(0, 1)

    scaled = (latents / vae.config.scaling_factor).to(vae.device, vae.dtype)
    return decode_cut(decode, scaled, tuple(cuts))


def encode_clip(vae: Any, frames: Tensor) -> Tensor:
    """Encode frames, some at a time; the encoder sees each alone.

    Args:
        vae: AutoencoderKLTemporalDecoder.
        frames: (F, 3, H, W) in [0, 1].

    Returns:
        (F, 4, h, w) float32 of unit deviation, on the VAE's device.

    Raises:
        MotionWeaveError: If numbers come out that are not finite.
    """

    def encode(some: Tensor) -> Tensor:
        pixels = (some * 2 - 1).to(vae.device, vae.dtype)
        latents = cast(Tensor, vae.encode(pixels).latent_dist.mode())
        require_finite(latents, pixels, "encoding frames")
        return latents.float()

    return torch.cat([encode(some) for some in frames.split(DECODE_FRAMES)]) * vae.config.scaling_factor


def decode_cut(decode: Callable[[Tensor], Tensor], latents: Tensor, cuts: tuple[Cut, ...]) -> Tensor:
    """Decode along the first cut, each piece along the cuts that follow, and join what comes.

    Args:
        decode: Turns a piece of latents into pixels.
        latents: (F, C, h, w).
        cuts: Outermost first.

    Returns:
        (F, 3, H, W).
    """
    if not cuts:
        return decode(latents)
    cut, inner = cuts[0], cuts[1:]
    total = latents.shape[cut.axis]
    pieces = (
        (start, decode_cut(decode, latents.narrow(cut.axis, start, min(cut.length, total)), inner))
        for start in cut.starts(total)
    )
    _, made = next(pieces)
    for start, piece in pieces:
        made = _joined(made, piece, start * cut.scale, cut.axis)
    return made


def _joined(made: Tensor, piece: Tensor, start: int, axis: int) -> Tensor:
    """Join a piece that begins at `start` to what is made; what both have is cross-faded linearly."""
    shared = made.shape[axis] - start
    shape = [1] * made.ndim
    shape[axis] = shared
    ramp = (torch.arange(1, shared + 1) / (shared + 1)).view(shape)
    joined = torch.lerp(made.narrow(axis, start, shared), piece.narrow(axis, 0, shared), ramp)
    rest = piece.narrow(axis, shared, piece.shape[axis] - shared)
    return torch.cat([made.narrow(axis, 0, start), joined, rest], axis)
