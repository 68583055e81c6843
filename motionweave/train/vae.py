"""Mini's temporal VAE: pictures to latents an eighth the size and back.

Left alone, a short training finds brightness, outlines and one axis of colour, spends the fourth latent on nothing and
never finds the second axis: red and green come out alike. The first latent is therefore anchored to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from .data import ClipStore

ANCHOR_SCALE = 5.0
"""How many times larger the first latent is than the redness it carries."""


def edges(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Give the differences to the right and downward neighbours of (..., H, W)."""
    return pixels[..., :, 1:] - pixels[..., :, :-1], pixels[..., 1:, :] - pixels[..., :-1, :]


def crop(pixels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut one random square, the same for all frames, at a multiple of 8 pixels.

    Args:
        pixels: (..., H, W).
        size: Width and height of the square.
        generator: Chooses where.
    """
    height, width = pixels.shape[-2:]
    y = 8 * int(torch.randint((height - size) // 8 + 1, (1,), generator=generator))
    x = 8 * int(torch.randint((width - size) // 8 + 1, (1,), generator=generator))
    return pixels[..., y : y + size, x : x + size]


def vae_losses(
    vae: Any,
    store: ClipStore,
    generator: torch.Generator,
    *,
    clips: int,
    frames: int,
    size: int,
) -> dict[str, Tensor]:
    """Give the losses of one step on random clips.

    Args:
        vae: The module.
        store: Rendered clips.
        generator: Chooses clips, frames and crops.
        clips: Clips a step.
        frames: Consecutive frames a clip.
        size: Crop in pixels.

    Returns:
        ``loss`` and its parts: mean absolute error, the same of the edges, and the latents' divergence.
    """
    chosen = torch.randint(store.data.clips, (clips,), generator=generator).numpy()
    first = int(torch.randint(store.data.frames - frames + 1, (1,), generator=generator))
    pixels = crop(store.pictures_at(np.sort(chosen), slice(first, first + frames)), size, generator)
    pixels = rearrange(pixels, "b f c y x -> (b f) c y x") * 2 - 1
    if float(torch.rand(1, generator=generator)) < 0.5:
        pixels = pixels.flip(-1)
    latents = vae.encode(pixels).latent_dist
    restored = vae.decode(latents.sample(generator), num_frames=frames).sample
    error = (restored - pixels).abs().mean() + (restored - pixels).square().mean()
    across, down = (a - b for a, b in zip(edges(restored), edges(pixels), strict=True))
    outline = across.abs().mean() + down.abs().mean()
    divergence = latents.kl().mean() / latents.mean[0].numel()
    anchor = (latents.mean[:, 0] / ANCHOR_SCALE - redness(pixels)).abs().mean()
    loss = error + outline + 2 * anchor + 1e-4 * divergence
    return {"loss": loss, "error": error, "edges": outline, "anchor": anchor, "kl": divergence}


def redness(pixels: Tensor) -> Tensor:
    """Give how much redder than cyan each 8x8 cell is, (F, h, w), of pixels (F, 3, H, W) in [-1, 1]."""
    cells = F.avg_pool2d(pixels, 8)
    return cells[:, 0] - (cells[:, 1] + cells[:, 2]) / 2


@torch.no_grad()
def latent_scale(vae: Any, store: ClipStore, count: int = 64) -> float:
    """Give the factor that brings the latents to unit deviation, measured on some training pictures."""
    pixels = store.pictures_at(np.arange(min(count, store.data.clips)), slice(0, 1))[:, 0] * 2 - 1
    return float(1 / vae.encode(pixels).latent_dist.mode().std())


def psnr(produced: Tensor, truth: Tensor) -> float:
    """Give the peak signal-to-noise ratio in dB of pixels in [0, 1]."""
    return float(-10 * torch.log10(F.mse_loss(produced, truth)))
