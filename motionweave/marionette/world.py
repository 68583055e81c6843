"""Clips of marionettes with every signal that MotionWeave controls, exact by construction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from ..types import Size
from .camera import Camera, fixed_camera
from .character import Character, make_character
from .light import make_light
from .motion import Motion, make_motion
from .render import body_parts, draw_frame
from .scene import Scene, make_scene
from .skeleton import pose_skeleton, wholebody_keypoints


@dataclass(frozen=True)
class World:
    """Everything about a clip but the moments at which it is looked at."""

    character: Character
    """Who."""
    scene: Scene
    """Where."""
    light: np.ndarray
    """(9, 3) spherical harmonics, camera axes."""
    motion_seed: int
    """How it moves."""
    energy: float = 1.0
    """Multiplies every swing of the motion."""
    framing: tuple[float, float] = (4.2, 0.95)
    """The camera's distance and height in metres."""


@dataclass(frozen=True)
class Clip:
    """Frames and their truth. `Size` is the picture's; F frames."""

    frames: Tensor
    """(F, 3, H, W) float32 in [0, 1]."""
    depth: Tensor
    """(F, H, W) float32 metres."""
    normal: Tensor
    """(F, 3, H, W) float32 unit normals, camera axes (x right, y up, z toward the viewer)."""
    alpha: Tensor
    """(F, H, W) float32: the character's coverage."""
    keypoints: Tensor
    """(F, 133, 3) float32: x and y in pixels, and 1 where the point lies inside the picture, else 0."""
    mouth: Tensor
    """(F,) float32 opening in [0, 1]."""
    fps: Fraction
    """Frame rate."""


def make_world(seed: int, motion_seed: int | None = None) -> World:
    """Draw a world.

    Args:
        seed: Character, scene and light.
        motion_seed: The motion, if it is to differ; else it follows from `seed`.
    """
    rng = np.random.default_rng([seed, 6])
    scene = make_scene(seed)
    return World(
        character=make_character(seed, apart_from=(*scene.wall, *scene.floor)),
        scene=scene,
        light=make_light(seed),
        motion_seed=seed if motion_seed is None else motion_seed,
        framing=(float(rng.uniform(3.7, 4.8)), float(rng.uniform(0.85, 1.0))),
    )


def portrait(world: World) -> World:
    """Give the same world seen from nearer, head and shoulders to the waist: what speech is looked at in."""
    rng = np.random.default_rng([world.motion_seed, 7])
    return replace(world, framing=(float(rng.uniform(1.5, 2.5)), float(rng.uniform(1.32, 1.46))))


def motion_at(world: World, time_s: np.ndarray) -> Motion:
    """Read the world's motion at some times, (F,) seconds."""
    return make_motion(world.motion_seed, time_s, world.energy)


def camera_of(world: World, frame_count: int) -> Camera:
    """Give the world's camera, standing still."""
    distance, height = world.framing
    return fixed_camera(frame_count, height=height, distance=distance)


def render_clip(
    world: World,
    time_s: np.ndarray,
    fps: Fraction,
    size: Size,
    camera: Camera | None = None,
    motion: Motion | None = None,
) -> Clip:
    """Render a world at some times.

    Args:
        world: Who, where, how.
        time_s: (F,) seconds at which to look.
        fps: Frame rate to write on the clip.
        size: The picture's size.
        camera: F cameras, if they are to move; else the world's own, standing still.
        motion: F poses, if they are not to be the world's own.

    Returns:
        The clip with its truth.
    """
    cameras = camera_of(world, len(time_s)) if camera is None else camera
    motion = motion_at(world, time_s) if motion is None else motion
    skeleton = pose_skeleton(world.character, motion)
    parts = body_parts(world.character, skeleton)
    drawings = [draw_frame(parts, world.scene, cameras, world.light, frame, size) for frame in range(len(time_s))]
    pixels, _, _ = cameras.project(wholebody_keypoints(skeleton), size)
    inside = (pixels >= 0).all(-1) & (pixels[..., 0] < size.width) & (pixels[..., 1] < size.height)
    return Clip(
        frames=torch.from_numpy(np.stack([d.rgb for d in drawings])).permute(0, 3, 1, 2).contiguous(),  # F 3 H W
        depth=torch.from_numpy(np.stack([d.depth for d in drawings])),
        normal=torch.from_numpy(np.stack([d.normal for d in drawings])).permute(0, 3, 1, 2).contiguous(),  # F 3 H W
        alpha=torch.from_numpy(np.stack([d.alpha for d in drawings])),
        keypoints=torch.from_numpy(np.concatenate([pixels, inside[..., None]], -1).astype(np.float32)),
        mouth=torch.from_numpy(motion.mouth.astype(np.float32)),
        fps=fps,
    )


def empty_scene(world: World, size: Size) -> Tensor:
    """Render the world without its character, (3, H, W) in [0, 1]."""
    drawing = draw_frame([], world.scene, camera_of(world, 1), world.light, 0, size)
    return torch.from_numpy(drawing.rgb).permute(2, 0, 1).contiguous()  # 3 H W


def clip_times(frame_count: int, fps: Fraction, start_s: float = 0.0) -> np.ndarray:
    """Give the seconds at which a clip's frames are seen, (F,)."""
    return start_s + np.arange(frame_count) * float(1 / fps)
