"""A reader that stays where it is gives what reading from the front gives."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionweave.errors import InputError, MediaError
from motionweave.media import ForwardReader, read_clip
from motionweave.media.decoding import Decoding
from motionweave.types import Size

Make = Callable[..., Path]
NOISE = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), dtype=np.uint8)
SIZE = Size(40, 40)


def tinted(index: int) -> np.ndarray:
    return np.full((48, 64, 3), (20 + 3 * index, 230 - 3 * index, 90), np.uint8)


def noisy(index: int) -> np.ndarray:
    return NOISE[index]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note every time a file is decoded from the front."""
    begun: list[Path] = []
    begin = Decoding.frames

    def frames(self: Any) -> Any:
        begun.append(self._source.info.path)
        return begin(self)

    monkeypatch.setattr(Decoding, "frames", frames)
    return begun


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("fps", [None, Fraction(24), Fraction(50)])
def test_windows_in_any_order_are_the_frames_of_the_file(video: Make, name: str, fps: Fraction | None) -> None:
    path = video(name, frame_count=60, picture=tinted)
    reader = ForwardReader()
    for start, stop in ((0, 10), (6, 18), (12, 20), (40, 44), (41, 44), (3, 5), (0, 1)):
        wanted = read_clip(path, start=start, stop=stop, fps=fps, size=SIZE)
        assert torch.equal(reader.read_clip(path, start=start, stop=stop, fps=fps, size=SIZE), wanted)


def test_a_file_of_varying_rate_keeps_its_clock(video: Make) -> None:
    ticks = tuple(int(tick) for tick in np.random.default_rng(2).integers(1, 90, 60).cumsum())
    path = video("a.mkv", frame_count=60, picture=tinted, ticks=ticks, tick_s=Fraction(1, 1000))
    reader = ForwardReader()
    for start in range(0, 50, 7):
        wanted = read_clip(path, start=start, stop=start + 9, fps=Fraction(25), size=SIZE)
        assert torch.equal(reader.read_clip(path, start=start, stop=start + 9, fps=Fraction(25), size=SIZE), wanted)


def test_windows_that_follow_one_another_decode_the_file_once(video: Make, passes: list[Path]) -> None:
    path = video(frame_count=60, picture=tinted)
    reader = ForwardReader()
    for start in range(0, 52, 4):
        reader.read_clip(path, start=start, stop=start + 8, fps=Fraction(30), size=SIZE)
    assert len(passes) == 1


def test_only_what_fits_is_kept_and_what_is_not_kept_is_read_again(video: Make, passes: list[Path]) -> None:
    path = video(frame_count=60, picture=tinted)
    reader = ForwardReader(keep_bytes=4 * 3 * 40 * 40)
    reader.read_clip(path, start=0, stop=20, fps=None, size=SIZE)
    reader.read_clip(path, start=16, stop=20, fps=None, size=SIZE)
    assert len(passes) == 1
    again = reader.read_clip(path, start=15, stop=22, fps=None, size=SIZE)
    assert len(passes) == 2
    assert torch.equal(again, read_clip(path, start=15, stop=22, size=SIZE))


def test_another_size_rate_or_content_starts_over(video: Make) -> None:
    path = video(frame_count=60, picture=tinted)
    reader = ForwardReader()
    reader.read_clip(path, start=0, stop=4, fps=None, size=SIZE)
    assert reader.read_clip(path, start=2, stop=4, fps=None, size=Size(20, 30)).shape == (2, 3, 30, 20)
    video(frame_count=30, picture=lambda index: 255 - tinted(index))
    changed = reader.read_clip(path, start=2, stop=6, fps=None, size=SIZE)
    assert torch.equal(changed, read_clip(path, start=2, stop=6, size=SIZE))


def test_frames_that_were_given_can_be_written_into(video: Make) -> None:
    path = video(frame_count=60, picture=tinted)
    reader = ForwardReader()
    reader.read_clip(path, start=0, stop=4, fps=None, size=SIZE).zero_()
    assert reader.read_clip(path, start=0, stop=4, fps=None, size=SIZE).any()


def test_ranges_outside_the_video_and_files_that_break_off_are_refused(video: Make) -> None:
    path = video("a.mkv", frame_count=60, picture=noisy)
    reader = ForwardReader()
    with pytest.raises(InputError, match="it has 60 frames"):
        reader.read_clip(path, start=58, stop=61, fps=None, size=SIZE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert len(reader.read_clip(path, start=2, stop=12, fps=None, size=SIZE)) == 10
    with pytest.raises(MediaError, match="breaks off or is damaged"):
        reader.read_clip(path, start=12, stop=58, fps=None, size=SIZE)
    assert len(reader.read_clip(path, start=2, stop=12, fps=None, size=SIZE)) == 10


def test_the_file_is_let_go_at_its_end(video: Make) -> None:
    path = video(frame_count=20)
    reader = ForwardReader()
    reader.read_clip(path, start=15, stop=20, fps=None, size=SIZE)
    assert reader._showing is None
