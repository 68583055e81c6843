"""From finished clips to one video with sound, a frame at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from ..errors import InputError, MediaError
from ..media import VideoCodec, VideoInfo, VideoWriter, prefetch, probe_video, recipe_of
from ..types import Audio, Progress
from .clips import ClipRow
from .joins import Join, joined_frames

AHEAD = 4
"""Frames that wait to be encoded: enough for reading never to keep the encoder waiting."""


@dataclass(frozen=True)
class StitchOptions:
    """How clips become one file."""

    join: Join = "auto"
    """How they are joined."""
    codec: VideoCodec = "h264"
    """How the video is written."""
    quality: int | None = None
    """From 0 (worst) to 100 (best); None for the codec's usual. FFV1, ProRes and GIF have nothing to choose."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags to store in the file."""

    def __post_init__(self) -> None:
        """Refuse qualities that are none."""
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise InputError(f"quality is {self.quality}; expected 0 (worst) to 100 (best)")


def stitch_chunks(
    row: ClipRow,
    path: Path,
    audio: Audio | None = None,
    options: StitchOptions = StitchOptions(),
    on_progress: Callable[[Progress], None] | None = None,
) -> VideoInfo:
    """Join clips into one video in a single pass; clips are read and joined in a thread while frames are encoded.

    Args:
        row: The clips, all of which must be there.
        path: The file to write, of the codec's ending; it appears only when it is complete.
        audio: Sound from the first frame on; cut, or followed by silence, to the video's exact length. GIF and WEBP
            hold none.
        options: How to join and to write.
        on_progress: Told of every chunk; whatever it raises ends the work and leaves nothing behind.

    Returns:
        The facts of the finished file.

    Raises:
        InputError: If a clip is missing, or the codec does not take the picture size, the rate or the sound.
        UnsupportedError: If this PyAV cannot write the codec.
        MediaError: If a clip cannot be read, the file cannot be written, or chunks were made again meanwhile.
    """
    recipe = recipe_of(options.codec)
    crf = None if options.quality is None or recipe.scale is None else recipe.scale.at(options.quality)
    clips = row.clips()
    ends = list(accumulate(clip.frame_count for clip in clips))
    frames = prefetch(joined_frames(row, options.join), AHEAD)
    chunk = 0
    with (
        VideoWriter(
            path, fps=row.fps, size=row.size, codec=options.codec, audio=audio, metadata=options.metadata, crf=crf
        ) as writer,
        closing(frames),
    ):
        for frame in frames:
            writer.write(frame[None])
            while chunk < len(ends) and writer.frame_count == ends[chunk]:
                chunk += 1
                if on_progress is not None:
                    on_progress(Progress("stitch", chunk - 1, len(ends), 1, 1))
        if [clip.digest for clip in row.clips()] != [clip.digest for clip in clips]:
            raise MediaError(path, "the chunks were made again while they were joined; join them once more")
    return _webp_info(path, row, writer.frame_count) if options.codec == "webp" else probe_video(path)


def _webp_info(path: Path, row: ClipRow, frame_count: int) -> VideoInfo:
    """Say what was written: FFmpeg writes animated WEBP, but cannot read it."""
    return VideoInfo(
        path=path,
        size=row.size,
        coded_size=row.size,
        fps=row.fps,
        frame_count=frame_count,
        promised_frame_count=frame_count,
        duration_s=frame_count / row.fps,
        start_s=Fraction(0),
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        full_range=True,
        has_audio=False,
        codec="webp",
    )
