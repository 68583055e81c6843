"""What should happen in the video; Apply nodes chain, as ComfyUI's conditioning does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..motionweave import (
    CameraControl,
    DepthControl,
    FaceControl,
    LightControl,
    PoseControl,
    ReferenceControl,
    SpeechControl,
    require_keypoints,
)
from .sockets import (
    AdapterSocket,
    CameraSocket,
    ControlNetSocket,
    ControlsSocket,
    CurveSocket,
    DepthSocket,
    FaceAdapterSocket,
    FaceSocket,
    IdentitySocket,
    LightSocket,
    PoseSocket,
    ReferenceNetSocket,
    SpeechSocket,
)

if TYPE_CHECKING:
    from ..motionweave import (
        CameraTrack,
        Control,
        Curve,
        DepthTrack,
        FaceIdentity,
        Identity,
        LightTrack,
        PoseTrack,
        SpeechTrack,
    )


def _weights(what: str) -> list[io.Input]:
    """Give the inputs that every Apply node ends with."""
    return [
        io.Float.Input("strength", default=1.0, min=0.0, max=10.0, step=0.05,
                       tooltip=f"How much {what} counts; 0 switches it off, exactly."),
        io.Float.Input("start", default=0.0, min=0.0, max=1.0, step=0.01,
                       tooltip=f"Part of the denoising after which {what} acts; 0 from the first step on."),
        io.Float.Input("end", default=1.0, min=0.0, max=1.0, step=0.01,
                       tooltip=f"Part of the denoising until which {what} acts; 1 until the last step."),
        ControlsSocket.Input("controls", optional=True, tooltip="Controls that are applied before this one."),
        CurveSocket.Input("strength_curve", optional=True,
                          tooltip="From Timeline: the strength over the video's seconds, in place of strength."),
    ]  # fmt: skip


def _schema(name: str, description: str, inputs: list[io.Input], more: tuple[io.Input, ...] = ()) -> io.Schema:
    """Give the schema of an Apply node: its own inputs, then those that all of them end with.

    Args:
        name: What is applied, as in the display name.
        description: What the node does.
        inputs: What is read, and what it is told.
        more: Inputs that came later; saved workflows address widgets by position.
    """
    return io.Schema(
        node_id=f"MotionWeaveApply{name}",
        display_name=f"Apply {name}",
        category="MotionWeave/controls",
        description=description,
        inputs=[*inputs, *_weights(f"the {name.lower()}"), *more],
        outputs=[ControlsSocket.Output(display_name="controls", tooltip="Goes to Weave, or to the next control.")],
    )


class ApplyPose(io.ComfyNode):
    """Let a pose track steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Pose",
            "Makes the character take the poses of a track, through a ControlNet.",
            [
                ControlNetSocket.Input("controlnet", tooltip="A pose ControlNet from Load ControlNet."),
                PoseSocket.Input("pose", tooltip="The poses; they are read on the video's clock."),
            ],
            (
                PoseSocket.Input("reference_pose", optional=True,
                                 tooltip="The pose that the reference picture itself shows, from Extract Pose. "
                                 "MimicMotion and ControlNeXt need it; other networks do not read it."),
            ),
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
        reference_pose: PoseTrack | None = None,
    ) -> io.NodeOutput:
        control = PoseControl(controlnet, pose, strength_curve or strength, (start, end), reference_pose)
        return io.NodeOutput((*controls, control))


class ApplyDepth(io.ComfyNode):
    """Let a depth track steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Depth",
            "Lets a depth track shape the picture, through a ControlNet: where things are and how near.",
            [
                ControlNetSocket.Input("controlnet", tooltip="A depth ControlNet from Load ControlNet."),
                DepthSocket.Input("depth", tooltip="How near everything is; from Estimate Depth or Depth from Maps."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        controlnet: Any,
        depth: DepthTrack,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
    ) -> io.NodeOutput:
        control = DepthControl(controlnet, depth, strength_curve or strength, (start, end))
        return io.NodeOutput((*controls, control))


class ApplyReference(io.ComfyNode):
    """Let a reference picture steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Reference",
            "Lets the video look at the reference while it is drawn, layer by layer (reference "
            "attention): clothes, face and colours keep their details.",
            [
                ReferenceNetSocket.Input("reference_net", tooltip="From Load ReferenceNet."),
                IdentitySocket.Input("identity", tooltip="From Encode Identity: the picture that is looked at."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        reference_net: Any,
        identity: Identity,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
    ) -> io.NodeOutput:
        control = ReferenceControl(reference_net, strength_curve or strength, (start, end), (identity,))
        return io.NodeOutput((*controls, control))


class ApplyFace(io.ComfyNode):
    """Let a face steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Face",
            "Tells a face adapter whose face it is, in the numbers of a face recogniser.",
            [
                FaceAdapterSocket.Input("face_adapter", tooltip="From Load Face Adapter."),
                FaceSocket.Input("face", tooltip="From Encode Face."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        face_adapter: Any,
        face: FaceIdentity,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
    ) -> io.NodeOutput:
        control = FaceControl(face_adapter, strength_curve or strength, (start, end), face)
        return io.NodeOutput((*controls, control))


class ApplySpeech(io.ComfyNode):
    """Let speech steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Speech",
            "Lets the mouth follow the voice: what is heard around each frame is read where the face is.",
            [
                AdapterSocket.Input("adapter", tooltip="A speech projector from Load Adapter."),
                SpeechSocket.Input("speech", tooltip="From Encode Speech, with the speech model that belongs to the "
                                   "projector."),
                PoseSocket.Input("pose", tooltip="Where the face is: the pose track that the video follows, with face "
                                 "points."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        adapter: Any,
        speech: SpeechTrack,
        pose: PoseTrack,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
    ) -> io.NodeOutput:
        control = SpeechControl(adapter, speech, strength_curve or strength, (start, end), require_keypoints(pose))
        return io.NodeOutput((*controls, control))


class ApplyLight(io.ComfyNode):
    """Let light steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Light",
            "Lights the character and the scene anew: a light track sets the style of every frame.",
            [
                AdapterSocket.Input("adapter", tooltip="A light encoder from Load Adapter."),
                LightSocket.Input("light", tooltip="From Light (SH), Estimate Light or Animate Light; the last light "
                                  "holds."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        adapter: Any,
        light: LightTrack,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
    ) -> io.NodeOutput:
        control = LightControl(adapter, light, strength_curve or strength, (start, end))
        return io.NodeOutput((*controls, control))


class ApplyCamera(io.ComfyNode):
    """Let a camera path steer the video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(
            "Camera",
            "Moves the camera: the first frame of the path is the view of the reference picture.",
            [
                AdapterSocket.Input("adapter", tooltip="A camera encoder from Load Adapter."),
                CameraSocket.Input("camera", tooltip="From Camera Path."),
            ],
            (
                io.Boolean.Input("move_reference", default=True, optional=True,
                                 tooltip="Draw each frame from the reference as the camera would see it. On for "
                                 "backbones that take the image for a reference (Mini, MimicMotion), off for SVD."),
            ),
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        adapter: Any,
        camera: CameraTrack,
        strength: float,
        start: float,
        end: float,
        controls: tuple[Control, ...] = (),
        strength_curve: Curve | None = None,
        move_reference: bool = True,
    ) -> io.NodeOutput:
        control = CameraControl(adapter, camera, strength_curve or strength, (start, end), move_reference)
        return io.NodeOutput((*controls, control))


NODES = [ApplyPose, ApplyDepth, ApplyReference, ApplyFace, ApplySpeech, ApplyLight, ApplyCamera]
