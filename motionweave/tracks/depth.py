"""Depth tracks: how near everything is over time, one scale for the whole clip.

Estimates lie on disk, frame after frame, and are read as they are needed. What a viewer or a ControlNet sees is
nearness: 1 for the near end of the clip's range, 0 for the far end. The range belongs to the clip and never to a frame,
because a scale that follows each frame pumps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import MediaError, UnsupportedError
from ..types import Size
from .base import Track, check_window, resampled_length
from .pose import PoseMapFile, PoseMapFrames

STORED = np.dtype("<f2")
"""How estimates lie on disk."""


class DepthTrack(Track, Protocol):
    """A track that can be drawn as depth maps, near white."""

    @property
    def canvas(self) -> Size:
        """The size of the footage that it belongs to."""
        ...

    def nearness(self) -> Tensor:
        """Give all frames, (F, h, w) float32 in [0, 1], 1 for near; cut a window first where the track is long."""
        ...

    def drawn(self, size: Size) -> Tensor:
        """Draw all frames as grey pictures, (F, 3, H, W) uint8."""
        ...


@dataclass(frozen=True)
class DepthFile:
    """Estimates on disk."""

    path: Path
    """Inverse depth of every frame of the footage, float16, one frame after another."""
    grid: Size
    """Size of a frame there."""
    canvas: Size
    """The size of the footage that it was read from."""
    natural_fps: Fraction
    """Frame rate of the estimates."""
    natural_count: int
    """How many there are."""
    far: float
    """Inverse depth that is shown as 0."""
    near: float
    """Inverse depth that is shown as 1."""
    metric: bool
    """Whether inverse depth is per metre."""
    fps: Fraction
    """Frame rate at which the track is read; each estimate holds until the next."""
    start: int
    """First frame, counted at `fps`."""
    stop: int
    """One past the last frame."""

    def __len__(self) -> int:
        """Count the frames."""
        return self.stop - self.start

    def resample(self, fps: Fraction) -> DepthFile:
        """Give the same depth at another frame rate; a window keeps its place in time."""
        start = -((-self.start * fps) // self.fps)
        last = resampled_length(self.natural_count, self.natural_fps, fps)
        return replace(self, fps=fps, start=start, stop=min(last, start + resampled_length(len(self), self.fps, fps)))

    def window(self, start: int, stop: int) -> DepthFile:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, start=self.start + start, stop=self.start + stop)

    def inverse_depth(self) -> Tensor:
        """Give all frames as they were estimated, (F, h, w) float32, per metre where `metric`."""
        indices = [int(frame * self.natural_fps / self.fps) for frame in range(self.start, self.stop)]
        count = self.grid.width * self.grid.height
        first, last = indices[0], indices[-1] + 1
        try:
            values = np.fromfile(self.path, STORED, (last - first) * count, offset=first * count * STORED.itemsize)
        except OSError as error:
            raise MediaError(self.path, f"the depth that was kept there cannot be read ({error})") from error
        if len(values) < (last - first) * count:
            raise MediaError(self.path, "the depth that was kept there is cut off; estimate it again")
        frames = values.reshape(last - first, self.grid.height, self.grid.width)
        return torch.from_numpy(frames[[index - first for index in indices]].astype(np.float32))

    def metres(self) -> Tensor:
        """Give all frames in metres, (F, h, w) float32.

        Raises:
            UnsupportedError: If the model does not know metres.
        """
        if not self.metric:
            raise UnsupportedError("depth in metres from a relative model", "Estimate it with a metric one.")
        return 1 / self.inverse_depth().clamp_min(1e-4)

    def nearness(self) -> Tensor:
        """Give all frames, (F, h, w) float32 in [0, 1], 1 for near."""
        return ((self.inverse_depth() - self.far) / (self.near - self.far)).clamp(0, 1)

    def drawn(self, size: Size) -> Tensor:
        """Draw all frames, fitted into `size` whole, centred, on black: (F, 3, H, W) uint8, near white."""
        return _fitted(self.nearness(), self.canvas, size)


@dataclass(frozen=True)
class DepthMaps:
    """Depth maps that somebody else drew."""

    maps: PoseMapFile | PoseMapFrames
    """The pictures, from a file or in memory."""
    inverted: bool = False
    """Whether near is black in them."""

    @property
    def canvas(self) -> Size:
        """Their size."""
        return self.maps.canvas

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return self.maps.fps

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.maps)

    def resample(self, fps: Fraction) -> DepthMaps:
        """Give the same maps at another frame rate, each held until the next."""
        return replace(self, maps=self.maps.resample(fps))

    def window(self, start: int, stop: int) -> DepthMaps:
        """Give frames [start, stop)."""
        return replace(self, maps=self.maps.window(start, stop))

    def nearness(self) -> Tensor:
        """Give all frames, (F, h, w) float32 in [0, 1], 1 for near."""
        grey = self.maps.drawn(self.canvas).float().mean(1) / 255
        return 1 - grey if self.inverted else grey

    def drawn(self, size: Size) -> Tensor:
        """Draw all frames, fitted into `size` whole, centred, on black: (F, 3, H, W) uint8, near white."""
        return _fitted(self.nearness(), self.canvas, size)


def _fitted(nearness: Tensor, canvas: Size, size: Size) -> Tensor:
    """Fit (F, h, w) in [0, 1], which shows `canvas`, into a picture: (F, 3, H, W) uint8."""
    scale = min(size.width / canvas.width, size.height / canvas.height)
    inner = Size(max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale)))
    shown = F.interpolate(nearness[:, None], (inner.height, inner.width), mode="bilinear", antialias=True)
    left, top = (size.width - inner.width) // 2, (size.height - inner.height) // 2
    padded = F.pad(shown, (left, size.width - inner.width - left, top, size.height - inner.height - top))
    return (padded * 255).round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
