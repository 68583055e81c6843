"""Counting a video's frames and reading their times without holding, or where possible decoding, a single one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MediaError
from .container import has_clock, open_media, require_video
from .timeline import Timeline, build_timeline, even_timeline

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

ONE_FRAME_PER_PACKET = frozenset(
    {"h264", "hevc", "av1", "libdav1d", "vp9", "mjpeg", "ffv1", "prores", "dnxhd", "huffyuv", "ffvhuff", "utvideo"}
    | {"png", "rawvideo", "mpeg1video", "mpeg2video", "gif", "qtrle"}
)
"""Codecs whose packets each show one frame. VP8 has packets that show none and packed MPEG-4 has packets with two."""
HEADER_SLACK_FRAMES = 2
"""How much longer than its pictures a header may say a file is, before the file counts as cut off."""


@dataclass
class _Tally:
    """What one pass over the packets collects."""

    ticks: array[int]
    untimed: int = 0
    last_tick: int | None = None
    last_duration: int = 0
    end_s: Fraction = Fraction(0)

    def add(self, tick: int | None, duration: int | None) -> None:
        """Take one frame's time."""
        if tick is None:
            self.untimed += 1
            return
        self.ticks.append(tick)
        if self.last_tick is None or tick >= self.last_tick:
            self.last_tick, self.last_duration = tick, duration or 0


@dataclass(frozen=True)
class Scan:
    """What a pass over a video found."""

    timeline: Timeline
    """When each frame that is there is shown."""
    promised_frame_count: int
    """How many frames the file's header speaks of; more than the timeline has if the file was cut off."""


def scan_video(path: Path | str) -> Scan:
    """Count a video's frames and read their times; the pictures are decoded only where packets cannot be trusted.

    Args:
        path: The video.

    Returns:
        Timeline and the header's frame count.

    Raises:
        MediaError: If the file is no video, or has no frames, or does not say its frame rate and has one frame only.
    """
    with open_media(path) as container:
        stream = require_video(container, path)
        tally = _tally_packets(container, stream)
        facts = _StreamFacts.of(container, stream)
    if tally is None:
        tally = _tally_frames(path)
    frame_count = len(tally.ticks) + tally.untimed
    if frame_count == 0:
        raise MediaError(path, "holds a video stream with no frames in it; the recording or the copy did not finish")
    try:
        timeline = facts.timeline(tally)
    except (ValueError, IndexError) as error:
        raise MediaError(path, "does not say its frame rate; re-save it with a frame rate") from error
    return Scan(timeline, max(frame_count, facts.promised(tally, timeline)))


def _tally_packets(container: InputContainer, stream: VideoStream) -> _Tally | None:
    """Count packets; None if packets and frames need not agree for this codec or this file's first group."""
    tally = _Tally(array("q"))
    first_tick: int | None = None
    every_stream_counts = "matroska" in container.format.name  # Its header tells the length of the longest stream.
    for packet in _whole_packets(container):
        if packet.stream_index != stream.index:
            if every_stream_counts:
                _reach(tally, packet)
            continue
        if packet.is_discard:
            continue
        if len(tally.ticks) + tally.untimed == 0:
            first_tick = packet.pts
            if not packet.is_keyframe or stream.codec_context.name not in ONE_FRAME_PER_PACKET:
                return None
        if first_tick is not None and packet.pts is not None and packet.pts < first_tick:
            return None  # Pictures before the first key picture refer to what is not there, and may not decode.
        tally.add(packet.pts, packet.duration)
        _reach(tally, packet)
    return tally


def _whole_packets(container: InputContainer) -> Iterator[Packet[Any]]:
    """Give the packets that are wholly there; a file that was cut off may end in an error instead of an end."""
    from av.error import FFmpegError

    try:
        for packet in container.demux():
            if packet.size and not packet.is_corrupt:
                yield packet
    except FFmpegError:
        return


def _reach(tally: _Tally, packet: Packet[Any]) -> None:
    """Note how far the packets reach."""
    if packet.pts is not None:
        tally.end_s = max(tally.end_s, (packet.pts + (packet.duration or 0)) * packet.time_base)


def _tally_frames(path: Path | str) -> _Tally:
    """Count by decoding."""
    from av.error import FFmpegError, InvalidDataError

    tally = _Tally(array("q"))
    with open_media(path) as container:
        stream = require_video(container, path)
        try:
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except InvalidDataError:
                    continue
                for frame in frames:
                    tally.add(frame.pts, packet.duration)
                _reach(tally, packet)
        except FFmpegError:
            return tally
    return tally


@dataclass(frozen=True)
class _StreamFacts:
    """What the header says, kept while the container is open."""

    header_frames: int
    header_end_s: Fraction | None
    rates: tuple[Fraction, ...]
    time_base: Fraction
    has_clock: bool

    @staticmethod
    def of(container: InputContainer, stream: VideoStream) -> _StreamFacts:
        """Read the header."""
        rates = (stream.guessed_rate, stream.average_rate, stream.base_rate)
        time_base = stream.time_base or Fraction(1, 1000)
        return _StreamFacts(
            header_frames=stream.frames,
            header_end_s=_header_end_s(container, stream, time_base),
            rates=tuple(rate for rate in rates if rate),
            time_base=time_base,
            has_clock=has_clock(container),
        )

    def timeline(self, tally: _Tally) -> Timeline:
        """Turn the collected times into a timeline; without times, the frames follow one another evenly."""
        if tally.untimed:
            return even_timeline(len(tally.ticks) + tally.untimed, self.rates[0])
        timeline = build_timeline(tally.ticks, self.time_base, self.rates, tally.last_duration)
        return timeline if self.has_clock else replace(timeline, ticks=(), start_s=Fraction(0))

    def promised(self, tally: _Tally, timeline: Timeline) -> int:
        """Say how many frames the header speaks of.

        The header's frame count alone does not do: an edit list may hide some. A file counts as cut off only when its
        pictures end clearly before the time that the header tells.
        """
        if self.header_end_s is None:
            return 0
        missing = round((self.header_end_s - tally.end_s) * timeline.fps)
        if missing <= HEADER_SLACK_FRAMES:
            return 0
        return max(self.header_frames, timeline.frame_count + missing)


def _header_end_s(container: InputContainer, stream: VideoStream, time_base: Fraction) -> Fraction | None:
    """Give the time at which the header says the file ends; other formats' times are FFmpeg's guesses from the data."""
    name = container.format.name
    if "matroska" in name:
        return Fraction(container.duration, 1_000_000) if container.duration else None
    if name == "avi" and stream.frames:
        return stream.frames * time_base
    if name.startswith("mov") and stream.duration:
        return ((stream.start_time or 0) + stream.duration) * time_base
    return None
