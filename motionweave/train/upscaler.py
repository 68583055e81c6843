"""Mini's upscaler: Real-ESRGAN's compact network, taught to undo the softness of Mini's own VAE.

What it sees is what it will be given: marionettes rendered at Mini's size and passed through Mini's VAE. What it is to
give is the same moment rendered at twice the size, so that edges come from the world and not from sharpening.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..marionette import clip_times, make_world, render_clip
from ..types import Size, float_pixels
from .job import Job
from .loop import fit
from .recipe import UpscalerRecipe
from .rendered import kept, rendered, training_seeds
from .vae import edges

SCALE = 2
FPS = Fraction(12)


def render_pair(seed: int, frames: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Render the same moments small and large.

    Args:
        seed: The character's.
        frames: How many consecutive ones.
        size: Width and height of the small pictures in pixels.

    Returns:
        (F, 3, S, S) and (F, 3, 2 S, 2 S), both uint8.
    """
    world, times = make_world(seed), clip_times(frames, FPS, float(np.random.default_rng([seed, 11]).uniform(0, 60)))
    clips = (render_clip(world, times, FPS, Size(side, side)).frames for side in (size, SCALE * size))
    small, large = ((frames * 255).round().to(torch.uint8).numpy() for frames in clips)
    return small, large


def through_vae(vae: Any, pictures: np.ndarray) -> np.ndarray:
    """Give pictures as a decoder would give them.

    Args:
        vae: Mini's.
        pictures: (F, 3, H, W) uint8, consecutive.

    Returns:
        The same, softened.
    """
    with torch.no_grad():
        latents = vae.encode(float_pixels(torch.from_numpy(pictures)) * 2 - 1).latent_dist.mode()
        made = vae.decode(latents, num_frames=len(pictures)).sample
    return ((made / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


class PairStore:
    """Soft small pictures with their sharp large ones on disk, made on first use."""

    def __init__(self, folder: Path, recipe: UpscalerRecipe, vae: Any) -> None:
        """Open the pictures, making what is missing.

        Args:
            folder: Where to keep them; half a gigabyte.
            recipe: What to render.
            vae: What the small ones pass through.

        Raises:
            InputError: If seeds kept for evaluation would be among them.
        """
        characters, frames, size = recipe.characters, recipe.frames, recipe.size
        pairs = rendered(partial(render_pair, frames=frames, size=size), training_seeds(characters))
        self.soft, self.sharp = kept(
            folder / f"pairs-{characters}x{frames}-{size}",
            characters * frames,
            {"soft.u8": (3, size, size), "sharp.u8": (3, SCALE * size, SCALE * size)},
            ((through_vae(vae, small), large) for small, large in pairs),
        )

    def sample(self, count: int, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw squares.

        Args:
            count: How many.
            side: Their width and height in small pixels.
            generator: Chooses.

        Returns:
            (B, 3, side, side) and (B, 3, 2 side, 2 side), both float32 in [0, 1], half of them mirrored.
        """
        soft, sharp = torch.empty(count, 3, side, side), torch.empty(count, 3, SCALE * side, SCALE * side)
        room = self.soft.shape[-1] - side + 1
        for place in range(count):
            index = int(torch.randint(len(self.soft), (), generator=generator))
            y, x = torch.randint(room, (2,), generator=generator).tolist()
            large = slice(SCALE * y, SCALE * (y + side)), slice(SCALE * x, SCALE * (x + side))
            soft[place] = torch.from_numpy(self.soft[index, :, y : y + side, x : x + side] / np.float32(255))
            sharp[place] = torch.from_numpy(self.sharp[index, :, large[0], large[1]] / np.float32(255))
        mirrored = (torch.rand(count, generator=generator) < 0.5)[:, None, None, None]
        return torch.where(mirrored, soft.flip(-1), soft), torch.where(mirrored, sharp.flip(-1), sharp)


def upscaler_losses(
    net: Any, store: PairStore, recipe: UpscalerRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``error``, the mean absolute error; ``edges``, that of differences between neighbours.
    """
    soft, sharp = store.sample(recipe.batch, recipe.crop, generator)
    made = net(soft).float()
    error = (made - sharp).abs().mean()
    outline = sum(((a - b).abs().mean() for a, b in zip(edges(made), edges(sharp), strict=True)), torch.zeros(()))
    return {"loss": error + 0.5 * outline, "error": error, "edges": outline}


def train_upscaler(recipe: UpscalerRecipe, job: Job) -> Path:
    """Train Mini's upscaler and write ``upscaler/upscaler_mini_x2.safetensors``, under the published names."""
    from diffusers import AutoencoderKLTemporalDecoder
    from safetensors.torch import save_file
    from spandrel.architectures.Compact import Compact

    vae: Any = AutoencoderKLTemporalDecoder.from_pretrained(job.output / recipe.vae, torch_dtype=torch.float32)
    store = PairStore(job.cache, recipe, vae.eval().requires_grad_(False))
    net = Compact(num_feat=recipe.width, num_conv=recipe.layers, upscale=SCALE)
    weights = fit(net, lambda _, g: upscaler_losses(net, store, recipe, g), job.options, job.run)
    path = job.output / "upscaler/upscaler_mini_x2.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in weights.items()}, path)
    return path
