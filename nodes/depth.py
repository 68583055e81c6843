"""Depth tracks, estimated or taken from maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..motionweave import DepthMaps, DepthRange, InputError, Size, depth_sheet, estimate_depth
from .convert import footage_from, image_from_pixels, pose_maps_from
from .runtime import runtime
from .sockets import DepthModelSocket, DepthSocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import DepthModel, DepthTrack


class EstimateDepth(io.ComfyNode):
    """Read depth from a video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveEstimateDepth",
            display_name="Estimate Depth",
            category="MotionWeave/tracks",
            description="Estimates how near everything is in every frame, with one range for the whole clip. The "
            "result is kept on disk, so the same video is read only once.",
            inputs=[
                DepthModelSocket.Input("depth_model", tooltip="From Load Depth Model."),
                io.Video.Input("video", optional=True, tooltip="The driving video; it is read as it is needed, however "
                               "long it is."),
                io.Image.Input("images", optional=True, tooltip="The driving video as images, if there is no video; or "
                               "one image."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second of the images; a video's own rate is used instead."),
                io.Float.Input("far_percent", default=2.0, min=0.0, max=100.0, step=0.5,
                               tooltip="Share of the clip's pixels, the farthest ones, that become fully black."),
                io.Float.Input("near_percent", default=98.0, min=0.0, max=100.0, step=0.5,
                               tooltip="Pixels nearer than this share of the clip's become fully white."),
            ],
            outputs=[DepthSocket.Output(display_name="depth", tooltip="Goes to Draw Depth.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        depth_model: DepthModel,
        fps: float,
        far_percent: float,
        near_percent: float,
        video: Any = None,
        images: Tensor | None = None,
    ) -> io.NodeOutput:
        shown = DepthRange(far_percent, near_percent)
        track = estimate_depth(footage_from(video, images, fps), depth_model, runtime(), shown)
        return io.NodeOutput(track, ui=ui.PreviewImage(image_from_pixels(depth_sheet(track)), cls=cls))


class DepthFromMaps(io.ComfyNode):
    """Take depth maps that are drawn already."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveDepthFromMaps",
            display_name="Depth from Depth Maps",
            category="MotionWeave/tracks",
            description="Takes a video, or a batch of images, of depth maps as a depth track. A video is read as it is "
            "needed, however long it is.",
            inputs=[
                io.Video.Input("video", optional=True, tooltip="A video of depth maps; brings its own frame rate."),
                io.Image.Input("images", optional=True, tooltip="Depth maps as images, if there is no video."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second of the images; a video's own rate is used instead."),
                io.Boolean.Input("near_is_black", default=False,
                                 tooltip="On where the maps show near things dark, as distances in metres do."),
            ],
            outputs=[DepthSocket.Output(display_name="depth", tooltip="Goes to Draw Depth.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, fps: float, near_is_black: bool, video: Any = None, images: Tensor | None = None) -> io.NodeOutput:
        track = DepthMaps(pose_maps_from(video, images, fps), near_is_black)
        return io.NodeOutput(track, ui=ui.PreviewImage(image_from_pixels(depth_sheet(track)), cls=cls))


class DrawDepth(io.ComfyNode):
    """Look at a depth track."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveDrawDepth",
            display_name="Draw Depth",
            category="MotionWeave/tracks",
            description="Draws some frames of a depth track as grey pictures, near white.",
            inputs=[
                DepthSocket.Input("depth", tooltip="The track."),
                io.Int.Input("width", default=0, min=0, max=8192, step=8,
                             tooltip="Width of the pictures in pixels; 0 for the footage's own."),
                io.Int.Input("height", default=0, min=0, max=8192, step=8,
                             tooltip="Height of the pictures in pixels; 0 for the footage's own."),
                io.Int.Input("first", default=0, min=0, max=10**7, tooltip="First frame to draw."),
                io.Int.Input("count", default=48, min=1, max=1000,
                             tooltip="How many frames to draw; fewer if the track ends before."),
            ],
            outputs=[io.Image.Output(display_name="images", tooltip="Depth maps, near white.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, depth: DepthTrack, width: int, height: int, first: int, count: int) -> io.NodeOutput:
        if first >= len(depth):
            raise InputError(f"the first frame to draw is {first}, but the track has {len(depth)} frames")
        size = Size(width or depth.canvas.width, height or depth.canvas.height)
        maps = depth.window(first, min(first + count, len(depth))).drawn(size)
        return io.NodeOutput(image_from_pixels(maps.float() / 255))


NODES = [EstimateDepth, DepthFromMaps, DrawDepth]
