"""Clips as latents, encoded once: denoising is what training should spend its time on."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ..types import float_pixels
from .data import ClipSpec
from .denoiser import LatentBatch
from .image_encoder import clip_pixels

logger = logging.getLogger(__name__)


class Clips(Protocol):
    """Rendered clips on disk."""

    @property
    def spec(self) -> ClipSpec:
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
        spec, cells = clips.spec, clips.spec.size // 2 ** (len(vae.config.block_out_channels) - 1)
        folder = folder / f"latents-{spec.first_seed}-{spec.clip_count}x{spec.frame_count}-{tag.hexdigest()[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / "done"
        mode = "r" if done.is_file() else "w+"
        shape = (spec.clip_count, spec.frame_count + 1, int(vae.config.latent_channels), cells, cells)
        self.latents = np.memmap(folder / "latents.f16", np.float16, mode, shape=shape)
        width = int(tower.config.projection_dim)
        self.tokens = np.memmap(folder / "tokens.f32", np.float32, mode, shape=(spec.clip_count, width))
        if mode == "w+":
            self._encode(vae, tower)
            done.touch()

    @torch.no_grad()
    def _encode(self, vae: Any, tower: Any) -> None:
        for index in range(self.clips.spec.clip_count):
            pictures = float_pixels(torch.from_numpy(self.clips.pictures[index]))
            with torch.autocast("cpu", torch.bfloat16):
                made = vae.encode(pictures * 2 - 1, return_dict=False)[0].mode()
            self.latents[index] = made.float().numpy()
            self.tokens[index] = tower(clip_pixels(pictures[-1:], tower.config.image_size)).image_embeds[0].numpy()
            if index % 200 == 0:
                logger.info("encoded %d of %d clips", index, self.clips.spec.clip_count)

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
