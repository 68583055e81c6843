"""Depth out of footage: streamed through a model onto disk, kept by content, one range for the clip."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from torch import Tensor

from ..errors import InputError
from ..media.footage import Footage
from ..runtime import Runtime
from ..types import Progress, Size
from .depth import STORED, DepthFile
from .depth_models import DepthModel

logger = logging.getLogger(__name__)

LAYOUT = "1"
"""Of the files that keep depth; another one is another key."""
BATCH = 4
SAMPLES_A_FRAME = 512
"""Pixels of each frame, at most, from which the clip's range is taken."""
SAMPLES = 1 << 20
"""Pixels of the whole clip, at most, so that memory stays flat however long it is."""
LEAST_RANGE = 1e-6


@dataclass(frozen=True)
class DepthRange:
    """Which share of the clip's pixels is shown as fully far and fully near."""

    far_percent: float = 2.0
    """Percentile of inverse depth that is shown as black."""
    near_percent: float = 98.0
    """Percentile of inverse depth that is shown as white."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if not 0 <= self.far_percent < self.near_percent <= 100:
            raise InputError(
                f"depth was to be shown from percentile {self.far_percent:g} to {self.near_percent:g}; expected two "
                "numbers in order from 0 to 100, usually 2 and 98"
            )


def estimate_depth(footage: Footage, model: DepthModel, runtime: Runtime, shown: DepthRange | None = None) -> DepthFile:
    """Estimate every frame.

    The estimates are kept below `Folders.cache` under a hash of footage and model, so that the same footage is read
    once; another range reads them again. Memory does not grow with the footage. A frame takes two bytes a cell of the
    model's own resolution: about a megabyte for 1080p through Depth Anything.

    Args:
        footage: A video file or frames.
        model: Estimates.
        runtime: Told of the progress; gives the cache's folder and the device.
        shown: The clip's range.

    Returns:
        The track, on the footage's own frame rate.

    Raises:
        InputError: If the whole clip is equally far.
    """
    shown = shown or DepthRange()
    key = hashlib.sha256(f"{LAYOUT} {footage.digest()} {model.digest}".encode()).hexdigest()[:32]
    path = runtime.folders.cache / f"depth-{key}.f16"
    facts = _known(path, len(footage))
    if facts is None:
        facts = _estimate(footage, model, runtime, path)
    else:
        logger.info("the depth of %d frames was estimated before and is taken from %s", len(footage), path.name)
    far, near = np.interp([shown.far_percent, shown.near_percent], np.linspace(0, 100, 1001), facts["quantiles"])
    if near - far < LEAST_RANGE:
        raise InputError("the depth model finds everything in the clip equally far; there is no depth to show")
    return DepthFile(
        path=path,
        grid=Size(facts["width"], facts["height"]),
        canvas=footage.size,
        natural_fps=footage.fps,
        natural_count=len(footage),
        far=float(far),
        near=float(near),
        metric=model.metric,
        fps=footage.fps,
        start=0,
        stop=len(footage),
    )


def _known(path: Path, count: int) -> dict[str, Any] | None:
    """Give what is known of estimates that are kept whole; None if they are not."""
    try:
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        size = path.stat().st_size
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return facts if size == count * facts["width"] * facts["height"] * STORED.itemsize else None


def _estimate(footage: Footage, model: DepthModel, runtime: Runtime, path: Path) -> dict[str, Any]:
    """Write every frame's estimate beside its place and move it there whole; the facts come last, as the seal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    try:
        facts = _fill(partial, footage, model, runtime)
        partial.replace(path)
    finally:  # what was stopped half way may be gigabytes, and nobody would read them
        partial.unlink(missing_ok=True)
    seal = path.with_suffix(".json.part")
    seal.write_text(json.dumps(facts), encoding="utf-8")
    seal.replace(path.with_suffix(".json"))
    return facts


def _fill(path: Path, footage: Footage, model: DepthModel, runtime: Runtime) -> dict[str, Any]:
    """Write every frame's estimate to `path` and give the facts: the grid, and the clip's quantiles."""
    each = max(1, min(SAMPLES_A_FRAME, SAMPLES // len(footage)))
    rng, samples, grid = np.random.default_rng(0), list[np.ndarray](), (0, 0)
    with path.open("wb") as file, runtime.resident((model.module,)):
        for batch in _inverse_depths(footage, model, runtime):
            grid = (batch.shape[-2], batch.shape[-1])
            samples += [_write(file, frame, each, rng) for frame in batch.numpy()]
    quantiles = np.quantile(np.concatenate(samples), np.linspace(0, 1, 1001))
    return {"width": grid[1], "height": grid[0], "quantiles": [float(value) for value in quantiles]}


def _write(file: BinaryIO, frame: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Append one frame's estimate, and give some of its values."""
    stored = frame.astype(STORED)
    file.write(stored.tobytes())
    return rng.choice(stored.reshape(-1), min(samples, stored.size), replace=False).astype(np.float32)


def _inverse_depths(footage: Footage, model: DepthModel, runtime: Runtime) -> Iterator[Tensor]:
    done = 0
    for frames in footage.batches(BATCH):
        yield model.inverse_depth(frames)
        done += len(frames)
        runtime.report(Progress("depth", 0, 1, min(done, len(footage)), len(footage)))
