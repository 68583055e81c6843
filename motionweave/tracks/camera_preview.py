"""A camera path to look at: from above, from the side, and what it does to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .camera import CameraPoses, CameraTrack
from .camera_warp import warp_by_camera
from .preview import GRID, INK, PAPER, contact_sheet, spread

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PANEL = 384
SHOWN = 9
FRUSTUM = 0.16
"""Length of a drawn frustum in units of the subject's distance."""
EARLY, LATE = np.array([86, 180, 233]), np.array([230, 159, 0])


def camera_sheet(track: CameraTrack) -> Tensor:
    """Draw a camera path.

    Args:
        track: The track.

    Returns:
        (1, 3, H, W) in [0, 1]: views from above and from the side, early cameras blue, late ones orange, the subject a
        white disc; below, four moments of a chequered wall with a disc standing in front of it.
    """
    from PIL import Image, ImageDraw

    chosen = spread(len(track), SHOWN)
    poses = track.poses()
    shown = CameraPoses(poses.rotation[chosen], poses.position[chosen], poses.focal[chosen])
    panels: list[np.ndarray] = []
    for title, axes in (("from above", (0, 2)), ("from the right", (2, 1))):
        image = Image.new("RGB", (PANEL, PANEL), PAPER)
        _draw_panel(ImageDraw.Draw(image), title, axes, shown)
        panels.append(np.array(image))
    views = torch.from_numpy(np.concatenate(panels, 1)).permute(2, 0, 1)[None].float() / 255  # 1 3 H W
    strip = contact_sheet(_wall_seen(track), 4, 2 * PANEL)
    return torch.cat([views, strip], -2)


def camera_rows(track: CameraTrack, most: int = 241) -> dict[str, Any]:
    """Tell where the camera is, in values that JSON knows.

    Args:
        track: The track.
        most: Cameras to tell of, evenly over the track, the first and the last among them.

    Returns:
        `frames` and `fps` of the track, and `cameras`: the `frame`, `rotation` (three rows), `position` and `focal` of
        each, to five digits.
    """
    poses = track.poses()
    columns = zip(*(each.round(5).tolist() for each in (poses.rotation, poses.position, poses.focal)), strict=True)
    cameras = [{"rotation": turn, "position": place, "focal": focal} for turn, place, focal in columns]
    chosen = [{"frame": frame, **cameras[frame]} for frame in spread(len(track), most)]
    return {"frames": len(track), "fps": float(track.fps), "cameras": chosen}


def _draw_panel(draw: ImageDraw, title: str, axes: tuple[int, int], cameras: CameraPoses) -> None:
    corners = [_frustum(cameras, index) for index in range(len(cameras))]
    points = np.concatenate([*corners, np.zeros((1, 3))])[:, list(axes)]
    middle = (points.max(0) + points.min(0)) / 2
    scale = 0.8 * PANEL / max(float(np.ptp(points, 0).max()), 0.5)
    # From above the viewer's side is down; from the side up is up.
    flip = np.array([1, 1]) if axes == (0, 2) else np.array([-1, -1])

    def place(values: np.ndarray) -> list[tuple[float, float]]:
        at = (values[:, list(axes)] - middle) * scale * flip + PANEL / 2
        return [(float(x), float(y)) for x, y in at]

    for step in range(0, PANEL, PANEL // 8):
        draw.line((step, 0, step, PANEL), fill=GRID)
        draw.line((0, step, PANEL, step), fill=GRID)
    draw.line(place(cameras.position) * (2 if len(cameras) == 1 else 1), fill=INK, width=1)
    for index, each in enumerate(corners):
        share = index / max(1, len(corners) - 1)
        colour = tuple(int(value) for value in EARLY + (LATE - EARLY) * share)
        eye, *far = place(each)
        draw.polygon(far, outline=colour)
        for corner in far:
            draw.line((*eye, *corner), fill=colour)
        draw.ellipse((eye[0] - 3, eye[1] - 3, eye[0] + 3, eye[1] + 3), fill=colour)
    ((x, y),) = place(np.zeros((1, 3)))
    draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(255, 255, 255))
    draw.text((8, 6), title, fill=INK)


def _frustum(cameras: CameraPoses, index: int) -> np.ndarray:
    """Give the eye and the four far corners, (5, 3)."""
    half = 0.5 / cameras.focal[index]
    corners = np.array([[-half, half, -1], [half, half, -1], [half, -half, -1], [-half, -half, -1]]) * FRUSTUM
    return np.concatenate([np.zeros((1, 3)), corners]) @ cameras.rotation[index] + cameras.position[index]


def _wall_seen(track: CameraTrack) -> Tensor:
    """Render a chequered wall behind a disc in four moments of a path."""
    side = 160
    y, x = np.mgrid[0:side, 0:side]
    board = 0.25 + 0.15 * ((x // 16 + y // 16) % 2)
    disc = np.hypot(x - side / 2 + 0.5, y - side / 2 + 0.5) < side / 5
    picture = torch.from_numpy(np.stack([np.where(disc, c, board) for c in (0.9, 0.62, 0.2)]))[None].float()
    nearness = torch.from_numpy(np.where(disc, 0.5, 0.0)).float()
    return warp_by_camera(picture, track, nearness, shown=spread(len(track), 4)).frames
