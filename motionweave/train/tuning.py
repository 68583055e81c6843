"""What a tuning recipe trains, and its loss: an adapter's window beside a backbone that never moves.

The objective is the denoiser's (`denoiser`): SVD predicts v, on whose own scale EDM's weight is 1. `min_snr` counts
noise levels as min(SNR, gamma) / (SNR + 1), SNR = 1 / sigma^2: Hang et al., "Efficient Diffusion Training via Min-SNR
Weighting Strategy" (2023), for v.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..dataset.windows import WindowBatch
from ..models.injections import UNetInputs
from .denoiser import CONTEXT_SIGMA, MOTION_BUCKET, draw_known
from .tuning_adapters import Learner
from .tuning_recipe import TuningRecipe


@dataclass(frozen=True)
class Draws:
    """What is random about one batch."""

    sigma: Tensor
    """(B,) noise levels."""
    noise: Tensor
    """(B, F, 4, h, w)."""
    keep: Tensor
    """(B,) 1 where the reference is seen."""
    known: int
    """Leading frames that are shown almost clean."""

    def to(self, device: torch.device) -> Draws:
        """Give the same on a device."""
        return Draws(self.sigma.to(device), self.noise.to(device), self.keep.to(device), self.known)


def draw(batch: WindowBatch, recipe: TuningRecipe, generator: torch.Generator) -> Draws:
    """Draw noise on the processor, so that every device trains on the same."""
    count, frames = batch.latents.shape[:2]
    mean, deviation = recipe.noise
    sigma = torch.exp(mean + deviation * torch.randn(count, generator=generator)).clamp(0.002, 700.0)
    known = draw_known(frames, recipe.context, generator) if frames > 1 else 0
    noise = torch.randn(batch.latents.shape, generator=generator)
    keep = (torch.rand(count, generator=generator) >= recipe.drop_image).float()
    return Draws(sigma, noise, keep, known)


class Tuner(nn.Module):
    """Backbone and adapter as one module, whose only trained parameters are the adapter's."""

    def __init__(self, unet: Any, learner: Learner, recipe: TuningRecipe) -> None:
        """Freeze what does not learn.

        Args:
            unet: The backbone's.
            learner: What learns.
            recipe: How it does, and how noise levels count.
        """
        super().__init__()
        self.unet, self.net, self.learner, self.recipe = unet.requires_grad_(False), learner.net, learner, recipe
        for name, parameter in learner.net.named_parameters():
            parameter.requires_grad_(learner.learns(name))
        if recipe.checkpointing:
            # The adapters' blocks are diffusers' own, too, though the networks round them do not say so.
            for block in (*unet.modules(), *learner.net.modules()):
                if hasattr(block, "gradient_checkpointing"):
                    block.gradient_checkpointing = True
                    block._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)

    def trained(self) -> dict[str, nn.Parameter]:
        """Give the adapter's parameters that learn, by its names."""
        return {name: each for name, each in self.net.named_parameters() if each.requires_grad}

    def precise(self) -> torch.autocast:
        """Have the block computed in the recipe's precision.

        Not accelerate's to choose: it keeps one precision for as long as the process lives, and a canvas trains several
        recipes in one.
        """
        device = next(self.unet.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def forward(self, batch: WindowBatch, draws: Draws) -> Tensor:
        """Give the loss."""
        with self.precise():
            return self._loss(batch, draws)

    def _loss(self, batch: WindowBatch, draws: Draws) -> Tensor:
        clean, frames = batch.latents, batch.latents.shape[1]
        levels = draws.sigma[:, None].repeat(1, frames)
        levels[:, : draws.known] = levels[:, : draws.known].clamp(max=CONTEXT_SIGMA)
        level = levels[..., None, None, None]
        noisy = clean + level * draws.noise
        shown = self.learner.shown(batch) * draws.keep.view(-1, 1, 1, 1, 1)
        inputs = UNetInputs(
            sample=torch.cat([noisy * torch.rsqrt(level**2 + 1), shown], 2),
            timestep=0.25 * draws.sigma.log(),
            tokens=batch.tokens * draws.keep.view(-1, 1, 1),
            time_ids=torch.stack([batch.fps - 1, torch.full_like(batch.fps, MOTION_BUCKET), 0 * batch.fps], -1),
        )
        added = self.learner.added(inputs, batch, draws.keep)
        output = self.unet(inputs.sample, inputs.timestep, inputs.tokens, inputs.time_ids, added).float()
        target = (noisy * torch.rsqrt(level**2 + 1) - clean * torch.sqrt(level**2 + 1)) / level
        error = (output - target).square()
        weight = self.learner.weight(batch)
        if weight is not None:
            error = error * weight / weight[:, draws.known :].mean((1, 2, 3, 4), keepdim=True)
        error = error[:, draws.known :].mean((1, 2, 3, 4))
        return (error * level_weight(draws.sigma, self.recipe)).mean()


def level_weight(sigma: Tensor, recipe: TuningRecipe) -> Tensor:
    """Say how much noise levels count, (B,)."""
    if recipe.weighting == "edm":
        return torch.ones_like(sigma)
    snr = sigma**-2
    return snr.clamp(max=recipe.snr_gamma) / (snr + 1)
