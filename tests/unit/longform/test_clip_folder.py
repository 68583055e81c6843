from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.errors import InputError, MediaError
from motionweave.longform.folder import open_clip_folder
from motionweave.longform.joins import joined_frames
from motionweave.media import VideoWriter
from motionweave.types import Size

SIZE = Size(32, 24)


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, count: int = 5, level: float = 0.5, fps: int = 24, size: Size = SIZE) -> Path:
        with VideoWriter(tmp_path / name, fps=Fraction(fps), size=size, codec="ffv1") as writer:
            writer.write(torch.full((count, 3, size.height, size.width), level))
        return tmp_path / name

    return make


def test_clips_come_in_the_order_people_count_in_and_other_files_are_passed_over(
    tmp_path: Path, clip: Callable[..., Path]
) -> None:
    for name in ("shot10.mkv", "Shot2.mkv", "shot1.mkv"):
        clip(name)
    (tmp_path / "notes.txt").write_text("x")
    row = open_clip_folder(tmp_path)
    assert [each.path.name for each in row.clips()] == ["shot1.mkv", "Shot2.mkv", "shot10.mkv"]
    assert (row.fps, row.size, row.name) == (Fraction(24), Size(32, 24), tmp_path.name)
    assert len(list(joined_frames(row))) == 15


def test_shared_frames_are_faded_and_counted_once(tmp_path: Path, clip: Callable[..., Path]) -> None:
    clip("a.mkv", 6, 0.0)
    clip("b.mkv", 6, 1.0)
    row = open_clip_folder(tmp_path, overlap=3)
    assert [(each.lead, each.frame_count) for each in row.clips()] == [(0, 6), (3, 3)]
    levels = [round(float(frame.float().mean())) for frame in joined_frames(row)]
    assert levels == [0, 0, 0, 64, 128, 191, 255, 255, 255]


@pytest.mark.parametrize(("change", "words"), [({"fps": 25}, "at 25"), ({"size": Size(48, 24)}, "48x24")])
def test_an_odd_one_is_named_and_conformed_only_on_request(
    tmp_path: Path, clip: Callable[..., Path], change: dict[str, object], words: str
) -> None:
    clip("a.mkv", 24)
    clip("b.mkv", 25, **change)
    with pytest.raises(InputError, match=rf"b\.mkv is .*{words}.*conform"):
        open_clip_folder(tmp_path)
    row = open_clip_folder(tmp_path, conform=True)
    frames = list(joined_frames(row))
    assert len(frames) == sum(each.frame_count for each in row.clips()) == (48 if "fps" in change else 49)
    assert {tuple(frame.shape) for frame in frames} == {(3, 24, 32)}


def test_a_broken_clip_is_named(tmp_path: Path, clip: Callable[..., Path]) -> None:
    clip("a.mkv")
    (tmp_path / "b.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(MediaError, match=r"b\.mp4"):
        open_clip_folder(tmp_path)


@pytest.mark.parametrize(("overlap", "words"), [(5, "all shared"), (-1, "0 or more"), (3, "fewer than the 3")])
def test_an_overlap_that_cannot_be_is_refused(
    tmp_path: Path, clip: Callable[..., Path], overlap: int, words: str
) -> None:
    clip("a.mkv", 2 if overlap == 3 else 5)
    clip("b.mkv", 5)
    with pytest.raises(InputError, match=words):
        open_clip_folder(tmp_path, overlap)


def test_a_folder_without_clips_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no clip"):
        open_clip_folder(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        open_clip_folder(tmp_path / "nowhere")
