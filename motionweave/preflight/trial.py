"""How long things take here, found out by doing a little of them: two steps, one decoding, one join."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from ..controls.base import Control
from ..engine import MotionWeaveEngine
from ..longform.clips import ClipRow
from ..longform.plan import ChunkPlan
from ..longform.stitch import stitch_chunks
from ..residency import MemoryPlan, Need
from ..runtime import Folders, Runtime
from ..types import Progress
from ..upscale.chunks import upscale_chunks
from .planned import PlannedRun

STEPS = 2
"""Steps of the trial: the first one also loads and warms up, the second one counts."""


@dataclass(frozen=True)
class Pace:
    """How long the parts of a run take."""

    step_s: float
    """One denoising step of a whole window."""
    finish_s: float
    """Decoding and keeping a window."""
    enlarge_s: float
    """Making one frame larger; 0 where nothing does."""
    stitch_s: float
    """Joining, encoding and writing one frame."""


@dataclass
class _Clocked:
    """A runtime that notes when denoising steps ended; everything else is the host's."""

    inner: Runtime
    steps_at: list[float] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        return self.inner.device

    @property
    def dtype(self) -> torch.dtype:
        return self.inner.dtype

    @property
    def folders(self) -> Folders:
        return self.inner.folders

    @property
    def previews(self) -> bool:
        return self.inner.previews

    def report(self, progress: Progress) -> None:
        if progress.stage == "denoise":
            self.steps_at.append(time.monotonic())
        self.inner.report(progress)

    def settle(self, needs: Sequence[Need]) -> tuple[Runtime, MemoryPlan]:
        settled, plan = self.inner.settle(needs)
        return _Clocked(settled, self.steps_at), plan

    def resident(self, modules: Sequence[nn.Module], working_bytes: int = 0) -> AbstractContextManager[None]:
        return self.inner.resident(modules, working_bytes)


def measure_pace(run: PlannedRun, controls: tuple[Control, ...], runtime: Runtime) -> Pace:
    """Make one window in few steps, in a folder that is gone afterwards.

    Args:
        run: What is to be made.
        controls: Those to apply, on the plan's frame rate.
        runtime: Where.
    """
    count = max(window.frame_count for window in run.plan.windows())
    count = min(count, run.plan.frame_count)
    plan = ChunkPlan(count, run.plan.fps, count, 0, min(count, run.plan.shortest))
    runtime.folders.temp.mkdir(parents=True, exist_ok=True)
    clocked = _Clocked(runtime)
    with tempfile.TemporaryDirectory(prefix="motionweave-preflight-", dir=runtime.folders.temp) as folder:
        trial = replace(run, plan=plan, options=replace(run.options, steps=STEPS), folder=Path(folder) / "run").request(
            controls
        )
        engine = MotionWeaveEngine(trial, clocked)
        for _ in engine.generate():
            pass
        made_at = time.monotonic()
        row: ClipRow = engine.store
        if run.upscaler is not None and run.upscale > 1:
            row = upscale_chunks(row, run.upscaler, Path(folder) / "large", runtime, run.enlarging)
        enlarged_at = time.monotonic()
        stitch_chunks(row, Path(folder) / "trial.mp4")
        joined_at = time.monotonic()
    first, second = clocked.steps_at[-2:]
    return Pace(second - first, made_at - second, (enlarged_at - made_at) / count, (joined_at - enlarged_at) / count)
