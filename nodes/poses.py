"""Pose tracks, from what other tools made."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..motionweave import (
    POSE_STYLES,
    InputError,
    PoseMapFrames,
    Size,
    SmoothOptions,
    choice_sheet,
    confine,
    draw_range,
    extract_pose,
    fit_sheet,
    follow_person,
    overlay_sheet,
    people_rows,
    pose_file_state,
    read_pose_file,
    read_pose_keypoint,
    require_keypoints,
    retarget_pose,
    sample_footage,
    smooth_pose,
    steadiness_plot,
    track_sheet,
    write_pose_keypoint,
    write_sample_keypoints,
)
from .convert import footage_from, image_from_pixels, pixels_from_image, pose_maps_from_video
from .runtime import folders, runtime
from .sockets import PoseKeypointSocket, PoseModelSocket, PoseSocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import PersonChoice, PoseEstimator, PoseTrack, RetargetMethod

SAMPLE = "sample"


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
        sample = sample_footage(footage, track)
        pictures = ui.PreviewImage(image_from_pixels(sample.small()), cls=cls).as_dict()["images"]
        shown = {"motionweave_footage": [{"frames": list(sample.indices), "pictures": pictures}]}
        sheet = ui.PreviewImage(image_from_pixels(overlay_sheet(sample, track)), cls=cls)
        return io.NodeOutput(track, len(track), ui=shown | sheet.as_dict())


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
            track = PoseMapFrames(pixels_from_image(images), Fraction(fps).limit_denominator(1001))
        else:
            track = pose_maps_from_video(video)
        return io.NodeOutput(track, ui=ui.PreviewImage(image_from_pixels(track_sheet(track)), cls=cls))


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
        track = read_pose_keypoint(keypoints, Fraction(fps).limit_denominator(1001), canvas)
        return io.NodeOutput(track, ui=ui.PreviewImage(image_from_pixels(track_sheet(track)), cls=cls))


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
        return io.NodeOutput(write_pose_keypoint(require_keypoints(pose)))


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
                io.Combo.Input("style", options=list(POSE_STYLES.ids()), default="openpose", optional=True,
                               tooltip="The look: 'openpose' is what pose ControlNets know; 'confidence' fades what is "
                               "doubtful; 'mimicmotion' is thin, with red and blue exchanged."),
            ],
            outputs=[io.Image.Output(display_name="images", tooltip="Pose maps.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, pose: PoseTrack, width: int, height: int, first: int, count: int, style: str = "openpose"
    ) -> io.NodeOutput:
        maps = draw_range(pose, first, count, Size(width, height), POSE_STYLES.get(style).build())
        return io.NodeOutput(image_from_pixels(maps.float() / 255))


class LoadPoseFile(io.ComfyNode):
    """Take keypoints from disk."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadPoseFile",
            display_name="Load Pose File",
            category="MotionWeave/load",
            description="Reads keypoints from ComfyUI's input folder: OpenPose-style JSON, a folder of OpenPose's "
            "files, COCO annotations, or a table of COCO's 17 points.",
            inputs=[
                io.String.Input("file", default="", tooltip="A .json or .csv file, or a folder of .json files, below "
                                "ComfyUI's input folder, such as poses/dance.json; 'sample' draws one of 48 "
                                "frames, 12 a second, to try."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second; the files do not say."),
                io.Int.Input("canvas_width", default=0, min=0, max=16384,
                             tooltip="Width in pixels of the picture that the keypoints lie on; 0: what the file "
                             "says."),
                io.Int.Input("canvas_height", default=0, min=0, max=16384,
                             tooltip="Height in pixels of the picture that the keypoints lie on; 0: what the file "
                             "says."),
            ],
            outputs=[PoseSocket.Output(display_name="pose", tooltip="Goes to Apply Pose, Plan Chunks and the pose "
                                       "tools.")],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, file: str, **_: Any) -> str:
        """Read the file again when it has changed."""
        return SAMPLE if file == SAMPLE else pose_file_state(confine(folders().input, file))

    @classmethod
    def execute(cls, file: str, fps: float, canvas_width: int, canvas_height: int) -> io.NodeOutput:
        canvas = Size(canvas_width, canvas_height) if canvas_width and canvas_height else None
        here = folders()
        path = write_sample_keypoints(here.temp / "motionweave") if file == SAMPLE else confine(here.input, file)
        track = read_pose_file(path, Fraction(fps).limit_denominator(1001), canvas)
        return io.NodeOutput(track, ui=ui.PreviewImage(image_from_pixels(track_sheet(track)), cls=cls))


