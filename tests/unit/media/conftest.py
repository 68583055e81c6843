"""Real, tiny media files, made by PyAV itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch


@dataclass(frozen=True)
class Recipe:
    """How a test wants its file; the pictures are grey steps, so that a frame can be told by its brightness."""

    frame_count: int = 20
    rate: Fraction = Fraction(30)
    size: tuple[int, int] = (64, 48)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    ticks: tuple[int, ...] | None = None
    tick_s: Fraction | None = None
    rotation: int | None = None
    sample_aspect_ratio: Fraction | None = None
    colour_range: int | None = None
    picture: Callable[[int], np.ndarray] | None = None
    audio: np.ndarray | None = None
    audio_rate: int = 48000
    audio_start: int = 0


def grey_step(index: int) -> int:
    """The brightness of a frame."""
    return 20 + index % 24 * 9


def frame_number(frame: torch.Tensor) -> int:
    """Which of the first 24 grey steps a frame shows."""
    return round((float(frame.float().mean()) - 20) / 9)


def make_video(path: Path, recipe: Recipe = Recipe(), **container_options: str) -> Path:
    """Write a file as the recipe says."""
    width, height = recipe.size
    with av.open(str(path), "w", options=container_options) as container:
        stream: Any = container.add_stream(recipe.codec, rate=recipe.rate)
        stream.width, stream.height, stream.pix_fmt = width, height, recipe.pixel_format
        if recipe.tick_s:
            stream.codec_context.time_base = recipe.tick_s
        if recipe.rotation is not None:
            if not hasattr(stream, "set_display_rotation"):
                pytest.skip("this PyAV cannot write a display matrix")
            stream.set_display_rotation(recipe.rotation)
        if recipe.sample_aspect_ratio:
            stream.codec_context.sample_aspect_ratio = recipe.sample_aspect_ratio
        if recipe.colour_range:
            stream.codec_context.color_range = recipe.colour_range
            stream.codec_context.colorspace = 5
        sound: Any = None
        if recipe.audio is not None:
            sound = container.add_stream("pcm_s16le", rate=recipe.audio_rate, layout="mono")
        for index in range(recipe.frame_count):
            grey = np.full((height, width, 3), grey_step(index), np.uint8)
            rgb = av.VideoFrame.from_ndarray(recipe.picture(index) if recipe.picture else grey, "rgb24")
            if recipe.pixel_format.startswith("yuv"):
                rgb = rgb.reformat(
                    format=recipe.pixel_format,
                    src_color_range=2,
                    dst_colorspace=5,
                    dst_color_range=recipe.colour_range or 1,
                )
            rgb.pts = recipe.ticks[index] if recipe.ticks else index
            rgb.time_base = recipe.tick_s or 1 / recipe.rate
            container.mux(stream.encode(rgb))
        container.mux(stream.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray((recipe.audio[None] * 32767).astype(np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = (
                recipe.audio_rate,
                recipe.audio_start,
                Fraction(1, recipe.audio_rate),
            )
            container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """A maker of video files: name, recipe fields, container options."""

    def make(name: str = "clip.mp4", options: dict[str, str] | None = None, **fields: Any) -> Path:
        return make_video(tmp_path / name, Recipe(**fields), **(options or {}))

    return make


@pytest.fixture
def number() -> Callable[[torch.Tensor], int]:
    """Tells which frame a picture is."""
    return frame_number
