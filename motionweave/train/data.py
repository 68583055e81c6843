"""Rendered clips to train on: Marionette, drawn once into memory-mapped files and read at random.

A sample is a character seen in F consecutive frames, the pose map of each, and one more picture of the same character
at another moment: the reference.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from ..tracks.keypoints import from_wholebody
from ..tracks.pose_drawing import draw_pose
from ..types import Size, float_pixels

FRAME_RATES = (6, 8, 12, 15, 24, 30)
"""Frame rates that training clips are drawn from."""


@dataclass(frozen=True)
class ClipSpec:
    """What to render. Two equal specs give the same files."""

    clip_count: int
    """How many clips, each of another character."""
    frame_count: int
    """Frames in a clip."""
    size: int
    """Width and height in pixels."""
    first_seed: int = 0
    """Seed of the first clip; the others follow."""

    def __post_init__(self) -> None:
        """Keep evaluation seeds out of training."""
        if self.first_seed + self.clip_count > FIRST_EVALUATION_SEED:
            raise InputError(
                f"training seeds {self.first_seed} to {self.first_seed + self.clip_count - 1} reach into the "
                f"evaluation range; keep them below {FIRST_EVALUATION_SEED}"
            )


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

    def __init__(self, folder: Path, spec: ClipSpec, workers: int = 1) -> None:
        """Open the clips, rendering what is missing.

        Args:
            folder: Where to keep them; several gigabytes for a few thousand clips.
            spec: What to render.
            workers: Processes that render.
        """
        self.spec = spec
        folder = folder / f"clips-{spec.first_seed}-{spec.clip_count}x{spec.frame_count}-{spec.size}"
        folder.mkdir(parents=True, exist_ok=True)
        count, frames, size = spec.clip_count, spec.frame_count, spec.size
        done = folder / "done.json"
        mode = "r" if done.is_file() else "w+"
        self.pictures = np.memmap(folder / "pictures.u8", np.uint8, mode, shape=(count, frames + 1, 3, size, size))
        self.poses = np.memmap(folder / "poses.u8", np.uint8, mode, shape=(count, frames, 3, size, size))
        self.fps = np.memmap(folder / "fps.u8", np.uint8, mode, shape=(count,))
        if mode == "w+":
            self._render(workers)
            done.write_text(json.dumps(asdict(spec)))

    def _render(self, workers: int) -> None:
        seeds = range(self.spec.first_seed, self.spec.first_seed + self.spec.clip_count)
        render = partial(render_sample, frame_count=self.spec.frame_count, size=self.spec.size)
        with ProcessPoolExecutor(workers) as pool:
            for index, (pictures, poses, fps) in enumerate(pool.map(render, seeds, chunksize=8)):
                self.pictures[index], self.poses[index], self.fps[index] = pictures, poses, fps

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
