"""A film that was read: its signals, mapped from disk, any part of them at a time."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, MediaError
from ..tracks.depth import DepthFile
from ..tracks.extract import People, load_people
from ..tracks.face_region import face_regions
from ..tracks.pose import KeypointTrack
from ..types import Size
from .extract import SEAL, TOKEN_EVERY
from .measures import Measures


class Film:
    """What `extract_film` left in a folder."""

    def __init__(self, folder: Path) -> None:
        """Open it.

        Args:
            folder: With its seal.

        Raises:
            MediaError: If it is not there, or damaged.
        """
        self.folder = folder
        try:
            self._facts: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
            self.fps = Fraction(self._facts["fps"])
            self.size = Size(*self._facts["size"])
            self.frame_count = int(self._facts["frames"])
            self.scaling = float(self._facts["scaling"])
            self.backbone = str(self._facts["backbone"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MediaError(
                folder, f"holds no film that was read whole ({error}); prepare the dataset again"
            ) from error

    @property
    def has_depth(self) -> bool:
        """Whether depth was estimated."""
        return "depth" in self._facts

    @property
    def cells(self) -> Size:
        """Latent cells of a frame."""
        height, width = self._facts["latents"][-2:]
        return Size(width, height)

    @cached_property
    def measures(self) -> Measures:
        """What its frames tell."""
        return Measures(*(np.array(self._facts[name], np.float64) for name in ("change", "shift", "motion")))

    @cached_property
    def people(self) -> People:
        """Who is there in each frame.

        Raises:
            MediaError: If the file is damaged.
        """
        people = load_people(self.folder / "poses.npz")
        if people is None or len(people) != self.frame_count:
            raise MediaError(self.folder / "poses.npz", "is damaged; remove its folder and prepare the dataset again")
        return people

    def latents(self, frames: list[int]) -> Tensor:
        """Give latents of some frames, (F, 4, h, w) float32 of unit deviation."""
        return self._rows("latents", np.float16, frames, self.frame_count)

    def token(self, frame: int) -> Tensor:
        """Give the image token of a frame that has one, a multiple of `TOKEN_EVERY`, (1, D)."""
        if frame % TOKEN_EVERY:
            raise InputError(f"frame {frame} has no image token; those that are multiples of {TOKEN_EVERY} have")
        return self._rows("tokens", np.float32, [frame // TOKEN_EVERY], -(-self.frame_count // TOKEN_EVERY))

    def poses(self, frames: list[int]) -> Tensor:
        """Draw the poses of some frames, (F, 3, H, W) uint8."""
        return self._track(frames).drawn(self.size)

    def faces(self, frames: list[int]) -> Tensor:
        """Say where the faces of some frames are in the latents, (F, h, w) float32 in [0, 1]."""
        return face_regions(self._track(frames), self.cells)

    def _track(self, frames: list[int]) -> KeypointTrack:
        return KeypointTrack(tuple(self.people[frame] for frame in frames), self.size, self.fps)

    def depth(self, start: int, stop: int, shown: tuple[float, float]) -> Tensor:
        """Draw the depth of frames [start, stop), (F, 3, H, W) uint8; arguments as of `depth_track`."""
        return self.depth_track(start, stop, shown).drawn(self.size)

    def depth_track(self, start: int, stop: int, shown: tuple[float, float]) -> DepthFile:
        """Give the depth of frames [start, stop).

        Args:
            start: First frame.
            stop: One past the last.
            shown: Inverse depth of the clip's far and near end; see `depth_range`.
        """
        height, width = self._facts["depth"]
        return DepthFile(
            path=self.folder / "depth.f16",
            grid=Size(width, height),
            canvas=self.size,
            natural_fps=self.fps,
            natural_count=self.frame_count,
            far=shown[0],
            near=shown[1],
            metric=bool(self._facts["metric"]),
            fps=self.fps,
            start=start,
            stop=stop,
        )

    def depth_range(self, start: int, stop: int) -> tuple[float, float]:
        """Give the inverse depth of the far and near end of frames [start, stop), from some frames evenly spread."""
        height, width = self._facts["depth"]
        frames = np.unique(np.linspace(start, stop - 1, 64).round().astype(int)).tolist()
        values = self._mapped("depth", np.float16, self.frame_count, (height, width))[frames]
        far, near = np.percentile(values.astype(np.float32), [2, 98])
        return float(far), max(float(near), float(far) + 1e-6)

    def _rows(self, name: str, dtype: Any, rows: list[int], count: int) -> Tensor:
        mapped = self._mapped(name, dtype, count, tuple(self._facts[name]))
        return torch.from_numpy(mapped[rows].astype(np.float32))

    def _mapped(self, name: str, dtype: Any, count: int, shape: tuple[int, ...]) -> np.ndarray:
        path = self.folder / f"{name}.{'f32' if dtype is np.float32 else 'f16'}"
        try:
            # Mapped anew each time: an open map a film would keep thousands of files open.
            return np.memmap(path, dtype, "r", shape=(count, *shape))
        except (OSError, ValueError) as error:
            raise MediaError(path, f"is damaged ({error}); remove its folder and prepare the dataset again") from error
