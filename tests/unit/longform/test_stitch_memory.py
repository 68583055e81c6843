from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.longform.clips import Clip, MadeRow
from motionweave.longform.stitch import StitchOptions, stitch_chunks
from motionweave.media import VideoWriter
from motionweave.types import Size

FPS, SIZE = Fraction(30), Size(192, 128)
NEW_FRAMES, LEAD = 50, 4


def row_of(folder: Path, frame_count: int) -> MadeRow:
    """The same two files over and over: what grows with length would still grow."""
    clips = []
    for name, lead in (("first.mkv", 0), ("later.mkv", LEAD)):
        with VideoWriter(folder / name, fps=FPS, size=SIZE, codec="ffv1") as writer:
            writer.write(torch.rand(lead + NEW_FRAMES, 3, SIZE.height, SIZE.width))
        clips.append(Clip(folder / name, NEW_FRAMES, lead))
    return MadeRow((clips[0], *[clips[1]] * (frame_count // NEW_FRAMES - 1)), FPS, SIZE, "row")


def test_memory_does_not_grow_with_the_length_of_the_video(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    process, peaks = psutil.Process(), []

    def above(row: MadeRow) -> float:
        seen = []
        stitch_chunks(
            row,  # type: ignore[arg-type]
            tmp_path / "video.mkv",
            options=StitchOptions(codec="ffv1"),
            on_progress=lambda _: seen.append(process.memory_info().rss),
        )
        return max(seen) / 1e6

    above(row_of(tmp_path, 200))
    peaks = [above(row_of(tmp_path, count)) for count in (300, 1500)]
    # All frames of the longer one would be 110 MB, the difference 88.
    assert peaks[1] - peaks[0] < 12
