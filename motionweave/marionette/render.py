"""Draw marionettes: tapered capsules with normals, painted far to near, over a wall and a floor.

Every picture comes with its exact depth, normals and silhouette. A capsule is drawn in the picture plane (2.5-D): its
outline is exact for the projected axis, its surface bulges toward the viewer as a round limb would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tracks.spherical_harmonics import shading
from ..types import Size
from .camera import Camera
from .character import Character, Colour, Pattern
from .scene import Scene
from .skeleton import Skeleton

LIPS: Colour = (0.45, 0.08, 0.1)
"""Colour of the open mouth."""


@dataclass(frozen=True)
class Part:
    """One tapered capsule over F frames."""

    ends: np.ndarray
    """(F, 2, 3) metres: the axis."""
    radii: np.ndarray
    """(F, 2) metres."""
    colours: tuple[Colour, Colour]
    """sRGB; the second one is the pattern's."""
    pattern: Pattern = "plain"
    """How the colours alternate."""
    per_m: float = 0.0
    """Repeats of the pattern per metre."""
    nearer: float = 0.0
    """Metres by which it is painted as if nearer, to settle ties between parts that touch."""


@dataclass(frozen=True)
class Drawing:
    """One picture and its truth."""

    rgb: np.ndarray
    """(H, W, 3) float32 sRGB in [0, 1]."""
    depth: np.ndarray
    """(H, W) float32 metres."""
    normal: np.ndarray
    """(H, W, 3) float32 unit normals, camera axes."""
    alpha: np.ndarray
    """(H, W) float32 coverage of the character in [0, 1]."""


def _constant(value: float, frame_count: int) -> np.ndarray:
    return np.full((frame_count, 2), value)


def _head_parts(character: Character, skeleton: Skeleton) -> list[Part]:
    radius, frames = skeleton.head_radius, len(skeleton.mouth)

    def on_head(first: tuple[float, float, float], last: tuple[float, float, float]) -> np.ndarray:
        return skeleton.on_head(np.array([first, last], dtype=np.float64))

    def part(ends: np.ndarray, size: float, colour: Colour, nearer: float = 0.0) -> Part:
        return Part(ends, _constant(size * radius, frames), (colour, colour), nearer=nearer)

    parts = [
        part(on_head((0, -0.3, 0), (0, 0.3, 0)), 1.0, character.skin),
        part(on_head((0, 0.25, -0.3), (0, 0.45, -0.3)), 1.1, character.hair),
        part(on_head((-0.55, 0.95, 0.2), (0.55, 0.95, 0.2)), 0.42, character.hair, nearer=0.05),
    ]
    if character.long_hair:
        parts += [part(on_head((x, 0.3, -0.35), (x * 1.1, -1.7, -0.4)), 0.42, character.hair) for x in (-0.8, 0.8)]
    for x in (-0.38, 0.38):
        parts.append(part(on_head((x - 0.06, 0.25, 0.9), (x + 0.06, 0.25, 0.9)), 0.15, (0.97, 0.97, 0.97), 0.02))
        parts.append(part(on_head((x, 0.25, 0.98), (x, 0.25, 0.98)), 0.12, (0.08, 0.06, 0.05), 0.03))
    gape = 0.07 + 0.22 * skeleton.mouth
    across = np.zeros((frames, 2, 3))
    across[:, 0, 0], across[:, 1, 0] = -0.22 + 0.1 * skeleton.mouth, 0.22 - 0.1 * skeleton.mouth
    across[..., 1], across[..., 2] = -0.55, 0.88
    lips = np.repeat(gape[:, None] * radius, 2, 1)
    parts.append(Part(skeleton.on_head(across), lips, (LIPS, LIPS), nearer=0.04))
    return parts


