"""256 colours for each frame of a GIF, chosen by FFmpeg's own filters."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from ..types import Size

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

DITHER = "bayer:bayer_scale=3"
"""An ordered pattern: it stands still where the picture does, which error diffusion does not, and packs better."""


class Palette:
    """Gives each frame its own palette, so that nothing has to be seen twice and memory holds one frame."""

    def __init__(self, size: Size, fps: Fraction) -> None:
        """Build the filters.

        Args:
            size: Of every frame.
            fps: Frames per second.
        """
        from av.filter import Graph
        from av.video.format import VideoFormat

        self._graph = Graph()
        source = self._graph.add_buffer(
            format=VideoFormat("rgb24", size.width, size.height),
            width=size.width,
            height=size.height,
            time_base=1 / fps,
        )
        split = self._graph.add("split")
        choose = self._graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = self._graph.add("paletteuse", f"new=1:dither={DITHER}")
        source.link_to(split)
        split.link_to(choose, 0, 0)
        split.link_to(use, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(self._graph.add("buffersink"))
        self._graph.configure()

    def __call__(self, frame: VideoFrame) -> list[VideoFrame]:
        """Take a frame, and give those that are ready; the filters may keep one back."""
        self._graph.push(frame)
        return self._pull()

    def finish(self) -> list[VideoFrame]:
        """Give what was kept back."""
        self._graph.push(None)
        return self._pull()

    def _pull(self) -> list[VideoFrame]:
        from av.error import BlockingIOError, EOFError
        from av.video.frame import VideoFrame

        ready: list[VideoFrame] = []
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return ready
            assert isinstance(frame, VideoFrame)
            ready.append(frame)
