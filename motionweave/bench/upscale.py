"""Mini's upscaler against bicubic: held-out marionettes, softened by Mini's VAE, made twice as large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..marionette import FIRST_EVALUATION_SEED
from ..train.upscaler import SCALE, render_pair, through_vae
from ..types import float_pixels
from ..upscale.model import load_upscale_model
from ..weights.locate import locate_model
from .selfie import NOWHERE

CLIPS, FRAMES, SIZE = 40, 3, 128


def upscale(
    clips: int = CLIPS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: Characters, of seeds that no recipe trains on.
        on_clip: Told of each that is done.
        keep: Given what was made, with bicubic's in its left half, and the truth.

    Returns:
        ``figures`` and ``baselines``: the mean peak signal-to-noise ratio of a picture, and the mean error of the
        differences between neighbouring pixels, which tells how sharp edges are, in 8-bit levels.
    """
    from diffusers import AutoencoderKLTemporalDecoder

    folder = locate_model("backbone", "mini-svd", NOWHERE)
    vae: Any = AutoencoderKLTemporalDecoder.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    vae.eval().requires_grad_(False)
    model = load_upscale_model(locate_model("upscaler", "mini-upscaler", NOWHERE))
    rows = list[tuple[dict[str, float], dict[str, float]]]()
    for index in range(clips):
        small, large = render_pair(FIRST_EVALUATION_SEED + index, FRAMES, SIZE)
        soft, sharp = (float_pixels(torch.from_numpy(each)) for each in (through_vae(vae, small), large))
        made = model(soft)
        plain = F.interpolate(soft, scale_factor=SCALE, mode="bicubic").clamp(0, 1)
        rows.append((compare(made, sharp), compare(plain, sharp)))
        if keep is not None:
            half = sharp.shape[-1] // 2
            keep(index, torch.cat([plain[..., :half], made[..., half:]], -1), sharp)
        if on_clip is not None:
            on_clip(index)
    ours, theirs = ({key: sum(row[side][key] for row in rows) / clips for key in rows[0][0]} for side in (0, 1))
    return {"figures": ours, "baselines": {"bicubic": theirs}}


def compare(made: Tensor, truth: Tensor) -> dict[str, float]:
    """Measure pictures, (F, 3, H, W) in [0, 1], against the true ones."""
    error = (made - truth).square().mean((1, 2, 3))
    edges = [(made.diff(dim=axis) - truth.diff(dim=axis)).abs().mean() for axis in (-1, -2)]
    return {"psnr_db": float((-10 * torch.log10(error)).mean()), "edge_error": float(255 * sum(edges) / 2)}