def body_parts(character: Character, skeleton: Skeleton) -> list[Part]:
    """Dress a skeleton.

    Args:
        character: Girth, clothes and colours.
        skeleton: Joints, F frames.

    Returns:
        Its capsules, in no particular order.
    """
    j, girth, frames = skeleton.joints, character.girth, len(skeleton.mouth)
    shirt = (character.shirt, character.shirt_second)

    def limb(first: str, last: str, thick: tuple[float, float], colour: Colour) -> Part:
        ends = np.stack([j[first], j[last]], 1)
        return Part(ends, np.tile(np.array(thick) * girth, (frames, 1)), (colour, colour))

    def clothed(first: np.ndarray, last: np.ndarray, thick: tuple[float, float], nearer: float = 0.0) -> Part:
        radii = np.tile(np.array(thick) * girth, (frames, 1))
        return Part(np.stack([first, last], 1), radii, shirt, character.pattern, character.pattern_per_m, nearer)

    chest = 0.8 * j["neck"] + 0.2 * j["pelvis"]
    waist = 0.15 * j["neck"] + 0.85 * j["pelvis"]
    parts = [
        limb("neck", "head", (0.05, 0.05), character.skin),
        clothed(chest, waist, (0.125, 0.11)),
        clothed(j["shoulder_right"], j["shoulder_left"], (0.06, 0.06)),
        limb("hip_right", "hip_left", (0.095, 0.095), character.trousers),
        *_head_parts(character, skeleton),
    ]
    sleeve = shirt[0] if character.long_sleeves else character.skin
    leg = character.trousers if character.long_trousers else character.skin
    for side in ("right", "left"):
        parts += [
            clothed(j[f"shoulder_{side}"], j[f"elbow_{side}"], (0.058, 0.046), nearer=0.06),
            limb(f"elbow_{side}", f"wrist_{side}", (0.044, 0.034), sleeve),
            limb(f"hip_{side}", f"knee_{side}", (0.085, 0.06), character.trousers),
            limb(f"knee_{side}", f"ankle_{side}", (0.055, 0.04), leg),
            limb(f"ankle_{side}", f"toe_{side}", (0.045, 0.04), character.shoes),
        ]
        along = j[f"wrist_{side}"] - j[f"elbow_{side}"]
        palm = j[f"wrist_{side}"] + 0.28 * along
        hand = np.stack([j[f"wrist_{side}"] + 0.1 * along, palm], 1)
        parts.append(Part(hand, _constant(0.045, frames), (character.skin, character.skin), nearer=0.08))
    return parts


def _background(scene: Scene, camera: Camera, frame: int, size: Size, light: np.ndarray) -> Drawing:
    """Cast one ray per pixel onto the nearer of floor and wall."""
    rays, eye = camera.rays(frame, size), camera.position[frame]
    # A ray has a depth of one metre, so the factor that reaches a surface is that surface's depth.
    with np.errstate(divide="ignore"):
        to_wall = np.where(rays[..., 2] < -1e-4, (scene.wall_z - eye[2]) / rays[..., 2], np.inf)
        to_floor = np.where(rays[..., 1] < -1e-4, -eye[1] / rays[..., 1], np.inf)
    on_floor = to_floor < to_wall
    depth = np.minimum(np.minimum(to_wall, to_floor), 50.0)
    albedo = scene.albedo(eye + rays * depth[..., None], on_floor)
    normals = camera.rotation[frame] @ np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # columns: floor, wall
    normal = np.where(on_floor[..., None], normals[:, 0], normals[:, 1]).astype(np.float32)
    lit = shading(normals.T, light)
    rgb = albedo * np.where(on_floor[..., None], lit[0], lit[1])
    return Drawing(rgb.astype(np.float32), depth.astype(np.float32), normal, np.zeros(depth.shape, np.float32))


