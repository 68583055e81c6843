"""What a video is, before anything is decoded for good."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MediaError
from ..types import Size
from .colour import is_full_range
from .container import find_audio, first_frame, open_media, require_video
from .geometry import Orientation, orientation_from_matrix, square_size
from .scan import scan_video
from .timeline import Timeline

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


@dataclass(frozen=True)
class VideoInfo:
    """The facts of a video file."""

    path: Path
    """The file."""
    size: Size
    """How it is shown: upright, with square pixels."""
    coded_size: Size
    """How it is stored."""
    fps: Fraction
    """Frames per second, exactly; the mean where the rate varies."""
    frame_count: int
    """Frames that are there."""
    promised_frame_count: int
    """Frames that the file's header speaks of; more than `frame_count` if the file was cut off."""
    duration_s: Fraction
    """Seconds from the first frame's start to the last one's end."""
    start_s: Fraction
    """Where the first frame lies on the file's own clock, in seconds."""
    rotation: int
    """Degrees clockwise by which players turn the stored picture: 0, 90, 180 or 270."""
    sample_aspect_ratio: Fraction
    """Width over height of one stored pixel."""
    full_range: bool
    """Whether stored values use 0-255 rather than 16-235."""
    has_audio: bool
    """Whether there is a sound stream."""
    codec: str
    """FFmpeg's name of the codec."""


@dataclass(frozen=True)
class Source:
    """A probed video, with what a reader needs beyond `VideoInfo`."""

    info: VideoInfo
    """The facts."""
    timeline: Timeline
    """When each frame is shown."""
    orientation: Orientation
    """How stored pictures turn upright."""


def probe_video(path: Path | str) -> VideoInfo:
    """Say what a video file holds.

    The frame count is exact: packets are counted, or frames decoded where packets do not tell, and nothing is held.
    That reads the whole file once.

    Args:
        path: The video.

    Returns:
        Its facts.

    Raises:
        MediaError: If the file is missing, a folder, empty, no media file, a still image, sound only, or has no
            frames.
    """
    return inspect_video(path).info


def inspect_video(path: Path | str) -> Source:
    """Probe a video for reading.

    Args:
        path: The video.

    Returns:
        Facts, timeline and orientation.

    Raises:
        MediaError: As `probe_video`.
    """
    scan = scan_video(path)
    with open_media(path) as container:
        stream = require_video(container, path)
        frame = first_frame(container, stream)
        if frame is None:
            raise MediaError(path, f"none of its {scan.timeline.frame_count} frames can be decoded ({stream.name})")
        orientation = _orientation(frame, path)
        ratio = stream.sample_aspect_ratio or Fraction(1)
        coded = Size(frame.width, frame.height)
        info = VideoInfo(
            path=Path(path),
            size=orientation.apply_to_size(square_size(coded, ratio)),
            coded_size=coded,
            fps=scan.timeline.fps,
            frame_count=scan.timeline.frame_count,
            promised_frame_count=scan.promised_frame_count,
            duration_s=scan.timeline.duration_s,
            start_s=scan.timeline.start_s,
            rotation=orientation.rotation,
            sample_aspect_ratio=ratio,
            full_range=is_full_range(frame),
            has_audio=find_audio(container) is not None,
            codec=stream.codec_context.codec.canonical_name,
        )
    return Source(info, scan.timeline, orientation)


def read_metadata(path: Path | str) -> dict[str, str]:
    """Read the tags of a media file, such as the recipe that `VideoWriter` put there.

    Args:
        path: A video or sound file.

    Returns:
        Tags by name; Matroska spells names in capitals.

    Raises:
        MediaError: If the file cannot be opened.
    """
    with open_media(path) as container:
        return dict(container.metadata)


def _orientation(frame: VideoFrame, path: Path | str) -> Orientation:
    """Read the display matrix of a frame."""
    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return Orientation()
    orientation = orientation_from_matrix(struct.unpack("=9i", bytes(side_data)))
    if orientation is None:
        raise MediaError(path, f"is to be shown turned by {frame.rotation} degrees; expected quarter turns, re-save it")
    return orientation
