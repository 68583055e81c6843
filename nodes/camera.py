"""Camera tracks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ..motionweave import (
    CAMERA_PRESETS,
    EASINGS,
    CameraRequest,
    InputError,
    camera_path,
    camera_rows,
    camera_sheet,
    nearness_of,
    parse_moves,
    warp_by_camera,
)
from .convert import image_from_pixels, pixels_from_image
from .runtime import runtime
from .sockets import CameraSocket, CurveSocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import CameraTrack, Curve, Easing


class CameraPath(io.ComfyNode):
    """Move the camera."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveCameraPath",
            display_name="Camera Path",
            category="MotionWeave/tracks",
            description="Moves a camera about the subject: a move by name, keyframes of your own, or both together.",
            inputs=[
                io.Combo.Input("preset", options=list(CAMERA_PRESETS), default="push in",
                               tooltip="A move by name. 'static' leaves it to the keyframes below."),
                io.Float.Input("amount", default=1.0, min=-4.0, max=4.0, step=0.05,
                               tooltip="How much of the move: 2 goes twice as far, negative the other way."),
                io.Float.Input("seconds", default=4.0, min=0.05, max=3600.0, step=0.05,
                               tooltip="Length of the path; the move takes all of it."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01, tooltip="Frames per second."),
                io.Combo.Input("easing", options=list(EASINGS), default="ease",
                               tooltip="How the move begins and ends: 'ease' softly at both ends."),
                io.String.Input("moves", default="", multiline=True,
                                tooltip="Keyframes of your own, added to the move: one line each, such as 'pan 0: 0, "
                                "2: 30 ease'. Moves: pan, tilt, roll, orbit in degrees; zoom as a factor; truck, "
                                "pedestal, dolly in units of the subject's distance."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=False,
                             tooltip="Draws the trembling of 'handheld'."),
                CurveSocket.Input("amount_curve", optional=True,
                                  tooltip="From Timeline: how much of the move has been gone at each moment. It "
                                  "replaces amount and easing."),
            ],
            outputs=[CameraSocket.Output(display_name="camera", tooltip="Goes to Warp by Camera.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        preset: str,
        amount: float,
        seconds: float,
        fps: float,
        easing: Easing,
        moves: str,
        seed: int,
        amount_curve: Curve | None = None,
    ) -> io.NodeOutput:
        rate = Fraction(fps).limit_denominator(1001)
        request = CameraRequest(preset, amount if amount_curve is None else amount_curve, seconds, rate, easing, seed)
        track = camera_path(request, parse_moves(moves))
        asked = {"preset": preset, "amount": amount, "seconds": seconds, "fps": fps, "easing": easing, "moves": moves,
                 "seed": seed, "curve": amount_curve is not None}  # fmt: skip
        shown = {"motionweave_camera": [{"inputs": asked, **camera_rows(track)}]}
        sheet = ui.PreviewImage(image_from_pixels(camera_sheet(track)), cls=cls)
        return io.NodeOutput(track, ui=shown | sheet.as_dict())


class WarpByCamera(io.ComfyNode):
    """Move a camera through a still picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveWarpByCamera",
            display_name="Warp by Camera",
            category="MotionWeave/tracks",
            description="Shows a still picture through a moving camera, with depth as its relief. What the picture "
            "never showed is filled with what lies behind and marked in the mask.",
            inputs=[
                io.Image.Input("image", tooltip="The picture; a batch's first one is taken."),
                CameraSocket.Input("camera", tooltip="From Camera Path."),
                io.Float.Input("relief", default=1.0, min=0.0, max=1.9, step=0.05,
                               tooltip="How deep the scene is; 0 is flat."),
                io.Int.Input("first", default=0, min=0, max=10**7, tooltip="First frame of the path to show."),
                io.Int.Input("count", default=240, min=1, max=1000,
                             tooltip="How many frames to show; fewer if the path ends before."),
                io.Image.Input("depth", optional=True, tooltip="Depth of the picture, near white, from Draw Depth; "
                               "without it the picture is flat."),
            ],
            outputs=[
                io.Image.Output(display_name="images", tooltip="What the camera sees, frame by frame."),
                io.Mask.Output(display_name="holes", tooltip="White where the picture does not know what is there."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        image: Tensor,
        camera: CameraTrack,
        relief: float,
        first: int,
        count: int,
        depth: Tensor | None = None,
    ) -> io.NodeOutput:
        picture = pixels_from_image(image[:1])
        nearness = None if depth is None else nearness_of(pixels_from_image(depth[:1]), picture)
        if first >= len(camera):
            raise InputError(f"the first frame to show is {first}, but the camera has {len(camera)} frames")
        shown = range(first, min(first + count, len(camera)))
        view = warp_by_camera(picture, camera, nearness, relief, shown, runtime())
        return io.NodeOutput(image_from_pixels(view.frames), view.holes)


NODES = [CameraPath, WarpByCamera]
