"""Clips as latents, encoded once: denoising is what training should spend its time on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ..types import float_pixels
from .denoiser import LatentBatch
from .image_encoder import clip_pixels
from .recipe import DataRecipe
from .rendered import kept


class Clips(Protocol):
    """Rendered clips on disk."""

    @property
    def data(self) -> DataRecipe:
        """What was rendered."""
        ...

    @property
    def pictures(self) -> np.ndarray:
        """(N, F + 1, 3, H, W) uint8; the last is the reference."""
        ...

    @property
    def poses(self) -> np.ndarray:
        """(N, F, 3, H, W) uint8."""
        ...

    @property
    def fps(self) -> np.ndarray:
        """(N,) uint8."""
        ...


class LatentStore:
    """A clip store's pictures as VAE latents and image tokens, kept beside it on disk."""

    def __init__(self, clips: Clips, vae: Any, tower: Any, folder: Path) -> None:
        """Open the latents, encoding what is missing.

        Args:
            clips: Rendered clips.
            vae: Encoder; its weights name the files, so that another VAE never meets old latents.
            tower: Gives a reference's token.
            folder: Where to keep them.
        """
        self.clips, self.scale = clips, float(vae.config.scaling_factor)
        tag = hashlib.sha256(b"".join(v.numpy().tobytes() for v in (*vae.parameters(), *tower.parameters())))
        data, cells = clips.data, clips.data.size // 2 ** (len(vae.config.block_out_channels) - 1)
        self.latents, self.tokens = kept(
            folder / f"latents-{data.first_seed}-{data.clips}x{data.frames}-{data.size}-{tag.hexdigest()[:12]}",
            data.clips,
            {
                "latents.f16": (data.frames + 1, int(vae.config.latent_channels), cells, cells),
                "tokens.f32": (int(tower.config.projection_dim),),
            },
            (_encoded(clip, vae, tower) for clip in clips.pictures),
        )

    def batch(self, chosen: np.ndarray) -> LatentBatch:
        """Give whole samples of the chosen clips, (B,) indices."""
        latents = torch.from_numpy(self.latents[chosen].astype(np.float32))
        return LatentBatch(
            latents=latents[:, :-1] * self.scale,
            reference=latents[:, -1],
            tokens=torch.from_numpy(self.tokens[chosen])[:, None],
            poses=float_pixels(torch.from_numpy(self.clips.poses[chosen])),
            fps=torch.from_numpy(self.clips.fps[chosen].astype(np.float32)),
        )


@torch.no_grad()
def _encoded(clip: np.ndarray, vae: Any, tower: Any) -> tuple[np.ndarray, np.ndarray]:
    """Encode one clip (F + 1, 3, H, W) uint8: latents (1, F + 1, C, h, w), and its last picture's token (1, D)."""
    pictures = float_pixels(torch.from_numpy(clip))
    with torch.autocast("cpu", torch.bfloat16):
        latents = vae.encode(pictures * 2 - 1, return_dict=False)[0].mode()
    token = tower(clip_pixels(pictures[-1:], tower.config.image_size)).image_embeds
    return latents[None].float().numpy(), token.numpy()
