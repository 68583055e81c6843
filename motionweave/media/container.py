"""Opening a media file with PyAV: the right stream, and errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MediaError
from .files import check_readable

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

STILL_BRANDS = frozenset({"avif", "heic", "heix", "mif1"})
"""ISO brands of pictures that the mp4 demuxer opens as if they were videos."""

TEXT_ART = frozenset({"tty", "bin", "xbin", "adf", "idf"})
"""Formats as which any text file opens: FFmpeg would draw it on a terminal of 1985."""


@contextmanager
def open_media(path: Path | str) -> Iterator[InputContainer]:
    """Open a file for reading and close it again.

    Args:
        path: The file.

    Yields:
        PyAV's container.

    Raises:
        MediaError: If the file is missing, a folder, empty, or nothing that PyAV knows.
    """
    import av
    from av.error import FFmpegError

    path = check_readable(path)
    try:
        container = av.open(str(path), metadata_errors="replace")
    except FFmpegError as error:
        raise MediaError(
            path, f"is not a media file that can be opened ({error.strerror}); it may be of another kind, or cut off"
        ) from error
    with container:
        if container.format.name in TEXT_ART:
            raise MediaError(path, "is not a media file but text; expected a video, a sound or an image")
        yield container


def has_clock(container: InputContainer) -> bool:
    """Say whether presentation times can be believed; AVI has none, and FFmpeg's guesses go wrong with B-frames."""
    return container.format.name != "avi"


def is_still(container: InputContainer) -> bool:
    """Say whether the file is one picture rather than a video."""
    name = container.format.name
    brand = container.metadata.get("major_brand", "").strip().lower()
    single_gif = name in ("gif", "apng") and container.streams.video[0].frames == 1
    return name.endswith("_pipe") or name == "image2" or brand in STILL_BRANDS or single_gif


def find_video(container: InputContainer) -> VideoStream | None:
    """Give the first video stream that plays; cover art does not."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def require_video(container: InputContainer, path: Path | str) -> VideoStream:
    """Give the video stream, or say what the file is instead.

    Args:
        container: The opened file.
        path: Its path, for the message.

    Returns:
        The first video stream, set to decode on several threads.

    Raises:
        MediaError: If the file is a still image or has no picture.
    """
    stream = find_video(container)
    if stream is None:
        kind = "has sound but no picture" if container.streams.audio else "has neither picture nor sound"
        raise MediaError(path, f"{kind}; expected a video")
    if not stream.name:
        raise MediaError(path, "holds a picture in a codec that PyAV does not know; re-save it as h264")
    if is_still(container):
        raise MediaError(path, "is a still image; load it as an image")
    stream.thread_type = "AUTO"
    return stream


def find_audio(container: InputContainer) -> AudioStream | None:
    """Give the first sound stream, if there is one."""
    return container.streams.audio[0] if container.streams.audio else None


def first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    """Decode until the first picture comes; what PyAV cannot decode before it is passed over.

    Args:
        container: A freshly opened file.
        stream: Its video stream.

    Returns:
        The first frame in presentation order, or None if nothing decodes.
    """
    from av.error import FFmpegError, InvalidDataError

    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except InvalidDataError:
                continue
            if frames:
                return frames[0]
    except FFmpegError:
        return None
    return None
