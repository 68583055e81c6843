"""What a camera path means for pixels: Pluecker rays, the path back from them, and the motion of the picture.

Rays follow CameraCtrl (He et al., 2024, section 3.2, and ``cameractrl/data/dataset.py``): OpenCV axes (x right, y down,
z forward), relative to the first frame, moment o x d first, then the unit direction d, through pixel centres.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, ShapeError
from ..types import Size, check_shape
from .camera import CameraPoses, CameraTrack

OPENCV = np.diag([1.0, -1.0, -1.0])
"""Turns this library's axes into OpenCV's, and back."""
RECOVERED_FROM = 2000
"""Rays of each frame from which a camera is recovered."""


def relative_to(origin: CameraPoses, cameras: CameraPoses) -> CameraPoses:
    """Give cameras in the axes of another's first frame, which stands at the origin and looks along -z."""
    axes, place = origin.rotation[0], origin.position[0]
    return CameraPoses(cameras.rotation @ axes.T, (cameras.position - place) @ axes.T, cameras.focal)


def relative_to_first(cameras: CameraPoses) -> CameraPoses:
    """Give cameras in the axes of the first of them."""
    return relative_to(cameras, cameras)


def camera_to_world(cameras: CameraPoses) -> np.ndarray:
    """Give OpenCV's camera-to-world matrices, (F, 4, 4)."""
    matrices = np.tile(np.eye(4), (len(cameras), 1, 1))
    matrices[:, :3, :3] = OPENCV @ np.swapaxes(cameras.rotation, 1, 2) @ OPENCV
    matrices[:, :3, 3] = cameras.position @ OPENCV
    return matrices


def _directions(size: Size, focal: float) -> np.ndarray:
    """Give unit directions through pixel centres in OpenCV's camera axes, (H, W, 3)."""
    x = (np.arange(size.width) + 0.5 - size.width / 2) / (focal * size.height)
    y = (np.arange(size.height) + 0.5 - size.height / 2) / (focal * size.height)
    grid = np.stack(np.broadcast_arrays(x[None], y[:, None], np.float64(1)), -1)
    return grid / np.linalg.norm(grid, axis=-1, keepdims=True)


def plucker_rays(track: CameraTrack, size: Size, origin: CameraTrack | None = None) -> Tensor:
    """Give every pixel's ray.

    Args:
        track: F frames; cut a window where the track is long.
        size: The picture's size.
        origin: The track whose first frame is the origin, such as the whole one of which `track` is a window; None for
            `track` itself, as CameraCtrl was trained.

    Returns:
        (F, 6, H, W) float32: moment, then unit direction.
    """
    cameras = track.poses()
    return rays_through(relative_to(cameras if origin is None else origin.window(0, 1).poses(), cameras), size)


def rays_through(cameras: CameraPoses, size: Size) -> Tensor:
    """Give every pixel's ray through cameras that are relative to the origin, (F, 6, H, W) as `plucker_rays`."""
    rays: list[np.ndarray] = []
    for matrix, focal in zip(camera_to_world(cameras), cameras.focal, strict=True):
        direction = _directions(size, float(focal)) @ matrix[:3, :3].T
        rays.append(np.concatenate([np.cross(matrix[:3, 3], direction), direction], -1))
    return torch.from_numpy(np.stack(rays)).permute(0, 3, 1, 2).float().contiguous()  # F 6 H W


def view_grid(rays: Tensor, origin: Tensor) -> Tensor:
    """Say where in the origin's view lies what each ray sees, on the wall through the subject that faces that view.

    Args:
        rays: (F, 6, H, W) as `plucker_rays` gives them, in the axes of the origin.
        origin: (1, 6, H, W): the origin's own.

    Returns:
        (F, H, W, 2) float32 as torch's `grid_sample` takes it: x and y, -1 to 1 from edge to edge of the origin's view;
        far outside for rays that never meet the wall.
    """
    moment, direction = rays[:, :3], rays[:, 3:]
    # The point of a ray that is nearest to the origin of the axes is d x m.
    near = torch.cross(direction, moment, dim=1)
    ahead = direction[:, 2:].clamp_min(1e-3)
    place = near + (1 - near[:, 2:]) / ahead * direction  # F 3 H W, with z = 1: one unit in front
    seen = origin[:, 3:5] / origin[:, 5:]
    axes: list[Tensor] = []
    for axis, across in ((0, seen[0, 0, 0]), (1, seen[0, 1, :, 0])):
        half = (across[-1] - across[0]) * len(across) / (len(across) - 1) / 2
        axes.append((place[:, axis] - (across[0] + across[-1]) / 2) / half)
    return torch.stack(axes, -1)


