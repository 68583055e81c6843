"""Decoded frames of one file, each with its place in the timeline, past damage where that is possible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import MediaError
from .container import open_media, require_video
from .probe import Source

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class Decoding:
    """One pass over a video; remembers what went wrong, so that all frames can be given before it is told."""

    def __init__(self, source: Source) -> None:
        """Prepare a pass.

        Args:
            source: The probed video.
        """
        self._source = source
        self.decoded = 0
        """Frames that came out so far."""
        self.trouble: str | None = None
        """PyAV's words about the first damage met, if any."""

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """Decode from the front.

        Yields:
            The frame's index in the timeline, and the frame as the codec stores it.
        """
        timeline = self._source.timeline
        index = -1
        with open_media(self._source.info.path) as container:
            for frame in self._decode(container, require_video(container, self._source.info.path)):
                index += 1
                in_step = index < len(timeline.ticks) and timeline.ticks[index] == frame.pts
                if timeline.ticks and frame.pts is not None and not in_step:
                    index = max(index, timeline.index_of(frame.pts))
                self.decoded += 1
                yield index, frame

    def error(self) -> MediaError:
        """Give the error that says how much came of how much."""
        info = self._source.info
        return MediaError(
            info.path,
            f"breaks off or is damaged: {self.decoded} of {info.promised_frame_count} frames could be decoded"
            f"{f' ({self.trouble})' if self.trouble else ''}; bring the file again, or cut the video to what is there",
        )

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """Decode every packet, and after an error the next one; the decoder is emptied whatever the end."""
        from av.error import FFmpegError, InvalidDataError

        try:
            for packet in container.demux(stream):
                if not packet.size or packet.is_corrupt:
                    continue  # Half a packet makes decoders that work on several frames drop whole ones before it.
                try:
                    frames = packet.decode()
                except InvalidDataError as error:
                    self.trouble = self.trouble or error.strerror
                    continue
                yield from frames
        except FFmpegError as error:
            self.trouble = self.trouble or error.strerror
        try:
            yield from stream.decode(None)
        except FFmpegError as error:
            self.trouble = self.trouble or error.strerror
