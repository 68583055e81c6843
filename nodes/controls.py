"""What should happen in the video; Apply nodes chain, as ComfyUI's conditioning does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..motionweave import PoseControl
from .sockets import ControlNetSocket, ControlsSocket, CurveSocket, PoseSocket

if TYPE_CHECKING:
    from ..motionweave import Control, Curve, PoseTrack


class ApplyPose(io.ComfyNode):
    """Let a pose track steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveApplyPose",
            display_name="Apply Pose",
            category="MotionWeave/controls",
            description="Makes the character take the poses of a track, through a ControlNet.",
            inputs=[
                ControlNetSocket.Input("controlnet", tooltip="A pose ControlNet from Load ControlNet."),
                PoseSocket.Input("pose", tooltip="The poses; they are read on the video's clock."),
                io.Float.Input("strength", default=1.0, min=0.0, max=10.0, step=0.05,
                               tooltip="How much the poses count; 0 switches them off, exactly."),
                io.Float.Input("start", default=0.0, min=0.0, max=1.0, step=0.01,
                               tooltip="Part of the denoising after which the poses act; 0 from the first step on."),
                io.Float.Input("end", default=1.0, min=0.0, max=1.0, step=0.01,
                               tooltip="Part of the denoising until which the poses act; 1 until the last step."),
                ControlsSocket.Input("controls", optional=True, tooltip="Controls that are applied before this one."),
                CurveSocket.Input("strength_curve", optional=True,
                                  tooltip="From Timeline: the strength over the video's seconds, in place of "
                                  "strength."),
            ],
            outputs=[ControlsSocket.Output(display_name="controls", tooltip="Goes to Weave, or to the next control.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        controlnet: Any,
        pose: PoseTrack,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
    ) -> io.NodeOutput:
        control = PoseControl(controlnet, pose, strength_curve or strength, (start, end))
        return io.NodeOutput((*controls, control))


NODES = [ApplyPose]