def recover_cameras(rays: Tensor) -> CameraPoses:
    """Find the cameras that a picture's rays belong to.

    The origin solves o x d = m for all rays at once. Directions are the camera matrix times a pixel's place up to
    length, which is linear in the matrix; its columns give the turn and the focal length.

    Args:
        rays: (F, 6, H, W) as `plucker_rays` gives them, at least 2x2 pixels.

    Returns:
        The cameras in this library's axes, relative to the first frame.
    """
    check_shape("rays", rays, "F 6 H W")
    frames, _, height, width = rays.shape
    if height < 2 or width < 2:
        raise InputError(f"rays of {width}x{height} pixels were given; a camera needs at least 2x2")
    rows, columns = np.divmod(np.unique(np.linspace(0, height * width - 1, RECOVERED_FROM).astype(int)), width)
    places = np.stack(
        [(columns + 0.5 - width / 2) / height, (rows + 0.5 - height / 2) / height, np.ones(len(rows))], -1
    )
    turns, origins, focals = [], [], []
    for frame in rays.double().numpy()[:, :, rows, columns]:
        moment, direction = frame[:3].T, frame[3:].T
        turn, focal = _camera_matrix(places, direction)
        turns.append(OPENCV @ turn.T @ OPENCV)
        origins.append(np.linalg.lstsq(-_crosses(direction).reshape(-1, 3), moment.reshape(-1), rcond=None)[0] @ OPENCV)
        focals.append(focal)
    assert len(turns) == frames
    return CameraPoses(np.stack(turns), np.stack(origins), np.array(focals))


def _crosses(vectors: np.ndarray) -> np.ndarray:
    """Give the matrices by which a cross product with each vector is a product, (N, 3, 3)."""
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], 1)


def _camera_matrix(places: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, float]:
    """Solve direction x (A place) = 0 for A = R diag(1/f, 1/f, 1) up to size; give R (camera to world) and f."""
    system = np.einsum("nij,nk->nijk", _crosses(direction), places).reshape(-1, 9)
    _, vectors = np.linalg.eigh(system.T @ system)  # in rising order: the first is what the system sends to nothing
    matrix = vectors[:, 0].reshape(3, 3)
    matrix = matrix if np.einsum("ni,ij,nj->", direction, matrix, places) > 0 else -matrix
    lengths = np.linalg.norm(matrix, axis=0)
    left, _, right = np.linalg.svd(matrix / lengths)
    return left @ right, float(lengths[2] / lengths[:2].mean())


def image_motion(track: CameraTrack, size: Size, depth: Tensor | None = None) -> Tensor:
    """Give how the picture moves from each frame to the next.

    Args:
        track: F frames, at least two.
        size: The picture's size.
        depth: How far away each pixel is, in units of the subject's distance, (F, H, W), or (1, H, W) for all frames;
            None for a wall through the subject that faces the path's front.

    Returns:
        (F - 1, 2, H, W) float32: pixels to the right and down by which what is seen at each pixel moves. It is not a
        number where no wall is seen, or where the next camera has passed what is.

    Raises:
        InputError: If there are fewer than two frames.
        ShapeError: If the depth does not fit.
    """
    cameras = track.poses()
    if len(cameras) < 2:
        raise InputError("a camera track of one frame has no motion; give at least two frames")
    if depth is not None and tuple(depth.shape) not in [(n, size.height, size.width) for n in (1, len(cameras))]:
        raise ShapeError("depth", tuple(depth.shape), f"1 or {len(cameras)}, {size.height}, {size.width}")
    flows: list[np.ndarray] = []
    here = np.stack(np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5), -1)
    for index in range(len(cameras) - 1):
        known = None if depth is None else depth[index % len(depth)].double().numpy()
        points = surface_points(cameras, index, size, known)
        flows.append(project(points, cameras, index + 1, size) - here)
    return torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2).float().contiguous()  # F-1 2 H W


def pixel_rays(cameras: CameraPoses, frame: int, size: Size) -> np.ndarray:
    """Give world directions through pixel centres with a depth of one, (H, W, 3), in this library's axes."""
    pitch = cameras.focal[frame] * size.height
    x = (np.arange(size.width) + 0.5 - size.width / 2) / pitch
    y = (size.height / 2 - np.arange(size.height) - 0.5) / pitch
    grid = np.stack(np.broadcast_arrays(x[None], y[:, None], np.float64(-1)), -1)
    return grid @ cameras.rotation[frame]


def surface_points(cameras: CameraPoses, frame: int, size: Size, depth: np.ndarray | None) -> np.ndarray:
    """Give the world point seen at each pixel, (H, W, 3): at a depth (H, W), or on the plane z = 0.

    Where the plane is not seen, the point is not a number.
    """
    rays, eye = pixel_rays(cameras, frame, size), cameras.position[frame]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = -eye[2] / rays[..., 2] if depth is None else depth
    return eye + rays * np.where((distance > 0) & np.isfinite(distance), distance, np.nan)[..., None]


def project(points: np.ndarray, cameras: CameraPoses, frame: int, size: Size) -> np.ndarray:
    """Give the pixels (..., 2) at which a camera sees world points (..., 3); not a number for those behind it."""
    local = (points - cameras.position[frame]) @ cameras.rotation[frame].T
    depth = np.where(local[..., 2] < 0, -local[..., 2], np.nan)
    scale = cameras.focal[frame] * size.height / depth
    return np.stack([size.width / 2 + local[..., 0] * scale, size.height / 2 - local[..., 1] * scale], -1)
