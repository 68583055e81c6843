"""From finished chunks to one video with sound, a frame at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ..media import VideoInfo, VideoWriter, probe_video
from ..types import Audio, Progress
from .store import ChunkStore

BATCH = 8
"""Frames handed to the encoder at once."""


def stitch_chunks(
    store: ChunkStore,
    path: Path,
    audio: Audio | None = None,
    metadata: dict[str, str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> VideoInfo:
    """Join a run's chunks into one H.264 video.

    Args:
        store: The run; all its chunks must be made.
        path: The .mp4 to write; it appears only when it is complete.
        audio: Sound from the first frame on; cut, or followed by silence, to the video's exact length.
        metadata: Tags to store in the file.
        on_progress: Told of every chunk; whatever it raises ends the work.

    Returns:
        The facts of the finished file.

    Raises:
        InputError: If a chunk is missing, or the picture size is odd (H.264 needs even sizes).
        MediaError: If the file cannot be written.
    """
    windows, chunk, done = store.plan.windows(), 0, 0
    with VideoWriter(path, fps=store.plan.fps, size=store.size, audio=audio, metadata=metadata) as writer:
        batch: list[Tensor] = []
        for frame in store.frames():
            batch.append(frame)
            done += 1
            if len(batch) == BATCH or done == store.plan.frame_count:
                writer.write(torch.stack(batch))
                batch = []
            if done == windows[chunk].stop:
                chunk += 1
                if on_progress is not None:
                    on_progress(Progress("stitch", chunk - 1, len(windows), 1, 1))
    return probe_video(path)
