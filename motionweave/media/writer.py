"""Frames into a video file, one at a time, with sound that ends with the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, cast

from torch import Tensor

from ..errors import InputError, MediaError
from ..types import Audio, Size, check_shape
from .colour import BT709, LIMITED, encode_rgb, to_bytes
from .files import partial_path, put_in_place, write_errors
from .soundtrack import Soundtrack, aac_ready, layout_of

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

VideoCodec = Literal["h264", "ffv1"]
"""``h264`` for people (mp4, yuv420p), ``ffv1`` for later steps (mkv, the very bits of 8-bit RGB)."""


@dataclass(frozen=True)
class _Recipe:
    """How one codec is written."""

    encoder: str
    container: str
    suffix: str
    pixel_format: str
    sound_codec: str


RECIPES: Mapping[str, _Recipe] = {
    "h264": _Recipe("libx264", "mp4", ".mp4", "yuv420p", "aac"),
    "ffv1": _Recipe("ffv1", "matroska", ".mkv", "bgr0", "pcm_f32le"),
}
"""By codec."""


class VideoWriter:
    """Writes a video as its frames come; the file appears under its name only when it is complete.

    Use it in a ``with`` block. When the block ends well, the sound is cut or followed by silence to exactly
    ``round(frame_count * sample_rate / fps)`` samples and the file is renamed into place; when it ends in an exception,
    nothing is left behind and a file that was there before stays.

    H.264 is tagged and converted as BT.709 limited range, begins to play before it is wholly loaded, and has AAC sound
    whose encoder delay is declared in the file (measured: 0 samples of offset on reading back). FFV1 gives back the
    very same 8-bit RGB, and float sound bit for bit.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        fps: Fraction,
        size: Size,
        codec: VideoCodec = "h264",
        audio: Audio | None = None,
        metadata: Mapping[str, str] | None = None,
        crf: int = 18,
    ) -> None:
        """Check everything that can be checked before the first frame.

        Args:
            path: The file: .mp4 for h264, .mkv for ffv1.
            fps: Frames per second.
            size: Size of every frame; even for h264.
            codec: ``h264`` or ``ffv1``.
            audio: Sound from the first frame on; None writes a silent file.
            metadata: Tags to store, such as the recipe that made the video.
            crf: Quality of h264, from 0 (best) to 51.

        Raises:
            InputError: If one of these is out of range, or the sound has more channels than containers can name.
        """
        self._path = Path(path)
        self._recipe = _check(self._path, fps, size, codec, crf)
        self._fps, self._size, self._crf = fps, size, crf
        self._metadata = dict(metadata or {})
        if audio is not None:
            layout_of(audio)
            audio = aac_ready(audio) if self._recipe.sound_codec == "aac" else audio
        self._audio = audio
        self._partial: Path | None = None
        self._container: OutputContainer | None = None
        self._frame_count = 0

    @property
    def frame_count(self) -> int:
        """Frames written so far."""
        return self._frame_count

    def __enter__(self) -> VideoWriter:
        """Open the unfinished file beside the target.

        Returns:
            This writer.

        Raises:
            MediaError: If the folder does not take it.
        """
        self._partial = partial_path(self._path)
        try:
            with write_errors(self._path):
                self._open(self._partial)
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, frames: Tensor) -> None:
        """Encode frames.

        Args:
            frames: (F, 3, H, W) float in [0, 1] (clamped beyond) or uint8, of the size that was announced.

        Raises:
            ShapeError: If the shape differs.
            InputError: If the frames hold NaN, or the writer is not open.
            MediaError: If the disk refuses.
        """
        check_shape("frames", frames, f"F 3 {self._size.height} {self._size.width}")
        if self._container is None:
            raise InputError(f"{self._path.name} is not open for writing; write inside `with VideoWriter(...)`")
        for frame in frames:
            pixels = to_bytes(frame)
            with write_errors(self._path):
                self._encode(self._container, pixels)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or remove what there is of it if the block failed."""
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()

    def _open(self, partial: Path) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        recipe = self._recipe
        # The same frames give the same bytes: no random segment ids, no writing application's version.
        options = {"fflags": "+bitexact"}
        if recipe.container == "mp4":
            options |= {"movflags": "+faststart+use_metadata_tags"}
            if self._audio is not None:
                # An mp4 tells lengths in this unit; in the default one, milliseconds, the last samples would be lost.
                options["movie_timescale"] = str(self._audio.sample_rate)
        self._container = av.open(str(partial), "w", format=recipe.container, options=options)
        self._container.metadata.update(self._metadata)
        self._video = self._add_video(self._container)
        self._reformatter = VideoReformatter()
        self._sound = None
        if self._audio is not None:
            self._sound = Soundtrack(self._container, self._audio, recipe.sound_codec)

    def _add_video(self, container: OutputContainer) -> VideoStream:
        recipe = self._recipe
        # x264's macroblock tree gives other bytes each time on some processors, even for the same frames on one thread.
        # Every FFV1 frame is a key frame, so that a damaged one costs itself only.
        h264 = {"crf": str(self._crf), "x264-params": "mbtree=0"}
        options = h264 if recipe.encoder == "libx264" else {"level": "3", "g": "1"}
        stream = cast("VideoStream", container.add_stream(recipe.encoder, rate=self._fps, options=options))
        stream.width, stream.height, stream.pix_fmt = self._size.width, self._size.height, recipe.pixel_format
        stream.codec_context.time_base = 1 / self._fps
        if recipe.pixel_format.startswith("yuv"):
            context = stream.codec_context
            context.color_range, context.colorspace = LIMITED, BT709
            context.color_primaries, context.color_trc = BT709, BT709
        return stream

    def _encode(self, container: OutputContainer, pixels: Tensor) -> None:
        frame = encode_rgb(pixels, self._recipe.pixel_format, self._reformatter)
        frame.pts, frame.time_base = self._frame_count, 1 / self._fps
        container.mux(self._video.encode(frame))
        self._frame_count += 1
        if self._sound is not None:
            self._sound.advance(self._frame_count / self._fps)

    def _finish(self) -> None:
        if self._container is None or self._partial is None:
            return
        if self._frame_count == 0:
            raise MediaError(self._path, "not a single frame was written, so there is no video; nothing was saved")
        with write_errors(self._path):
            self._container.mux(self._video.encode(None))
            if self._sound is not None:
                self._sound.finish(self._frame_count / self._fps)
            self._container.close()
            put_in_place(self._partial, self._path)

    def _discard(self) -> None:
        """Close and remove the unfinished file, whatever state it is in."""
        from av.error import FFmpegError

        container, self._container = self._container, None
        try:
            if container is not None:
                container.close()
        except (FFmpegError, OSError):
            pass  # The file is thrown away, and the error that brought us here says more.
        finally:
            if self._partial is not None:
                self._partial.unlink(missing_ok=True)


def _check(path: Path, fps: Fraction, size: Size, codec: str, crf: int) -> _Recipe:
    """Refuse what no encoder could take, and give the codec's recipe."""
    recipe = RECIPES.get(codec)
    if recipe is None:
        raise InputError(f"codec is '{codec}'; expected one of {', '.join(RECIPES)}")
    if path.suffix.lower() != recipe.suffix:
        raise InputError(f"{path.name}: {codec} is written to {recipe.suffix} files; change the ending or the codec")
    if fps <= 0:
        raise InputError(f"fps is {fps}; expected a positive number of frames per second")
    if not 0 <= crf <= 51:
        raise InputError(f"crf is {crf}; expected 0 (best) to 51")
    if codec == "h264" and (size.width % 2 or size.height % 2):
        raise InputError(f"h264 needs even sizes, {size} is not; resize to an even width and height, or write ffv1")
    return recipe
