"""Pictures of marionettes with keypoints and boxes, rendered once: what Mini's pose models learn from.

Every character is seen a few times, whole or in part, from nearer or farther. Augmentation (place, size, turn, second
figures, blur, colours) is drawn anew in every step.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..marionette import Clip, clip_times, make_world, render_clip
from ..marionette.camera import move_camera
from ..marionette.world import camera_of
from ..types import Size
from .recipe import ViewsRecipe
from .rendered import kept_views

MARGIN = 0.04
"""How much a silhouette's box is grown, as annotators leave a little room."""


def render_views(seed: int, views: int, size: int) -> Clip:
    """Render one character at a few moments, whole or in part, from nearer or farther, a little tilted.

    Args:
        seed: The character's.
        views: How many pictures.
        size: Width and height in pixels.
    """
    rng = np.random.default_rng([seed, 11])
    world, area = make_world(seed), Size(size, size)
    times = clip_times(1, Fraction(1), float(rng.uniform(0, 60))) + rng.uniform(0, 30, views)
    still = np.zeros(views)
    near = np.where(rng.uniform(size=views) < 0.45, rng.uniform(1.2, 2.6, views), rng.uniform(0.8, 1.2, views))
    # A closer camera looks higher, at chest and face, as portraits do.
    lift = np.where(near > 1.2, rng.uniform(0.0, 0.55, views) * (1 - 1 / near) * 1.6, rng.uniform(-0.1, 0.1, views))
    shift = np.stack([rng.uniform(-0.35, 0.35, views), lift, still], -1)
    camera = move_camera(
        camera_of(world, views), pan=still, tilt=still, roll=rng.uniform(-0.12, 0.12, views), shift=shift, zoom=near
    )
    return render_clip(world, times, Fraction(1), area, camera)


def render_people(seed: int, views: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render one character a few times.

    Args:
        seed: The character's.
        views: How many pictures.
        size: Width and height in pixels.

    Returns:
        Pictures (V, 3, S, S) uint8, keypoints (V, 133, 3) float32, boxes (V, 4) float32 of the silhouettes in pixels.
    """
    clip = render_views(seed, views, size)
    boxes = np.stack([silhouette_box(alpha.numpy()) for alpha in clip.alpha])
    return (clip.frames * 255).round().to(torch.uint8).numpy(), clip.keypoints.numpy(), boxes


def silhouette_box(alpha: np.ndarray) -> np.ndarray:
    """Give the box around a silhouette (H, W), grown a little: (4,) x0, y0, x1, y1; zeros where there is none."""
    rows, columns = np.nonzero(alpha > 0.5)
    if not len(rows):
        return np.zeros(4, np.float32)
    box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
    grow = MARGIN / 2 * (box[2:] - box[:2])
    limit = np.array(alpha.shape[::-1] * 2, np.float32)
    return np.clip(box + np.concatenate([-grow, grow]), 0, limit).astype(np.float32)


class PeopleStore:
    """Pictures on disk, rendered on first use."""

    def __init__(self, folder: Path, recipe: ViewsRecipe) -> None:
        """Open the pictures, rendering what is missing.

        Args:
            folder: Where to keep them; a few gigabytes.
            recipe: What to render.

        Raises:
            InputError: If seeds kept for evaluation would be among them.
        """
        shapes = {"keypoints.f32": (133, 3), "boxes.f32": (4,)}
        self.pictures, self.keypoints, self.boxes = kept_views(folder, "people-0", recipe, render_people, shapes)

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw pictures that show somebody.

        Args:
            count: How many.
            generator: Chooses.

        Returns:
            (B, 3, S, S) float32 in [0, 255], keypoints (B, 133, 3), boxes (B, 4).
        """
        chosen = torch.randint(len(self.pictures), (count,), generator=generator).numpy()
        pictures = torch.from_numpy(self.pictures[chosen]).float()
        return pictures, torch.from_numpy(self.keypoints[chosen]), torch.from_numpy(self.boxes[chosen])


def change_colours(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and sharpness, picture by picture; (B, 3, H, W) in [0, 255] in and out."""
    count = len(pictures)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)

    tint = 1 + 0.1 * (torch.rand(count, 3, 1, 1, generator=generator) - 0.5)
    changed = ((pictures - 127) * draw(0.75, 1.25) + 127 + draw(-20, 20)) * tint
    blurred = torch.nn.functional.avg_pool2d(changed, 3, 1, 1, count_include_pad=False)
    changed = torch.lerp(changed, blurred, draw(-0.4, 1.0))
    noise = torch.randn(changed.shape, generator=generator) * draw(0, 6)
    return (changed + noise).clamp(0, 255)
