"""Re-rolled chunks: do their joins show more than those of the chunks that were there before?

A run of 20 chunks of a held-out marionette at 30 fps, of which every fourth chunk is made again, chunk 7 among them, so
that no two neighbours are: each new take has to fit between the same two ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from ..longform.store import ChunkStore
from ..reroll import reroll_chunk
from ..runtime import LocalRuntime
from .longform import DEFAULT, METHODS, Bench, load_bench
from .selfie import NOWHERE

CLIPS, CHUNKS, SEED = 3, 20, 99
REROLLED = (2, 6, 10, 14, 18)


def reroll(
    clips: int = CLIPS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: Held-out clips.
        on_clip: Told of each that is done.
        keep: Given the frames of the first chunk that was re-rolled, of both takes, the new one first.

    Returns:
        ``figures``: the mean seam ratio of the joins at both ends of what was re-rolled, the worst, and the mean
        difference of the frames in between from those of before, in 8-bit levels, without which a low ratio would say
        nothing; ``baselines``: the same joins of the first takes.
    """
    rows = list[tuple[list[float], list[float], float]]()
    for index in range(clips):
        with tempfile.TemporaryDirectory() as folder:
            bench = load_bench(1, Path(folder))
            frames = CHUNKS * bench.backbone.facts.chunk_frames
            rows.append(_measured(Bench(bench.backbone, bench.controlnet, frames, bench.scratch), index, keep))
        if on_clip is not None:
            on_clip(index)
    old = [ratio for before, _, _ in rows for ratio in before]
    new = [ratio for _, after, _ in rows for ratio in after]
    figures = _figures(new) | {"difference_levels": fmean(change for _, _, change in rows)}
    return {"figures": figures, "baselines": {"first_takes": _figures(old)}}


def _figures(ratios: Sequence[float]) -> dict[str, float]:
    return {"seam_ratio": fmean(ratios), "worst_seam_ratio": max(ratios)}


def _measured(
    bench: Bench, index: int, keep: Callable[[int, Tensor, Tensor], None] | None
) -> tuple[list[float], list[float], float]:
    """Give the joins' ratios before and after, and how much the pictures changed."""
    method = METHODS[DEFAULT]
    store = bench.made(method, index)
    old, before = _joins(bench, store, index), _pictures(store)
    request = bench.request(method, index)
    with torch.inference_mode():
        for chunk in REROLLED:
            reroll_chunk(request, LocalRuntime(NOWHERE), chunk, SEED)
    after = _pictures(store)
    if keep is not None:
        keep(index, after[0] / 255, before[0] / 255)
    change = fmean(float((new - was).abs().mean()) for new, was in zip(after, before, strict=True))
    return old, _joins(bench, store, index), change


def _joins(bench: Bench, store: ChunkStore, index: int) -> list[float]:
    """Give the ratio of every join at which a chunk ends or begins that is to be re-rolled."""
    seams = bench.score(store, index).seams
    assert seams is not None
    return [seams.ratios[join] for chunk in REROLLED for join in (chunk - 1, chunk)]


def _pictures(store: ChunkStore) -> list[Tensor]:
    """Read the frames of the chunks, (F, 3, H, W) in levels."""
    clips = store.clips()
    return [torch.stack([frame.float() for frame in clips[chunk].frames()]) for chunk in REROLLED]
