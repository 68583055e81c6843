"""The camera that looks at a marionette: pinhole intrinsics and a pose per frame.

World and camera axes: x right, y up, z toward the viewer. Pixels: x right, y down, (0, 0) is the corner of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Size


@dataclass(frozen=True)
class Camera:
    """One pinhole camera per frame."""

    rotation: np.ndarray
    """(F, 3, 3): rows are the camera's axes in world coordinates."""
    position: np.ndarray
    """(F, 3) in metres."""
    focal: np.ndarray
    """(F,) focal length over the picture's height."""

    def project(self, points: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Project world points.

        Args:
            points: (F, J, 3) in metres.
            size: The picture's size.

        Returns:
            Pixels (F, J, 2), depth in metres (F, J), pixels per metre at each point (F, J).
        """
        local = np.einsum("fij,fkj->fki", self.rotation, points - self.position[:, None])
        depth = np.maximum(-local[..., 2], 0.05)
        scale = self.focal[:, None] * size.height / depth
        x = size.width / 2 + local[..., 0] * scale
        y = size.height / 2 - local[..., 1] * scale
        return np.stack([x, y], -1).astype(np.float32), depth.astype(np.float32), scale.astype(np.float32)

    def rays(self, frame: int, size: Size) -> np.ndarray:
        """Give the world direction through each pixel's centre, (H, W, 3), with a depth of one metre."""
        pitch = self.focal[frame] * size.height
        x = (np.arange(size.width, dtype=np.float32) + 0.5 - size.width / 2) / pitch
        y = (size.height / 2 - np.arange(size.height, dtype=np.float32) - 0.5) / pitch
        grid = np.stack(np.broadcast_arrays(x[None], y[:, None], np.float32(-1)), -1)
        return (grid @ self.rotation[frame].astype(np.float32)).astype(np.float32)


def fixed_camera(frame_count: int, *, height: float = 0.95, distance: float = 4.2, focal: float = 2.0) -> Camera:
    """Give a camera that stands still and looks straight at the character.

    Args:
        frame_count: Frames.
        height: Metres above the floor.
        distance: Metres in front of the character.
        focal: Focal length over the picture's height; 2 shows 2.1 m at 4.2 m.
    """
    return Camera(
        rotation=np.tile(np.eye(3), (frame_count, 1, 1)),
        position=np.tile(np.array([0.0, height, distance]), (frame_count, 1)),
        focal=np.full(frame_count, focal),
    )


def move_camera(
    camera: Camera, *, pan: np.ndarray, tilt: np.ndarray, roll: np.ndarray, shift: np.ndarray, zoom: np.ndarray
) -> Camera:
    """Turn, carry and zoom a camera.

    Args:
        camera: Where it starts, F frames.
        pan: (F,) radians to the right.
        tilt: (F,) radians upward.
        roll: (F,) radians clockwise as seen by the viewer.
        shift: (F, 3) metres added to the position, world axes.
        zoom: (F,) factor on the focal length.
    """
    zero, one = np.zeros_like(pan), np.ones_like(pan)

    def stack(rows: list[list[np.ndarray]]) -> np.ndarray:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    about_y = stack([[np.cos(pan), zero, np.sin(pan)], [zero, one, zero], [-np.sin(pan), zero, np.cos(pan)]])
    about_x = stack([[one, zero, zero], [zero, np.cos(tilt), np.sin(tilt)], [zero, -np.sin(tilt), np.cos(tilt)]])
    about_z = stack([[np.cos(roll), -np.sin(roll), zero], [np.sin(roll), np.cos(roll), zero], [zero, zero, one]])
    return Camera(
        rotation=about_z @ about_x @ about_y @ camera.rotation,
        position=camera.position + shift,
        focal=camera.focal * zoom,
    )