def _pattern(part: Part, along_m: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Give the share of the second colour, from metres along the axis and the offset across it in [-1, 1]."""
    turn = 2 * np.pi * part.per_m
    rings = np.sin(turn * along_m)
    stripes = np.sin(5.0 * np.arcsin(np.clip(across, -1, 1)))
    wave = {"rings": rings, "stripes": stripes, "dots": 1.6 * np.minimum(rings, stripes)}[part.pattern]
    return np.clip(2 * wave + 0.5, 0, 1)


def _paint(drawing: Drawing, part: Part, frame: int, projected: tuple[np.ndarray, ...], light: np.ndarray) -> None:
    """Paint one capsule over `drawing`, which belongs to the caller's frame and is still being made."""
    ends, depths, scales = projected
    radii = part.radii[frame] * scales
    height, width = drawing.depth.shape
    reach = radii.max() + 1
    x0, y0 = np.maximum(np.floor(ends.min(0) - reach).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(ends.max(0) + reach).astype(int), (width, height))
    if x0 >= x1 or y0 >= y1:
        return
    x = np.arange(x0, x1, dtype=np.float32)[None] + 0.5 - ends[0, 0]
    y = np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5 - ends[0, 1]
    axis = ends[1] - ends[0]
    length = float(np.hypot(*axis))
    t = np.clip((x * axis[0] + y * axis[1]) / max(length * length, 1e-6), 0, 1)
    off_x, off_y = x - t * axis[0], y - t * axis[1]
    radius = radii[0] + (radii[1] - radii[0]) * t
    distance = np.sqrt(off_x * off_x + off_y * off_y)
    cover = np.clip(radius - distance + 0.5, 0, 1)
    bulge = np.sqrt(np.maximum(radius * radius - distance * distance, 0))
    norm = np.maximum(np.maximum(radius, distance), 1e-6)
    normal = np.stack([off_x / norm, -off_y / norm, np.maximum(bulge / norm, 0.02)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    colour = np.asarray(part.colours[0], np.float32) ** 2.2
    albedo = np.broadcast_to(colour, (*t.shape, 3))
    if part.pattern != "plain":
        across = (off_x * -axis[1] + off_y * axis[0]) / max(length, 1e-6) / np.maximum(radius, 1e-6)
        metres = float(np.linalg.norm(part.ends[frame, 1] - part.ends[frame, 0]))
        share = _pattern(part, t * metres, across)[..., None]
        albedo = albedo + (np.asarray(part.colours[1], np.float32) ** 2.2 - albedo) * share
    area = (slice(y0, y1), slice(x0, x1))
    drawing.rgb[area] += cover[..., None] * (albedo * shading(normal, light) - drawing.rgb[area])
    drawing.alpha[area] += cover * (1 - drawing.alpha[area])
    solid = cover > 0.5
    surface = depths[0] + (depths[1] - depths[0]) * t - bulge / scales.mean()
    drawing.depth[area][solid] = surface[solid]
    drawing.normal[area][solid] = normal[solid]


def draw_frame(parts: list[Part], scene: Scene, camera: Camera, light: np.ndarray, frame: int, size: Size) -> Drawing:
    """Draw one frame.

    Args:
        parts: Capsules over F frames.
        scene: Background.
        camera: F cameras.
        light: (9, 3) spherical harmonics, camera axes.
        frame: Which of the F frames.
        size: The picture's size.

    Returns:
        The picture and its truth.
    """
    drawing = _background(scene, camera, frame, size, light)
    if parts:
        ends = np.stack([part.ends[frame] for part in parts])
        one = Camera(camera.rotation[frame][None], camera.position[frame][None], camera.focal[frame][None])
        pixels, depths, scales = one.project(ends.reshape(1, -1, 3), size)
        pixels, depths, scales = (value.reshape(len(parts), 2, -1) for value in (pixels, depths, scales))
        nearness = depths.mean((1, 2)) - [part.nearer for part in parts]
        for index in np.argsort(-nearness, kind="stable"):
            _paint(drawing, parts[index], frame, (pixels[index], depths[index, :, 0], scales[index, :, 0]), light)
    encoded = np.clip(drawing.rgb, 0, 1) ** (1 / 2.2)
    return Drawing(encoded.astype(np.float32), drawing.depth, drawing.normal, drawing.alpha)
