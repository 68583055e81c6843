"""Rendered clips to train on: Marionette, drawn once into memory-mapped files and read at random.

A sample is a character seen in F consecutive frames, the pose map of each, and one more picture of the same character
at another moment: the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..marionette import clip_times, make_world, render_clip
from ..tracks.keypoints import from_wholebody
from ..tracks.pose_drawing import draw_pose
from ..types import Size, float_pixels
from .recipe import DataRecipe
from .rendered import kept, rendered, training_seeds

FRAME_RATES = (6, 8, 12, 15, 24, 30)
"""Frame rates that training clips are drawn from."""


@dataclass(frozen=True)
class ClipBatch:
    """Clips as a network sees them."""

    frames: Tensor
    """(B, F, 3, H, W) float32 in [0, 1]."""
    poses: Tensor
    """(B, F, 3, H, W) float32 in [0, 1]: pose maps of the frames."""
    reference: Tensor
    """(B, 3, H, W) float32 in [0, 1]: the same character at another moment."""
    fps: Tensor
    """(B,) float32."""


def render_sample(seed: int, frame_count: int, size: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Render one training clip.

    Args:
        seed: The clip's seed.
        frame_count: Frames in the clip.
        size: Width and height in pixels.

    Returns:
        Pictures (F + 1, 3, H, W) uint8 of which the last is the reference, pose maps (F, 3, H, W) uint8, and the fps.
    """
    rng = np.random.default_rng([seed, 7])
    fps = int(rng.choice(FRAME_RATES))
    times = clip_times(frame_count, Fraction(fps), float(rng.uniform(0, 60)))
    times = np.append(times, times[0] + rng.uniform(1.0, 8.0) * rng.choice([-1, 1]))
    area = Size(size, size)
    clip = render_clip(make_world(seed), times, Fraction(fps), area)
    thinness = int(rng.choice([384, 512, 640, 704]))
    poses = [draw_pose([from_wholebody(points.numpy())], area, area, thinness) for points in clip.keypoints[:-1]]
    return (clip.frames * 255).round().to(torch.uint8).numpy(), torch.stack(poses).numpy(), fps


class ClipStore:
    """Training clips on disk, rendered on first use."""

    def __init__(self, folder: Path, data: DataRecipe) -> None:
        """Open the clips, rendering what is missing.

        Args:
            folder: Where to keep them; several gigabytes for a few thousand clips.
            data: What to render.

        Raises:
            InputError: If seeds kept for evaluation would be among them.
        """
        self.data, frames, size = data, data.frames, data.size
        render = partial(render_sample, frame_count=frames, size=size)
        clips = rendered(render, training_seeds(data.clips, data.first_seed))
        self.pictures, self.poses, self.fps = kept(
            folder / f"clips-{data.first_seed}-{data.clips}x{frames}-{size}",
            data.clips,
            {"pictures.u8": (frames + 1, 3, size, size), "poses.u8": (frames, 3, size, size), "fps.u8": ()},
            ((pictures[None], poses[None], [fps]) for pictures, poses, fps in clips),
        )

    def pictures_at(self, clips: np.ndarray, frames: slice) -> Tensor:
        """Give pictures of some clips, (B, F, 3, H, W) float32 in [0, 1]."""
        return float_pixels(torch.from_numpy(self.pictures[clips][:, frames]))

    def batch(self, clips: np.ndarray) -> ClipBatch:
        """Give whole samples.

        Args:
            clips: (B,) indices.
        """
        pictures = float_pixels(torch.from_numpy(self.pictures[clips]))
        return ClipBatch(
            frames=pictures[:, :-1],
            poses=float_pixels(torch.from_numpy(self.poses[clips])),
            reference=pictures[:, -1],
            fps=torch.from_numpy(self.fps[clips].astype(np.float32)),
        )
