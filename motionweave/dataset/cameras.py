"""The camera of each frame of a film, from a file that came with it; nothing here estimates cameras."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..media.files import whole_file
from ..tracks.camera import CameraPoses
from ..tracks.camera_files import read_realestate
from ..tracks.camera_rays import rays_through, relative_to
from ..types import Size
from ..weights.tensor_files import read_tensors
from .film import Film
from .layouts import PREPARED
from .lights import read_text

NEAREST = 0.05
"""Least distance from the subject, in units of that of the first frame; a file of another unit may pass through it."""


def keep_camera(folder: Path, file: str, film: Film) -> str:
    """Read a film's camera file, at the film's frame rate; give the name of what was kept.

    Args:
        folder: The dataset.
        file: The camera file, relative to it.
        film: Whose camera it is.

    Raises:
        InputError: If the file holds no cameras, ends more than a frame before the film, or goes through the subject.
    """
    from safetensors.torch import save_file

    text = read_text(folder / file)
    name = hashlib.sha256(f"1 {text} {film.fps} {film.frame_count}".encode()).hexdigest()[:24] + ".safetensors"
    path = folder / PREPARED / "cameras" / name
    if path.is_file():
        return name
    cameras = read_realestate(text, film.fps).poses()
    if len(cameras) < film.frame_count - 1:
        raise InputError(
            f"{file} has cameras for {len(cameras)} frames, but the film has {film.frame_count}; give one that lasts"
        )
    if np.linalg.norm(cameras.position, axis=-1).min() < NEAREST:
        raise InputError(f"the camera of {file} goes through the subject; its unit is to be the subject's distance")
    path.parent.mkdir(exist_ok=True)
    held = {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in vars(cameras).items()}
    with whole_file(path) as partial:
        save_file(held, partial)
    return name


def camera_rays(folder: Path, name: str, frames: Sequence[int], reference: int, cells: Size) -> tuple[Tensor, Tensor]:
    """Give the rays of some frames as Apply Camera has them, with the reference's view in the place of the first.

    Args:
        folder: The dataset.
        name: What `keep_camera` gave.
        frames: F frames of the film.
        reference: The frame that shows the character.
        cells: Latent cells of a frame.

    Returns:
        Rays (F, 6, h, w), and the reference's own (6, h, w).
    """
    held = {key: value.numpy() for key, value in read_tensors(folder / PREPARED / "cameras" / name).items()}
    every = CameraPoses(held["rotation"], held["position"], held["focal"])
    first = _some(every, [reference])
    # Lengths are in units of the subject's distance, which is that of the reference's camera here.
    unit = float(np.linalg.norm(first.position[0]))
    cameras = relative_to(first, _some(every, frames))
    scaled = CameraPoses(cameras.rotation, cameras.position / unit, cameras.focal)
    return rays_through(scaled, cells), rays_through(relative_to(first, first), cells)[0]


def _some(cameras: CameraPoses, frames: Sequence[int]) -> CameraPoses:
    index = np.minimum(np.asarray(frames), len(cameras) - 1)
    return CameraPoses(cameras.rotation[index], cameras.position[index], cameras.focal[index])
