"""Pose tracks, from what other tools made."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..motionweave import (
    InputError,
    KeypointTrack,
    PoseMapFrames,
    Size,
    extract_pose,
    overlay_sheet,
    read_pose_keypoint,
    write_pose_keypoint,
)
from .convert import footage_from, image_from_pixels, pixels_from_image, pose_maps_from_video
from .runtime import runtime
from .sockets import PoseKeypointSocket, PoseModelSocket, PoseSocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import PoseEstimator, PoseTrack


class ExtractPose(io.ComfyNode):
    """Read poses from a driving video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveExtractPose",
            display_name="Extract Pose",
            category="MotionWeave/tracks",
            description="Finds the people of a driving video and their body, face and hands. The result is kept on "
            "disk, so the same video is read only once.",
            inputs=[
                PoseModelSocket.Input("pose_model", tooltip="From Load Pose Model."),
                io.Video.Input("video", optional=True, tooltip="The driving video; it is read as it is needed, however "
                               "long it is."),
                io.Image.Input("images", optional=True, tooltip="The driving video as images, if there is no video."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second of the images; a video's own rate is used instead."),
            ],
            outputs=[
                PoseSocket.Output(display_name="pose", tooltip="Goes to Apply Pose, Plan Chunks and the pose tools."),
                io.Int.Output(display_name="frames", tooltip="Frames of the track."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, pose_model: PoseEstimator, fps: float, video: Any = None, images: Tensor | None = None
    ) -> io.NodeOutput:
        footage = footage_from(video, images, fps)
        track = extract_pose(footage, pose_model, runtime())
        sheet = image_from_pixels(overlay_sheet(footage, track))
        return io.NodeOutput(track, len(track), ui=ui.PreviewImage(sheet, cls=cls))


class PoseFromMaps(io.ComfyNode):
    """Take pose maps that are drawn already."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeavePoseFromMaps",
            display_name="Pose from Pose Maps",
            category="MotionWeave/tracks",
            description="Takes a video, or a batch of images, of OpenPose or DWPose maps as a pose track. A video is "
            "read as it is needed, however long it is.",
            inputs=[
                io.Video.Input("video", optional=True, tooltip="A video of pose maps; brings its own frame rate."),
                io.Image.Input("images", optional=True, tooltip="Pose maps as images, if there is no video."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second of the images; a video's own rate is used instead."),
            ],
            outputs=[PoseSocket.Output(display_name="pose", tooltip="Goes to Apply Pose and Plan Chunks.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, fps: float, video: Any = None, images: Tensor | None = None) -> io.NodeOutput:
        if (video is None) == (images is None):
            raise InputError("Pose from Pose Maps takes either a video or images; connect exactly one of the two")
        if images is not None:
            return io.NodeOutput(PoseMapFrames(pixels_from_image(images), Fraction(fps).limit_denominator(1001)))
        return io.NodeOutput(pose_maps_from_video(video))


class PoseFromKeypoints(io.ComfyNode):
    """Take another pack's keypoints."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeavePoseFromKeypoints",
            display_name="Pose from Keypoints",
            category="MotionWeave/tracks",
            description="Takes POSE_KEYPOINT (OpenPose-style JSON), as the DWPose and OpenPose nodes of other packs "
            "give it, as a pose track.",
            inputs=[
                PoseKeypointSocket.Input("keypoints", tooltip="One dict of people a frame."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second; the keypoints do not say."),
                io.Int.Input("canvas_width", default=0, min=0, max=16384,
                             tooltip="Width in pixels of the picture that the keypoints lie on; 0: what they say."),
                io.Int.Input("canvas_height", default=0, min=0, max=16384,
                             tooltip="Height in pixels of the picture that the keypoints lie on; 0: what they say."),
            ],
            outputs=[PoseSocket.Output(display_name="pose", tooltip="Goes to Apply Pose and Plan Chunks.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, keypoints: Any, fps: float, canvas_width: int, canvas_height: int) -> io.NodeOutput:
        canvas = Size(canvas_width, canvas_height) if canvas_width and canvas_height else None
        return io.NodeOutput(read_pose_keypoint(keypoints, Fraction(fps).limit_denominator(1001), canvas))


class PoseToKeypoints(io.ComfyNode):
    """Give keypoints to other packs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeavePoseToKeypoints",
            display_name="Pose to Keypoints",
            category="MotionWeave/tracks",
            description="Gives a pose track as POSE_KEYPOINT, for other packs' pose nodes.",
            inputs=[PoseSocket.Input("pose", tooltip="A track of keypoints; pose maps hold none.")],
            outputs=[PoseKeypointSocket.Output(display_name="keypoints", tooltip="OpenPose-style JSON.")],
        )

    @classmethod
    def execute(cls, pose: PoseTrack) -> io.NodeOutput:
        if not isinstance(pose, KeypointTrack):
            raise InputError("this pose track is made of drawn pose maps, which hold no keypoints; extract them first")
        return io.NodeOutput(write_pose_keypoint(pose))


class DrawPose(io.ComfyNode):
    """Look at a pose track."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveDrawPose",
            display_name="Draw Pose",
            category="MotionWeave/tracks",
            description="Draws some frames of a pose track as pose maps, as the ControlNet will see them.",
            inputs=[
                PoseSocket.Input("pose", tooltip="The track."),
                io.Int.Input("width", default=512, min=16, max=8192, step=8,
                             tooltip="Width of the pictures in pixels."),
                io.Int.Input("height", default=512, min=16, max=8192, step=8,
                             tooltip="Height of the pictures in pixels."),
                io.Int.Input("first", default=0, min=0, max=10**7, tooltip="First frame to draw."),
                io.Int.Input("count", default=48, min=1, max=1000,
                             tooltip="How many frames to draw; fewer if the track ends before."),
            ],
            outputs=[io.Image.Output(display_name="images", tooltip="Pose maps.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, pose: PoseTrack, width: int, height: int, first: int, count: int) -> io.NodeOutput:
        if first >= len(pose):
            raise InputError(f"the first frame to draw is {first}, but the track has {len(pose)} frames")
        maps = pose.window(first, min(first + count, len(pose))).drawn(Size(width, height))
        return io.NodeOutput(image_from_pixels(maps.float() / 255))


NODES = [ExtractPose, PoseFromMaps, PoseFromKeypoints, PoseToKeypoints, DrawPose]
