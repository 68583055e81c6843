"""Mini's CLIP vision tower: who is in the picture, whatever the pose.

The real tower learned from captions; Mini's learns from what Marionette knows of each character. A linear head reads
the identity out of the embedding while it is trained, and is dropped afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..marionette import IDENTITY_SIZE, make_world
from .data import ClipStore
from .rendered import training_seeds

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class IdentityReader(nn.Module):
    """The tower and the head that is asked for the identity."""

    def __init__(self, tower: Any) -> None:
        """Put a linear head on the tower's embedding."""
        super().__init__()
        self.tower, self.side = tower, tower.config.image_size
        self.head = nn.Linear(tower.config.projection_dim, IDENTITY_SIZE)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Read the identity.

        Args:
            pixels: (B, 3, S, S), normalised as CLIP's are.

        Returns:
            The identity (B, 31) and the embedding (B, D).
        """
        embedding = self.tower(pixels).image_embeds
        return self.head(embedding), embedding


def clip_pixels(pixels: Tensor, side: int) -> Tensor:
    """Resize (B, 3, H, W) in [0, 1] as SVD does and normalise them as CLIP's."""
    from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import (
        _resize_with_antialiasing,  # pyright: ignore[reportPrivateUsage]
    )

    small = (_resize_with_antialiasing(pixels * 2 - 1, (side, side)) + 1) / 2
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (CLIP_MEAN, CLIP_STD))
    return (small - mean) / std


def identities(store: ClipStore) -> Tensor:
    """Give the identity of every clip's character, (N, 31)."""
    seeds = training_seeds(store.data.clips, store.data.first_seed)
    vectors = [make_world(seed).character.vector() for seed in seeds]
    return torch.from_numpy(np.stack(vectors))


def identity_losses(
    reader: IdentityReader, store: ClipStore, truth: Tensor, generator: torch.Generator, count: int
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Args:
        reader: Tower and head.
        store: Rendered clips.
        truth: (N, 31) from `identities`.
        generator: Chooses pictures.
        count: Pictures a step.

    Returns:
        ``loss``, and the share of the identity's variance that is ``read``.
    """
    clips = torch.randint(store.data.clips, (count,), generator=generator)
    frame = int(torch.randint(store.data.frames + 1, (1,), generator=generator))
    pixels = store.pictures_at(clips.numpy(), slice(frame, frame + 1))[:, 0]
    found, embedding = reader(clip_pixels(pixels, reader.side))
    error = F.mse_loss(found.float(), truth[clips])
    # Keeps the embedding near unit size, as a cross-attention wants it.
    size = (embedding.float().square().mean() - 1).square()
    return {"loss": error + 0.01 * size, "read": 1 - error / truth.var(0).mean()}
