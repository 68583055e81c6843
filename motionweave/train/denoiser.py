"""Mini's UNet and pose ControlNet, trained together from scratch on latents.

Objective: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), with SVD's noise
levels (ln sigma ~ N(0.7, 1.6)) and its loss weight (1 + s^2) / s^2 on the clean latents, which is a plain mean square
on the network's own output. Two departures: a share of the windows begins with known frames at a noise level near 0, so
that `sequential` context is what the network was trained for, and the picture is a reference (another moment of the
same character), not the first frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..models.injections import UNetInputs

if TYPE_CHECKING:
    from ..models.svd_controlnet import SVDControlNet
    from ..models.svd_unet import SVDUNet

MOTION_BUCKET = 127.0
"""SVD's default; Marionette clips have no other."""

CONTEXT_SIGMA = 0.1
"""Noise level of known frames; a little noise hides what the VAE and earlier windows got wrong."""


@dataclass(frozen=True)
class LatentBatch:
    """What one step trains on."""

    latents: Tensor
    """(B, F, 4, h, w), unit deviation."""
    reference: Tensor
    """(B, 4, h, w) image latents as the UNet gets them: not scaled."""
    tokens: Tensor
    """(B, 1, D) image embedding."""
    poses: Tensor
    """(B, F, 3, H, W) in [0, 1]."""
    fps: Tensor
    """(B,)."""


@dataclass(frozen=True)
class DropRates:
    """How often training leaves something out, so that sampling can do without it."""

    image: float = 0.1
    """Image latents and token zeroed: what guidance compares with."""
    control: float = 0.1
    """No ControlNet residuals."""
    context: float = 0.5
    """Windows that begin with known frames."""


class ControlledUNet(nn.Module):
    """UNet and ControlNet as one module, for the optimiser."""

    def __init__(self, unet: SVDUNet, controlnet: SVDControlNet) -> None:
        """Hold both."""
        super().__init__()
        self.unet, self.controlnet = unet, controlnet


def draw_known(frame_count: int, share: float, generator: torch.Generator) -> int:
    """Draw how many leading frames are known: none, or mostly few, up to all but one."""
    if float(torch.rand(1, generator=generator)) >= share:
        return 0
    wide = float(torch.rand(1, generator=generator)) < 0.3
    return 1 + int(torch.randint(frame_count - 1 if wide else max(1, frame_count // 2), (1,), generator=generator))


def denoiser_losses(
    nets: ControlledUNet, batch: LatentBatch, drop: DropRates, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Args:
        nets: UNet and ControlNet.
        batch: Latents and conditions.
        drop: How often to leave something out.
        generator: Noise, noise levels and drops.

    Returns:
        ``loss``.
    """
    clean, (count, frames) = batch.latents, batch.latents.shape[:2]
    sigma = torch.exp(0.7 + 1.6 * torch.randn(count, generator=generator)).clamp(0.002, 700.0)
    known = draw_known(frames, drop.context, generator)
    levels = sigma[:, None].repeat(1, frames)
    levels[:, :known] = levels[:, :known].clamp(max=CONTEXT_SIGMA)
    level = levels[..., None, None, None]
    noise = torch.randn(clean.shape, generator=generator)
    noisy = clean + level * noise
    keep = (torch.rand(count, generator=generator) >= drop.image).float()
    image = (batch.reference * keep.view(-1, 1, 1, 1))[:, None].expand(-1, frames, -1, -1, -1)
    sample = torch.cat([noisy * torch.rsqrt(level**2 + 1), image], 2)
    time_ids = torch.stack([batch.fps - 1, torch.full_like(batch.fps, MOTION_BUCKET), 0 * batch.fps], -1)
    inputs = UNetInputs(sample, 0.25 * sigma.log(), batch.tokens * keep.view(-1, 1, 1), time_ids)
    injections = None
    if float(torch.rand(1, generator=generator)) >= drop.control:
        injections = nets.controlnet(inputs, nets.controlnet.encode(batch.poses.flatten(0, 1) * 2 - 1))
    output = nets.unet(sample, inputs.timestep, inputs.tokens, time_ids, injections).float()
    # v of the noisy latents: what c_skip * x + c_out * v must make clean.
    target = (noisy * torch.rsqrt(level**2 + 1) - clean * torch.sqrt(level**2 + 1)) / level
    error = (output[:, known:] - target[:, known:]).square().mean((1, 2, 3, 4))
    return {"loss": error.mean(), "high": error[sigma > math.e**2].mean(), "low": error[sigma <= math.e**2].mean()}
