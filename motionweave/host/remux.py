"""Coded streams into another file as they are, with other tags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MediaError
from ..media.files import whole_file

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer


def remux(source: Path, target: Path, tags: Mapping[str, str]) -> None:
    """Copy video and sound without decoding.

    Args:
        source: The file to copy.
        target: The file to write; it appears only when it is complete.
        tags: Tags to add to those of `source`.

    Raises:
        MediaError: If `source` cannot be opened, or `target` cannot be written.
    """
    import av
    from av.error import FFmpegError

    try:
        reading = av.open(str(source), metadata_errors="replace")
    except FFmpegError as error:
        raise MediaError(source, f"cannot be opened ({error.strerror})") from error
    format = {".mp4": "mp4", ".flac": "flac"}[target.suffix.lower()]
    options = {"movflags": "+faststart+use_metadata_tags"} if format == "mp4" else {}
    if format == "mp4" and reading.streams.audio:
        # An mp4 tells lengths in this unit; in the default one, milliseconds, the last samples would be lost.
        options["movie_timescale"] = str(reading.streams.audio[0].rate)
    with reading, whole_file(target) as partial, av.open(str(partial), "w", format=format, options=options) as writing:
        writing.metadata.update({**reading.metadata, **tags})
        _copy(reading, writing)


def _copy(reading: InputContainer, writing: OutputContainer) -> None:
    streams = [*reading.streams.video, *reading.streams.audio]
    # Opaque: parameters as they stand. PyAV 14 would begin with an encoder's, whose H.264 headers are not the copy's.
    copies = {stream.index: writing.add_stream_from_template(stream, opaque=True) for stream in streams}
    for packet in reading.demux(*streams):
        if packet.dts is not None:  # The packet that ends a stream has no time and no data.
            packet.stream = copies[packet.stream.index]
            writing.mux(packet)
