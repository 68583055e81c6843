from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from motionweave.errors import InputError, MediaError
from motionweave.media import probe_video, read_clip, read_frames
from motionweave.types import Size

Make = Callable[..., Path]
Number = Callable[[torch.Tensor], int]

QUARTERS = np.zeros((48, 64, 3), np.uint8)
QUARTERS[:24, :32] = (255, 0, 0)
QUARTERS[:24, 32:] = (0, 255, 0)
QUARTERS[24:, :32] = (0, 0, 255)
QUARTERS[24:, 32:] = (255, 255, 255)


def quarters(index: int) -> np.ndarray:
    return QUARTERS


def corner_names(frame: torch.Tensor) -> str:
    height, width = frame.shape[1:]
    names = {(1, 0, 0): "R", (0, 1, 0): "G", (0, 0, 1): "B", (1, 1, 1): "W"}
    points = [(y, x) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return "".join(names[tuple(int(value > 127) for value in frame[:, y, x].tolist())] for y, x in points)


def test_frames_come_in_the_order_of_showing(video: Make, number: Number) -> None:
    frames = list(read_frames(video(frame_count=24)))
    assert [number(frame) for frame in frames] == list(range(24))
    assert frames[0].dtype == torch.uint8 and tuple(frames[0].shape) == (3, 48, 64)


def test_a_range_equals_the_same_part_of_the_whole(video: Make) -> None:
    path = video(frame_count=12)
    assert torch.equal(read_clip(path, start=3, stop=9), read_clip(path)[3:9])


@pytest.mark.parametrize("span", [(-1, 3), (5, 5), (0, 13), (13, None)])
def test_ranges_outside_the_video_are_refused_at_once(video: Make, span: tuple[int, int | None]) -> None:
    path = video(frame_count=12)
    with pytest.raises(InputError, match="12 frames"):
        read_frames(path, start=span[0], stop=span[1])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_start_time_is_taken_off(video: Make, number: Number, name: str) -> None:
    path = video(name, ticks=tuple(range(500, 500 + 20 * 40, 40)), tick_s=Fraction(1, 1000), rate=Fraction(25))
    frames = list(read_frames(path, fps=Fraction(25)))
    assert [number(frame) for frame in frames] == list(range(20))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_reading_at_another_rate_holds_frames(video: Make, number: Number, name: str) -> None:
    path = video(name, frame_count=24, rate=Fraction(30000, 1001))
    doubled = [number(frame) for frame in read_frames(path, fps=Fraction(60000, 1001))]
    assert doubled == [index // 2 for index in range(48)]
    slower = [number(frame) for frame in read_frames(path, fps=Fraction(12))]
    assert slower == [index * 30000 // 1001 // 12 for index in range(len(slower))]
    assert len(slower) == 10


def test_varying_rate_is_read_on_its_own_clock(video: Make, number: Number) -> None:
    path = video("a.mkv", frame_count=4, ticks=(0, 100, 150, 400), tick_s=Fraction(1, 1000))
    assert [number(frame) for frame in read_frames(path, fps=Fraction(20), stop=9)] == [0, 0, 1, 2, 2, 2, 2, 2, 3]


@pytest.mark.parametrize(("rotation", "corners"), [(0, "RGBW"), (-90, "BRWG"), (180, "WBGR"), (90, "GWRB")])
def test_rotation_flag_is_applied(video: Make, rotation: int, corners: str) -> None:
    frame = next(iter(read_frames(video(rotation=rotation, picture=quarters))))
    assert corner_names(frame) == corners


def test_non_square_pixels_become_square(video: Make) -> None:
    frame = next(iter(read_frames(video(sample_aspect_ratio=Fraction(15, 16), picture=quarters))))
    assert tuple(frame.shape) == (3, 48, 60)
    assert corner_names(frame) == "RGBW"


@pytest.mark.parametrize("colour_range", [1, 2, None])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_full_and_limited_range_give_the_same_colours(video: Make, colour_range: int | None, pixel_format: str) -> None:
    path = video("a.mkv", colour_range=colour_range, pixel_format=pixel_format, picture=quarters, codec="ffv1")
    frame = next(iter(read_frames(path)))
    for y, x in ((12, 16), (12, 48), (36, 16), (36, 48)):
        assert np.abs(frame[:, y, x].numpy().astype(int) - QUARTERS[y, x]).max() <= 3


def test_size_and_fit_shape_the_frames(video: Make) -> None:
    path = video(picture=quarters)
    contained = read_clip(path, stop=1, size=Size(64, 64))[0]
    assert contained[:, :6].max() == 0 and contained[:, -6:].max() == 0
    covered = read_clip(path, stop=1, size=Size(32, 48), fit="cover")[0]
    assert corner_names(covered) == "RGBW"
    assert corner_names(read_clip(path, stop=1, size=Size(16, 40), fit="stretch")[0]) == "RGBW"


@pytest.mark.parametrize(("name", "options"), [("a.mp4", {"movflags": "+faststart"}), ("a.mkv", {}), ("a.avi", {})])
@pytest.mark.parametrize("fps", [None, Fraction(30)])
def test_file_that_breaks_off_gives_what_there_is_and_then_says_so(
    video: Make, name: str, options: dict[str, str], fps: Fraction | None
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), dtype=np.uint8)
    path = video(name, options, frame_count=60, picture=lambda index: noise[index])
    whole = list(read_frames(path))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    info = probe_video(path)
    assert info.frame_count < 60 == info.promised_frame_count
    came: list[torch.Tensor] = []
    with pytest.raises(MediaError, match=r"breaks off or is damaged: \d+ of 60 frames"):
        for frame in read_frames(path, fps=fps):
            came.append(frame)
    assert len(came) >= 20
    assert all(torch.equal(a, b) for a, b in zip(came[:-1], whole, strict=False))


def test_range_before_the_break_is_read_without_complaint(video: Make) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), dtype=np.uint8)
    path = video("a.mkv", frame_count=60, picture=lambda index: noise[index])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert read_clip(path, start=2, stop=12).shape[0] == 10


def test_file_with_its_index_cut_off_is_refused(video: Make) -> None:
    path = video("a.mp4")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(MediaError, match="cut off"):
        read_frames(path)


def test_still_image_is_refused_before_the_first_frame(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="load it as an image"):
        read_frames(tmp_path / "a.png")
