"""What `denoise` measures, and the clock it measures by."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import torch

from ..types import Size

GUIDANCE = 2.5


@dataclass(frozen=True)
class Case:
    """What is denoised."""

    suffix: str
    """Behind the keys of its figures."""
    size: Size
    """Picture size."""
    frames: int
    """Frames together."""
    full: bool = False
    """SVD-XT's own layout on a GPU, rather than Mini on the CPU."""


def step_times(clock: list[float]) -> list[float]:
    """Turn the moments at which steps ended into the seconds between them."""
    return [after - before for before, after in pairwise(clock)]


def now(device: torch.device) -> float:
    """Read the clock when the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
