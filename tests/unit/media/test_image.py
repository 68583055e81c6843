from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from motionweave.errors import InputError, MediaError, ShapeError
from motionweave.media import read_image, write_audio, write_image
from motionweave.types import Audio


def test_png_round_trip_is_exact(tmp_path: Path) -> None:
    image = torch.randint(0, 256, (1, 3, 7, 5)).to(torch.float32) / 255
    write_image(tmp_path / "a.png", image)
    assert torch.equal(read_image(tmp_path / "a.png"), image)


def test_transparent_parts_are_laid_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = (0, 128, 255)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png")[0, 0, 0] * 255).round().tolist() == [255, 127, 0]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert tuple(read_image(tmp_path / "a.jpg").shape) == (1, 3, 20, 10)


def test_sixteen_bit_grey_keeps_its_depth(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert torch.allclose(read_image(tmp_path / "a.png")[0, :, 0], torch.tensor([0, 257 / 65535, 1]).expand(3, 3))


def test_first_picture_of_an_animation_is_read(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:])
    assert read_image(tmp_path / "a.gif")[0, :, 0, 0].tolist() == [1, 0, 0]


def test_video_sound_and_text_are_told_apart(tmp_path: Path, video: Callable[..., Path]) -> None:
    write_audio(tmp_path / "a.wav", Audio(torch.zeros(1, 100), 8000))
    (tmp_path / "a.txt").write_text("a letter\n" * 50)
    for path, words in ((video(), "is a video"), (tmp_path / "a.wav", "is a sound"), (tmp_path / "a.txt", "not an")):
        with pytest.raises(MediaError, match=words):
            read_image(path)


def test_half_an_image_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", torch.rand(1, 3, 64, 64))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:3000])
    with pytest.raises(MediaError, match="cannot be read as an image"):
        read_image(tmp_path / "a.png")


def test_wrong_images_and_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError):
        write_image(tmp_path / "a.png", torch.rand(2, 3, 4, 4))
    with pytest.raises(InputError, match="endings"):
        write_image(tmp_path / "a.mp4", torch.rand(1, 3, 4, 4))
    with pytest.raises(MediaError, match="does not exist"):
        write_image(tmp_path / "no" / "a.png", torch.rand(1, 3, 4, 4))
    assert list(tmp_path.iterdir()) == []
