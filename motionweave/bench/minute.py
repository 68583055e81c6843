"""A minute in flat memory: what a run holds at 200, 600 and 1800 frames, and what joining holds at 18,000.

The first three run ``workflows/minute.json`` headless at its own size, with pose, speech and two references, only with
a single step: memory does not depend on their number. The 18,000 frames are pictures that cost nothing, kept as chunks;
they are only enlarged, joined and given their sound. Each length has a process of its own on one thread, and times are
processor time, because machines are noisy: from the second chunk's first step to the finished file, over the frames
that this made.

The baseline ``one_tensor`` is the plain way: the same decoder, then all frames as float32 in a list, joined to one
tensor and written. Where that would take more than half of the free memory it is computed, the tensor twice above what
the shortest length holds, and its ``computed_from`` says from which length on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from torch import Tensor

WOVEN = (200, 600, 1800)
"""Frames that are made, at 30 a second."""
JOINED = 18_000
"""Frames that are only joined: ten minutes."""


def minute(
    clips: int = len(WOVEN) + 1,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many of the lengths to measure, from the shortest on.
        on_clip: Told of each length that is done.
        keep: Not used; there are no made frames to show.

    Returns:
        ``figures`` and the baseline ``one_tensor``: ``rss_mb_N`` is the peak of the resident set in MiB, ``frame_s_N``
        processor seconds a frame, ``av_offset_frames`` the largest offset of sound and picture at a video's end.
        ``rss_by_frame_200_mb`` is the longest run's own peak by its 200th frame: peaks of two processes differ by a
        tenth with how busy the machine is, while within one process every rise counts.
    """
    del keep
    ours: dict[str, float | None] = {}
    plain: dict[str, float | None] = {}
    offsets: list[float] = []
    with tempfile.TemporaryDirectory(prefix="motionweave-minute-") as folder:
        for index, frames in enumerate((*WOVEN, JOINED)[:clips]):
            place, work = str(Path(folder) / str(frames)), "join" if frames == JOINED else "weave"
            found = _alone(work, frames, place, *([WOVEN[0]] if work == "weave" else []))
            ours[f"rss_mb_{frames}"] = found["rss_mb"]
            if frames in (WOVEN[0], WOVEN[-1]):
                ours[f"frame_s_{frames}"] = found["frame_s"]
            if frames == WOVEN[-1]:
                ours[f"rss_by_frame_{WOVEN[0]}_mb"] = found["early_rss_mb"]
            offsets.append(found["av_offset_frames"])
            measured = _alone("hold_all", frames, place, plain.get(f"rss_mb_{WOVEN[0]}"))
            plain[f"rss_mb_{frames}"] = measured["rss_mb"]
            if measured["computed"]:
                plain.setdefault("computed_from", frames)
            if on_clip is not None:
                on_clip(index)
    ours["av_offset_frames"] = max(offsets)
    return {"figures": ours, "baselines": {"one_tensor": plain}}


def _alone(work: str, *arguments: Any) -> dict[str, float]:
    """Do a piece of work in a process of its own, so that it does not profit from what another one freed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_work, work, *arguments).result()


def _work(name: str, *arguments: Any) -> dict[str, float]:
    import torch

    from .minute_runs import hold_all, join, weave

    torch.set_num_threads(1)
    return {"weave": weave, "join": join, "hold_all": hold_all}[name](*arguments)
