"""A denoising step against diffusers' own pipeline: the same weights, both in one run.

Both sides make the same call from picture to latents, guided, so two passes a step; a step lasts from one report of the
sampler to the next. Times are taken in turns, a run of one side after a run of the other, and their medians are
given, because machines are noisy. Memory is the peak above the loaded weights: of the resident set on a CPU, where each
side has a process of its own, of torch's allocator on a GPU.

Where there is a GPU, the headline is SVD-XT's own size, 25 frames of 1024 x 576, with random weights in 16 bits: speed
does not depend on what weights say. Its ``mfu`` is the share of the rate at which the same GPU multiplies matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from typing import Any

import torch
from torch import Tensor

from ..types import Size
from .denoise_case import Case

ROUNDS = 5
STEPS = 3
SIDES = ("ours", "diffusers")
PASS_FLOP = 80e12
"""Operations of one pass of SVD-XT's UNet over 25 frames of 1024 x 576, roughly; a guided step has two."""


def cases() -> tuple[Case, ...]:
    """Say what this machine can measure; the first case is the headline."""
    if torch.cuda.is_available():
        return (
            Case("", Size(1024, 576), 25, full=True),
            Case("_128", Size(128, 128), 12),
            Case("_256", Size(256, 256), 12),
        )
    return Case("", Size(128, 128), 12), Case("_256", Size(256, 256), 12)


def denoise(
    clips: int = ROUNDS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: Runs of each side whose steps are timed.
        on_clip: Told of each case that is done.
        keep: Not used; there are no made frames to show.

    Returns:
        ``figures`` and the baseline ``diffusers``: ``step_s``, ``peak_mb`` and ``mfu`` (null on a CPU), for cases after
        the first with their size behind the key.
    """
    del keep
    figures: dict[str, dict[str, float | None]] = {side: {} for side in SIDES}
    for index, case in enumerate(cases()):
        times, rate = _alone(_time, case, clips)
        for side in SIDES:
            row = figures[side]
            row[f"step_s{case.suffix}"] = times[side]
            row[f"peak_mb{case.suffix}"] = _alone(_peak_mb, case, side)
            if not case.suffix:
                row["mfu"] = 2 * PASS_FLOP / times[side] / rate if rate else None
        if on_clip is not None:
            on_clip(index)
    return {"figures": figures["ours"], "baselines": {"diffusers": figures["diffusers"]}}


def _alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """Do a piece of work in a process of its own, so that it does not profit from what another one freed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _time(case: Case, rounds: int) -> tuple[dict[str, float], float | None]:
    """Give each side's median seconds a step, and the matmul rate of a GPU."""
    from .denoise_sides import load_sides, matmul_rate

    runs = load_sides(case)
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for turn in range(rounds + 1):
        # Who goes first changes, so that neither always runs on the cooler machine.
        for side in SIDES if turn % 2 else reversed(SIDES):
            steps = runs[side](STEPS)
            if turn:
                seconds[side] += steps
    return {side: median(each) for side, each in seconds.items()}, matmul_rate() if case.full else None


def _peak_mb(case: Case, side: str) -> float:
    """Give the peak above the loaded weights, in MB."""
    from .denoise_sides import load_sides
    from .memory import watch_memory

    # Both are made, so that what either imports is there before memory is watched.
    run = load_sides(case)[side]
    if not case.full:
        with watch_memory() as seen:
            run(STEPS)
        return seen.above_mb
    torch.cuda.reset_peak_memory_stats()
    start = torch.cuda.memory_allocated()
    run(STEPS)
    return (torch.cuda.max_memory_allocated() - start) / 1e6
