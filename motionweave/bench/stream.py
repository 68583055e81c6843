"""Long inputs in flat memory, and how fast poses are read against the plain way.

Memory is the peak of the resident set above what it was with the models loaded: 1800 frames of 1080p for pose and for
depth, ten minutes of speech. Each runs in a process of its own, so that none profits from what another one freed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from torch import Tensor

PARTS = (
    ("pose", "measure_pose_stream"),
    ("depth", "measure_depth_stream"),
    ("speech", "measure_speech_stream"),
    ("pose", "measure_pose_speed"),
)


def stream(
    clips: int = 0,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: Not used: lengths are the benchmark's own.
        on_clip: Told of each part that is done.
        keep: Not used; there are no made frames to show.

    Returns:
        ``figures``, and no baselines; the plain way's figures stand beside ours.
    """
    del clips, keep
    figures: dict[str, float] = {}
    for index, (module, function) in enumerate(PARTS):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            figures |= pool.submit(_measure, module, function).result()
        if on_clip is not None:
            on_clip(index)
    return {"figures": figures, "baselines": {}}


def _measure(module: str, function: str) -> dict[str, float]:
    return getattr(import_module(f".{module}", __package__), function)()
