from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import zeros

from motionweave.errors import MediaError
from motionweave.media import probe_video, write_audio
from motionweave.types import Audio, Size

Make = Callable[..., Path]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25), Fraction(24000, 1001), Fraction(60000, 1001)])
def test_rate_count_and_length_are_exact_in_every_container(video: Make, name: str, rate: Fraction) -> None:
    info = probe_video(video(name, rate=rate, frame_count=33))
    assert (info.fps, info.frame_count, info.promised_frame_count) == (rate, 33, 33)
    assert info.duration_s == 33 / rate
    assert (info.codec, info.has_audio, info.size) == ("h264", False, Size(64, 48))


def test_packets_that_show_nothing_are_not_counted(video: Make) -> None:
    assert probe_video(video("a.webm", codec="libvpx", frame_count=70)).frame_count == 70


def test_matroska_without_a_length_in_its_header_is_counted(video: Make) -> None:
    info = probe_video(video("a.mkv", options={"live": "1"}, frame_count=41))
    assert info.frame_count == 41


def test_start_time_is_told_and_does_not_lengthen_the_video(video: Make) -> None:
    info = probe_video(video("a.mkv", ticks=tuple(range(1000, 1000 + 33 * 20, 33)), tick_s=Fraction(1, 1000)))
    assert info.start_s == 1
    assert info.frame_count == 20


def test_non_square_pixels_are_told_in_the_shown_size(video: Make) -> None:
    info = probe_video(video(size=(64, 48), sample_aspect_ratio=Fraction(15, 16)))
    assert info.sample_aspect_ratio == Fraction(15, 16)
    assert (info.size, info.coded_size) == (Size(60, 48), Size(64, 48))


@pytest.mark.parametrize(("degrees", "clockwise"), [(0, 0), (-90, 90), (180, 180), (90, 270)])
def test_rotation_flag_is_told_clockwise(video: Make, degrees: int, clockwise: int) -> None:
    info = probe_video(video(rotation=degrees))
    assert info.rotation == clockwise
    assert info.size == (Size(48, 64) if clockwise in (90, 270) else Size(64, 48))


@pytest.mark.parametrize(("colour_range", "full"), [(1, False), (2, True), (None, False)])
def test_full_range_is_told(video: Make, colour_range: int | None, full: bool) -> None:
    assert probe_video(video(colour_range=colour_range)).full_range is full


def test_sound_is_told(video: Make) -> None:
    assert probe_video(video("a.mkv", audio=np.zeros(48000, np.float32))).has_audio


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nothing.mp4: no such file"):
        probe_video(tmp_path / "nothing.mp4")
    with pytest.raises(MediaError, match="is a folder"):
        probe_video(tmp_path)


def test_empty_and_text_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is a letter\n" * 40)
    with pytest.raises(MediaError, match="is empty"):
        probe_video(tmp_path / "empty.mp4")
    with pytest.raises(MediaError, match="not a media file"):
        probe_video(tmp_path / "text.mp4")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.gif", "a.tiff"])
def test_still_image_is_called_one_whatever_it_is_named(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / name)
    disguised = tmp_path / f"{name}.mp4"
    disguised.write_bytes((tmp_path / name).read_bytes())
    for path in (tmp_path / name, disguised):
        with pytest.raises(MediaError, match="is a still image; load it as an image"):
            probe_video(path)


def test_sound_file_is_not_a_video(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", Audio(zeros(1, 1000), 16000))
    with pytest.raises(MediaError, match="has sound but no picture"):
        probe_video(tmp_path / "a.wav")


def test_video_without_frames_is_refused(video: Make) -> None:
    with pytest.raises(MediaError, match="no frames"):
        probe_video(video("a.mkv", frame_count=0, codec="ffv1", pixel_format="bgr0", audio=np.zeros(9600, np.float32)))


def test_importing_the_package_loads_neither_pyav_nor_pillow() -> None:
    code = "import sys, motionweave.media; print([name for name in ('av', 'PIL') if name in sys.modules])"
    root = Path(__file__).parents[3]
    printed = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
