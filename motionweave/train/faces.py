"""Pictures of marionettes' heads with five points and boxes, rendered once: what Mini's face models learn from.

Every character is seen several times, each time in another pose, light and place, so that what stays the same is the
character. Half of the pictures are portraits, the others show more of the figure and less of the face.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..marionette import FIRST_EVALUATION_SEED, IDENTITY_SIZE, World, make_world, render_clip
from ..marionette.camera import Camera, move_camera
from ..marionette.light import make_light
from ..marionette.motion import make_motion
from ..marionette.scene import make_scene
from ..marionette.skeleton import pose_skeleton
from ..types import Size
from .recipe import FacesRecipe
from .rendered import kept_views

FACE_START = 23
"""Where the 68 face points begin among the 133."""
PORTRAIT_SHARE, FIGURE_SHARE = (0.17, 0.4), (0.05, 0.17)
"""Radius of the head over the picture's height."""


def five_points(keypoints: np.ndarray) -> np.ndarray:
    """Give the points by which ArcFace aligns a face.

    Args:
        keypoints: (F, 133, ...) whole-body points; only x and y are read.

    Returns:
        (F, 5, 2): the picture's left eye, right eye, nose, left and right corner of the mouth.
    """
    face = keypoints[:, FACE_START : FACE_START + 68, :2]
    eyes = [face[:, first : first + 6].mean(1) for first in (36, 42)]
    return np.stack([*eyes, face[:, 30], face[:, 48], face[:, 54]], 1)


def face_boxes(keypoints: np.ndarray) -> np.ndarray:
    """Give boxes from the forehead to the chin, (F, 133, ...) to (F, 4): x0, y0, x1, y1."""
    face = keypoints[:, FACE_START : FACE_START + 68, :2]
    low, high = face.min(1), face.max(1)
    low[:, 1] -= 0.2 * (high[:, 1] - low[:, 1])
    return np.concatenate([low, high], -1)


def portrait_camera(head: np.ndarray, radius_m: float, radius_share: float, distance_m: float) -> Camera:
    """Give a camera that looks straight at a head.

    Args:
        head: (3,) metres, the middle of the head.
        radius_m: The head's radius.
        radius_share: That radius over the picture's height.
        distance_m: Metres before the head.
    """
    focal = np.array([radius_share * distance_m / radius_m])
    return Camera(np.eye(3)[None], (head + np.array([0.0, 0.0, distance_m]))[None], focal)


def render_faces(seed: int, views: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Render one character's head several times.

    Args:
        seed: The character's.
        views: How many pictures; the first half are portraits.
        size: Width and height in pixels.

    Returns:
        Pictures (V, 3, S, S) uint8; five points (V, 5, 2) and boxes (V, 4), float32 pixels; `Character.vector`,
        (V, 31) float32.
    """
    rng = np.random.default_rng([seed, 12])
    world = make_world(seed)
    made = [_view(world, rng, size, PORTRAIT_SHARE if 2 * view < views else FIGURE_SHARE) for view in range(views)]
    pictures, keypoints = (np.stack(values) for values in zip(*made, strict=True))
    points, boxes = (values.astype(np.float32) for values in (five_points(keypoints), face_boxes(keypoints)))
    return pictures, points, boxes, np.tile(world.character.vector(), (views, 1))


def _view(world: World, rng: np.random.Generator, size: int, shares: tuple[float, float]) -> tuple[np.ndarray, ...]:
    """Render one picture in a pose, light and place of its own: (3, S, S) uint8, (133, 3)."""
    light_seed, scene_seed, motion_seed = (int(rng.integers(FIRST_EVALUATION_SEED)) for _ in range(3))
    there = replace(world, light=make_light(light_seed), scene=make_scene(scene_seed))
    motion = make_motion(motion_seed, rng.uniform(0, 30, 1), 1.1)
    skeleton = pose_skeleton(world.character, motion)
    share, distance = float(np.exp(rng.uniform(*np.log(shares)))), float(rng.uniform(1.6, 4.5))
    camera = portrait_camera(skeleton.joints["head"][0], skeleton.head_radius, share, distance)
    # A whole figure hangs below its head, so in wide pictures the head is in the upper part.
    room = max(0.0, 0.5 - 1.2 * share)
    aside, below = (
        rng.uniform(-room, room),
        rng.uniform(-room, 0.3 * room) if share < 0.17 else rng.uniform(-room, room),
    )
    metres = skeleton.head_radius / share
    still, shift = np.zeros(1), np.array([[aside, below, 0.0]]) * metres
    camera = move_camera(camera, pan=still, tilt=still, roll=rng.uniform(-0.15, 0.15, 1), shift=shift, zoom=np.ones(1))
    clip = render_clip(there, np.zeros(1), Fraction(1), Size(size, size), camera, motion)
    return (clip.frames[0] * 255).round().to(torch.uint8).numpy(), clip.keypoints[0].numpy()


class FaceStore:
    """Pictures on disk, rendered on first use."""

    def __init__(self, folder: Path, recipe: FacesRecipe) -> None:
        """Open the pictures, rendering what is missing.

        Args:
            folder: Where to keep them; a gigabyte or two.
            recipe: What to render.

        Raises:
            InputError: If seeds kept for evaluation would be among them.
        """
        shapes = {"points.f32": (5, 2), "boxes.f32": (4,), "identity.f32": (IDENTITY_SIZE,)}
        arrays = kept_views(folder, "faces-0", recipe, render_faces, shapes)
        self.pictures, self.points, self.boxes, self.identity = arrays
        self.views = recipe.views

    def read(self, chosen: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Give some pictures.

        Args:
            chosen: (B,) which of them.

        Returns:
            (B, 3, S, S) float32 in [0, 255], points (B, 5, 2), boxes (B, 4).
        """
        pictures = torch.from_numpy(self.pictures[chosen]).float()
        return pictures, torch.from_numpy(self.points[chosen]), torch.from_numpy(self.boxes[chosen])
