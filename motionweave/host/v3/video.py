"""VIDEO as ComfyUI's nodes see it: a file on disk, or frames and sound in memory."""

from __future__ import annotations

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError, UnsupportedError
from ...media import VideoInfo, VideoWriter, probe_video, read_audio, read_frames
from ...types import Audio, Size
from ..remux import remux


class VideoCodec(str, Enum):
    """How pictures are coded."""

    AUTO = "auto"
    H264 = "h264"

    @classmethod
    def as_input(cls) -> list[str]:
        """Give the values, for a list to choose from."""
        return [member.value for member in cls]


class VideoContainer(str, Enum):
    """What holds the streams."""

    AUTO = "auto"
    MP4 = "mp4"

    @classmethod
    def as_input(cls) -> list[str]:
        """Give the values, for a list to choose from."""
        return [member.value for member in cls]

    @classmethod
    def get_extension(cls, value: VideoContainer | str) -> str:
        """Give the file ending, without its dot."""
        cls(value)
        return "mp4"


@dataclass
class VideoComponents:
    """What a video consists of."""

    images: Tensor
    """(F, H, W, 3) float in [0, 1]."""
    frame_rate: Fraction
    """Frames per second."""
    audio: dict[str, Any] | None = None
    """``waveform`` (1, C, N) float and ``sample_rate``; None for a silent video."""
    metadata: dict[str, Any] | None = None
    """Tags of the file."""


class VideoInput(ABC):
    """What every VIDEO can be asked."""

    @abstractmethod
    def get_components(self) -> VideoComponents:
        """Give all frames and the sound, in memory."""

    @abstractmethod
    def save_to(
        self,
        path: str,
        format: VideoContainer | str = VideoContainer.AUTO,
        codec: VideoCodec | str = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an mp4 with H.264."""

    @abstractmethod
    def get_stream_source(self) -> str | BytesIO:
        """Give the path of a file that holds the video, or that file's bytes."""

    @abstractmethod
    def get_dimensions(self) -> tuple[int, int]:
        """Give width and height in pixels."""

    @abstractmethod
    def get_frame_count(self) -> int:
        """Count the frames."""

    @abstractmethod
    def get_frame_rate(self) -> Fraction:
        """Give the frames per second."""

    def get_duration(self) -> float:
        """Give the seconds."""
        return float(self.get_frame_count() / self.get_frame_rate())

    def get_container_format(self) -> str:
        """Give FFmpeg's name of the container."""
        return "mov,mp4,m4a,3gp,3g2,mj2"


class VideoFromFile(VideoInput):
    """A video that stays on disk until its frames are asked for."""

    def __init__(self, file: str | Path) -> None:
        """Keep the path.

        Args:
            file: The video.

        Raises:
            UnsupportedError: If something else than a path came.
        """
        if not isinstance(file, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance] - ComfyUI takes bytes too
            raise UnsupportedError("a video in a byte stream", "Write it to a file and give its path.")
        self._path = Path(file)

    @cached_property
    def info(self) -> VideoInfo:
        """Facts of the file.

        Raises:
            MediaError: If it is no video.
        """
        return probe_video(self._path)

    def get_components(self) -> VideoComponents:
        """Decode the whole file."""
        frames = torch.stack(list(read_frames(self._path)))
        images = frames.movedim(1, -1).to(torch.float32) / 255  # F H W 3
        audio = read_audio(self._path) if self.info.has_audio else None
        return VideoComponents(images, self.info.fps, None if audio is None else audio_to_socket(audio))

    def save_to(
        self,
        path: str,
        format: VideoContainer | str = VideoContainer.AUTO,
        codec: VideoCodec | str = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Copy the coded streams where they are H.264 in an mp4 already, else encode anew, frame by frame."""
        _check_format(format, codec)
        tags = _tags(metadata)
        if self.info.codec == "h264" and self._path.suffix.lower() == ".mp4":
            remux(self._path, Path(path), tags)
            return
        audio = read_audio(self._path) if self.info.has_audio else None
        with VideoWriter(path, fps=self.info.fps, size=self.info.size, audio=audio, metadata=tags) as writer:
            for frame in read_frames(self._path):
                writer.write(frame[None])

    def get_stream_source(self) -> str:
        """Give the path."""
        return str(self._path)

    def get_dimensions(self) -> tuple[int, int]:
        """Give width and height in pixels, as the video is shown."""
        return self.info.size.width, self.info.size.height

    def get_frame_count(self) -> int:
        """Count the frames."""
        return self.info.frame_count

    def get_frame_rate(self) -> Fraction:
        """Give the frames per second, exactly."""
        return self.info.fps


class VideoFromComponents(VideoInput):
    """A video in memory."""

    def __init__(self, components: VideoComponents) -> None:
        """Keep the parts.

        Args:
            components: Frames, rate and sound.

        Raises:
            InputError: If there is no frame.
        """
        if components.images.ndim != 4 or components.images.shape[0] == 0:
            raise InputError(
                f"images of shape {tuple(components.images.shape)} make no video; expected (frames, height, width, 3) "
                "with at least one frame"
            )
        self._components = components

    def get_components(self) -> VideoComponents:
        """Give the parts."""
        parts = self._components
        return VideoComponents(parts.images, parts.frame_rate, parts.audio)

    def save_to(
        self,
        path: str,
        format: VideoContainer | str = VideoContainer.AUTO,
        codec: VideoCodec | str = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Encode an mp4."""
        _check_format(format, codec)
        parts = self._components
        audio = None if parts.audio is None else audio_from_socket(parts.audio)
        size = Size(*self.get_dimensions())
        with VideoWriter(path, fps=parts.frame_rate, size=size, audio=audio, metadata=_tags(metadata)) as writer:
            for image in parts.images:
                writer.write(image[None, ..., :3].movedim(-1, 1))  # 1 3 H W

    def get_stream_source(self) -> BytesIO:
        """Encode an mp4 into memory, as ComfyUI does for whoever cannot take the frames."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "video.mp4"
            self.save_to(str(path))
            return BytesIO(path.read_bytes())

    def get_dimensions(self) -> tuple[int, int]:
        """Give width and height in pixels."""
        return self._components.images.shape[2], self._components.images.shape[1]

    def get_frame_count(self) -> int:
        """Count the frames."""
        return self._components.images.shape[0]

    def get_frame_rate(self) -> Fraction:
        """Give the frames per second."""
        return self._components.frame_rate


def audio_to_socket(audio: Audio) -> dict[str, Any]:
    """Turn sound into AUDIO: a waveform (1, C, N) and its rate."""
    return {"waveform": audio.waveform[None], "sample_rate": audio.sample_rate}


def audio_from_socket(audio: Mapping[str, Any]) -> Audio:
    """Turn AUDIO into sound; of a batch, the first."""
    return Audio(audio["waveform"][0].to("cpu", torch.float32), int(audio["sample_rate"]))


def _check_format(format: VideoContainer | str, codec: VideoCodec | str) -> None:
    """Refuse what is neither an mp4 nor H.264; both enums have nothing else."""
    try:
        VideoContainer(format)
        VideoCodec(codec)
    except ValueError as error:
        raise InputError(f"saving as {format} with {codec} was asked for; expected mp4 with h264, or auto") from error


def _tags(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """Write tags as ComfyUI does, so that its canvas opens the file as a workflow."""
    return {key: json.dumps(value) for key, value in (metadata or {}).items()}
