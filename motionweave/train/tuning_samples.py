"""Short videos made while an adapter learns, beside what they should be: by the very walk that Weave takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbones.base import Conditioning, Identity
from ..dataset.windows import WindowBatch, stack_windows
from ..media import VideoWriter
from ..metrics.picture import psnr_db, ssim
from ..sampling.denoise import DenoiseOptions, denoise_window
from ..sampling.guidance import Guidance
from ..types import Size
from .tuning_adapters import Learner

SAMPLES = 2
"""Windows that are sampled, the same each time."""


@dataclass(frozen=True)
class Samples:
    """What came of one look."""

    psnr_db: float
    """Against what the VAE makes of the true latents, mean of all windows."""
    ssim: float
    """The same."""
    picture: Tensor
    """(3, H, W) in [0, 1]: the middle frame of the first window, the truth left, the sample right."""


def draw_samples(backbone: Any, learner: Learner, windows: Sequence[WindowBatch], path: Path) -> Samples:
    """Make each window from noise, with the backbone's own steps and guidance, and write it beside the truth.

    Args:
        backbone: The SVD backbone whose UNet is tuned.
        learner: What learns.
        windows: Without the axis B, on the processor.
        path: Written as ``path-0.mp4`` and so on: the truth left, the sample right.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    device, pictures = backbone.unet.device, list[Tensor]()
    figures: list[tuple[float, float]] = []
    for number, window in enumerate(windows):
        # What an adapter made of the signal when it was last asked is of other weights.
        made = _sample(replace(backbone, features={}), learner, window, number)
        backbone.vae.to(device)
        truth, produced = (backbone.decode_clip(each).clamp(0, 1) for each in (window.latents, made))
        backbone.vae.to("cpu")
        figures.append((psnr_db(produced, truth), ssim(produced, truth)))
        pictures.append(torch.cat([truth, produced], 3))
        size = Size(pictures[-1].shape[3], pictures[-1].shape[2])
        fps = Fraction(float(window.fps)).limit_denominator(1001)
        with VideoWriter(path.with_name(f"{path.name}-{number}.mp4"), fps=fps, size=size) as writer:
            writer.write(pictures[-1])
    means = [sum(values) / len(figures) for values in zip(*figures, strict=True)]
    return Samples(means[0], means[1], pictures[0][len(pictures[0]) // 2])


def _sample(backbone: Any, learner: Learner, window: WindowBatch, seed: int) -> Tensor:
    facts = backbone.facts
    _, height, width = window.reference.shape
    size = Size(width * facts.spatial_compression, height * facts.spatial_compression)
    identity = Identity(window.reference, window.tokens, size, 0.0, f"sample {seed}")
    shown = learner.shown(stack_windows([window]))[0]
    conditioning = Conditioning(identity, float(window.fps), controls=learner.controls(window), image_latents=shown)
    noise = torch.randn(window.latents.shape, generator=torch.Generator().manual_seed(seed))
    return denoise_window(backbone, conditioning, noise, DenoiseOptions(facts.steps, Guidance(facts.guidance)))
