"""Frames into a video file, one at a time, with sound that ends with the picture."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

from torch import Tensor

from ..errors import InputError, MediaError
from ..types import Audio, Size, check_shape
from .colour import BT709, LIMITED, encode_rgb, to_bytes
from .files import partial_path, put_in_place, write_errors
from .palette import Palette
from .recipes import Recipe, VideoCodec, recipe_of
from .soundtrack import Soundtrack, aac_ready, layout_of

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class VideoWriter:
    """Writes a video as its frames come; the file appears under its name only when it is complete.

    Use it in a ``with`` block. When the block ends well, the sound is cut or followed by silence to exactly
    ``round(frame_count * sample_rate / fps)`` samples and the file is renamed into place; when it ends in an exception,
    nothing is left behind and a file that was there before stays.

    H.264, H.265, AV1 and ProRes are tagged and converted as BT.709 limited range. An mp4 begins to play before it is
    wholly loaded, and has AAC sound whose encoder delay is declared in the file (measured: 0 samples of offset on
    reading back). FFV1 gives back the very same 8-bit RGB, and float sound bit for bit. GIF and WEBP hold no sound.
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
        crf: int | None = None,
    ) -> None:
        """Check everything that can be checked before the first frame.

        Args:
            path: The file, of the codec's ending: .mp4, .mov for prores, .mkv for ffv1, .gif, .webp.
            fps: Frames per second; at most 50 for gif, whose clock has hundredths of a second.
            size: Size of every frame; even for h264, h265 and av1.
            codec: One of `RECIPES`.
            audio: Sound from the first frame on; None writes a silent file.
            metadata: Tags to store, such as the recipe that made the video.
            crf: Quality on the codec's own scale, such as 0 (best) to 51 for h264; None for its usual one.

        Raises:
            InputError: If one of these is out of range, or the sound has more channels than containers can name.
            UnsupportedError: If this PyAV was built without the codec's encoder.
        """
        self._path = Path(path)
        self._recipe = recipe_of(codec)
        _check(self._path, self._recipe, fps, size, codec)
        self._fps, self._size, self._crf = fps, size, _checked_crf(self._recipe, codec, crf)
        self._metadata = dict(metadata or {})
        if audio is not None:
            if not self._recipe.sound_codec:
                raise InputError(f"{codec} holds no sound; leave the sound out, or write h264")
            layout_of(audio)
            audio = aac_ready(audio) if self._recipe.sound_codec == "aac" else audio
        self._audio = audio
        self._partial: Path | None = None
        self._container: OutputContainer | None = None
        self._frame_count = 0
        self._sent = 0

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
        if recipe.is_mp4:
            options |= {"movflags": "+faststart+use_metadata_tags"}
            if self._audio is not None:
                # An mp4 tells lengths in this unit; in the default one, milliseconds, the last samples would be lost.
                options["movie_timescale"] = str(self._audio.sample_rate)
        elif recipe.container in ("gif", "webp"):
            options |= {"loop": "0"}
        self._container = av.open(str(partial), "w", format=recipe.container, options=options)
        self._container.metadata.update(self._metadata)
        self._video = self._add_video(self._container)
        self._reformatter = VideoReformatter()
        self._palette = Palette(self._size, self._fps) if recipe.pixel_format == "pal8" else None
        self._sound = None
        if self._audio is not None:
            self._sound = Soundtrack(self._container, self._audio, recipe.sound_codec)

    def _add_video(self, container: OutputContainer) -> VideoStream:
        recipe = self._recipe
        options = dict(recipe.options)
        if recipe.encoder == "libsvtav1":
            os.environ.setdefault("SVT_LOG", "1")  # it prints its settings otherwise, past any logger
        if recipe.scale is not None:
            options[recipe.scale.option] = str(self._crf)
        stream = cast("VideoStream", container.add_stream(recipe.encoder, rate=self._fps, options=options))
        stream.width, stream.height, stream.pix_fmt = self._size.width, self._size.height, recipe.pixel_format
        stream.codec_context.time_base = 1 / self._fps
        stream.codec_context.thread_count = 0  # as many as the machine has cores
        if recipe.tag:
            stream.codec_context.codec_tag = recipe.tag
        if recipe.pixel_format.startswith("yuv"):
            context = stream.codec_context
            context.color_range, context.colorspace = LIMITED, BT709
            context.color_primaries, context.color_trc = BT709, BT709
        return stream

    def _encode(self, container: OutputContainer, pixels: Tensor) -> None:
        if self._palette is None:
            ready = [encode_rgb(pixels, self._recipe.pixel_format, self._reformatter)]
        else:
            ready = self._palette(encode_rgb(pixels, "rgb24", self._reformatter))
        for frame in ready:
            self._send(container, frame)
        self._frame_count += 1
        if self._sound is not None:
            self._sound.advance(self._frame_count / self._fps)

    def _send(self, container: OutputContainer, frame: VideoFrame) -> None:
        frame.pts, frame.time_base = self._sent, 1 / self._fps
        container.mux(self._video.encode(frame))
        self._sent += 1

    def _finish(self) -> None:
        if self._container is None or self._partial is None:
            return
        if self._frame_count == 0:
            raise MediaError(self._path, "not a single frame was written, so there is no video; nothing was saved")
        with write_errors(self._path):
            for frame in [] if self._palette is None else self._palette.finish():
                self._send(self._container, frame)
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


def _check(path: Path, recipe: Recipe, fps: Fraction, size: Size, codec: str) -> None:
    """Refuse what no encoder could take."""
    if path.suffix.lower() != recipe.suffix:
        raise InputError(f"{path.name}: {codec} is written to {recipe.suffix} files; change the ending or the codec")
    if fps <= 0:
        raise InputError(f"fps is {fps}; expected a positive number of frames per second")
    if recipe.fastest is not None and fps > recipe.fastest:
        raise InputError(
            f"fps is {float(fps):g}; {codec} players keep time up to {recipe.fastest} frames per second only, so lower "
            "the rate, or write webp"
        )
    across, down = recipe.even
    if size.width % across or size.height % down:
        raise InputError(f"{codec} needs even sizes, {size} is not; resize to an even width and height, or write ffv1")


def _checked_crf(recipe: Recipe, codec: str, crf: int | None) -> int | None:
    """Give the number on the codec's scale."""
    scale = recipe.scale
    if scale is None or crf is None:
        return None if scale is None else scale.usual
    if not min(scale.best, scale.worst) <= crf <= max(scale.best, scale.worst):
        raise InputError(f"crf is {crf}; expected {scale.best} (best) to {scale.worst} for {codec}")
    return crf