class ChoosePerson(io.ComfyNode):
    """Keep one person of several."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveChoosePerson",
            display_name="Choose Person",
            category="MotionWeave/tracks",
            description="Keeps one person of a pose track that shows several. Frames in which the person is not seen "
            "stay empty.",
            inputs=[
                PoseSocket.Input("pose", tooltip="A track of keypoints; pose maps hold none."),
                io.Combo.Input("choice", options=["track", "largest", "centre", "index", "all"], default="track",
                               tooltip="'track' follows one person through the clip; 'largest', 'centre' and 'index' "
                               "(counted from the left) choose in every frame anew; 'all' keeps everybody."),
                io.Int.Input("index", default=0, min=0, max=99,
                             tooltip="For 'track' 0 is who fills most of the clip, 1 the next; for 'index' 0 is the "
                             "leftmost."),
            ],
            outputs=[PoseSocket.Output(display_name="pose", tooltip="The chosen person alone.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, pose: PoseTrack, choice: PersonChoice, index: int) -> io.NodeOutput:
        everybody = require_keypoints(pose)
        chosen = follow_person(everybody, choice, index)
        sheet = ui.PreviewImage(image_from_pixels(choice_sheet(everybody, chosen)), cls=cls)
        return io.NodeOutput(chosen, ui={"motionweave_people": [people_rows(everybody)]} | sheet.as_dict())


class SmoothPose(io.ComfyNode):
    """Steady the keypoints."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveSmoothPose",
            display_name="Smooth Pose",
            category="MotionWeave/tracks",
            description="Fills short gaps and takes out jitter without making the motion late (One-Euro filter, "
            "forwards and backwards).",
            inputs=[
                PoseSocket.Input("pose", tooltip="A track of keypoints; pose maps hold none."),
                io.Float.Input("cutoff_hz", default=1.5, min=0.0, max=30.0, step=0.1,
                               tooltip="How calm a joint at rest is, in Hz: lower is calmer; 0 turns the filter off."),
                io.Float.Input("speed_weight", default=8.0, min=0.0, max=100.0, step=0.5,
                               tooltip="Hz added for each figure height per second at which a joint moves: higher "
                               "keeps fast motion crisper."),
                io.Int.Input("fill_frames", default=8, min=0, max=240,
                             tooltip="Longest gap that is filled, in frames; 0 fills none."),
                io.Float.Input("trusted_above", default=0.3, min=0.0, max=1.0, step=0.01,
                               tooltip="Confidence above which a joint counts as seen."),
            ],
            outputs=[PoseSocket.Output(display_name="pose", tooltip="The same people, steadier.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, pose: PoseTrack, cutoff_hz: float, speed_weight: float, fill_frames: int, trusted_above: float
    ) -> io.NodeOutput:
        before = require_keypoints(pose)
        options = SmoothOptions(cutoff_hz, speed_weight, fill_frames=fill_frames, trusted_above=trusted_above)
        after = smooth_pose(before, options)
        plot = image_from_pixels(steadiness_plot(before, after))
        return io.NodeOutput(after, ui=ui.PreviewImage(plot, cls=cls))


class RetargetPose(io.ComfyNode):
    """Fit the driving figure to the reference's."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveRetargetPose",
            display_name="Retarget Pose",
            category="MotionWeave/tracks",
            description="Gives the driving figure the reference's proportions, size and place, and says how far the "
            "two were apart.",
            inputs=[
                PoseSocket.Input("pose", tooltip="The driving track: one person (Choose Person)."),
                PoseSocket.Input("reference", tooltip="The reference image's pose (Extract Pose of that image); its "
                                 "first frame counts."),
                io.Combo.Input("method", options=["bones", "affine"], default="bones",
                               tooltip="'bones' fits the length of every bone; 'affine' one size and place for the "
                               "whole figure, as MimicMotion does."),
                io.Image.Input("reference_image", optional=True,
                               tooltip="The reference image, shown under the preview; it changes nothing."),
            ],
            outputs=[
                PoseSocket.Output(display_name="pose", tooltip="The fitted track, on the reference's canvas."),
                io.String.Output(display_name="report", tooltip="How far the two figures were apart, in a sentence."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, pose: PoseTrack, reference: PoseTrack, method: RetargetMethod, reference_image: Tensor | None = None
    ) -> io.NodeOutput:
        fitted = retarget_pose(require_keypoints(pose), require_keypoints(reference), method)
        picture = None if reference_image is None else pixels_from_image(reference_image)
        sheet = image_from_pixels(fit_sheet(pose, fitted.track, reference, picture))
        return io.NodeOutput(fitted.track, str(fitted.report), ui=ui.PreviewImage(sheet, cls=cls))


NODES = [
    LoadPoseFile,
    ExtractPose,
    PoseFromMaps,
    PoseFromKeypoints,
    PoseToKeypoints,
    ChoosePerson,
    SmoothPose,
    RetargetPose,
    DrawPose,
]
