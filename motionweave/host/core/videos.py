"""Core nodes for videos."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from torch import Tensor

from ..context import current_runtime
from ..paths import list_files, locate, next_file
from ..v3 import io, ui
from ..v3.ui import saved
from ..v3.video import VideoCodec, VideoComponents, VideoContainer, VideoFromComponents, VideoFromFile, VideoInput
from .tags import workflow_tags

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".gif", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv")
"""Endings that Load Video lists; a file of another name can be typed."""


class LoadVideo(io.ComfyNode):
    """Name a video of the input folder; its frames are read when they are needed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        options = list_files(current_runtime().folders.input, VIDEO_SUFFIXES)
        return io.Schema(
            node_id="LoadVideo",
            display_name="Load Video",
            category="image/video",
            inputs=[io.Combo.Input("file", options=options, upload=io.UploadType.video)],
            outputs=[io.Video.Output(display_name="VIDEO")],
        )

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        """Check that it is a video."""
        video = VideoFromFile(locate(current_runtime().folders, file))
        video.get_dimensions()  # What is no video is refused here, at the node that names it.
        return io.NodeOutput(video)


class GetVideoComponents(io.ComfyNode):
    """Take a video apart."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="GetVideoComponents",
            display_name="Get Video Components",
            category="image/video",
            inputs=[io.Video.Input("video")],
            outputs=[
                io.Image.Output(display_name="images"),
                io.Audio.Output(display_name="audio"),
                io.Float.Output(display_name="fps"),
            ],
        )

    @classmethod
    def execute(cls, video: VideoInput) -> io.NodeOutput:
        """Decode the video."""
        parts = video.get_components()
        return io.NodeOutput(parts.images, parts.audio, float(parts.frame_rate))


class CreateVideo(io.ComfyNode):
    """Put a video together."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="CreateVideo",
            display_name="Create Video",
            category="image/video",
            inputs=[
                io.Image.Input("images"),
                io.Float.Input("fps", default=30.0, min=1.0, max=120.0, step=1.0),
                io.Audio.Input("audio", optional=True),
            ],
            outputs=[io.Video.Output(display_name="VIDEO")],
        )

    @classmethod
    def execute(cls, images: Tensor, fps: float, audio: dict[str, Any] | None = None) -> io.NodeOutput:
        """Keep the parts; 29.97 and its like are taken for the fractions they stand for."""
        rate = Fraction(fps).limit_denominator(1001)
        return io.NodeOutput(VideoFromComponents(VideoComponents(images, rate, audio)))


class SaveVideo(io.ComfyNode):
    """Write a video to the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="SaveVideo",
            display_name="Save Video",
            category="image/video",
            inputs=[
                io.Video.Input("video"),
                io.String.Input("filename_prefix", default="video/ComfyUI"),
                io.Combo.Input("format", options=VideoContainer.as_input(), default="auto"),
                io.Combo.Input("codec", options=VideoCodec.as_input(), default="auto"),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, video: VideoInput, filename_prefix: str, format: str, codec: str) -> io.NodeOutput:
        """Copy or encode."""
        width, height = video.get_dimensions()
        prefix = filename_prefix.replace("%width%", str(width)).replace("%height%", str(height))
        folder = current_runtime().folders.output
        path = next_file(folder, prefix, f".{VideoContainer.get_extension(format)}")
        video.save_to(str(path), VideoContainer(format), VideoCodec(codec), workflow_tags(cls.hidden))
        return io.NodeOutput(ui=ui.PreviewVideo([saved(path, folder, io.FolderType.output)]))


NODES: tuple[type[io.ComfyNode], ...] = (LoadVideo, GetVideoComponents, CreateVideo, SaveVideo)
