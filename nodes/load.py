"""Load models."""

from __future__ import annotations

from comfy_api.latest import io

from ..motionweave import (
    PICTURE_CHOICES,
    POSE_STYLES,
    PRECISIONS,
    available_models,
    load_audio_motion_model,
    load_backbone,
    load_compiled,
    load_controlnet,
    load_depth_model,
    load_face_adapter,
    load_face_models,
    load_pose_model,
    load_speech_model,
    locate_model,
    model_is_here,
    pose_models,
)
from .runtime import folders, runtime
from .sockets import (
    AudioMotionSocket,
    BackboneSocket,
    ControlNetSocket,
    DepthModelSocket,
    FaceAdapterSocket,
    IdentityModelsSocket,
    PoseModelSocket,
    SpeechModelSocket,
)


class LoadBackbone(io.ComfyNode):
    """Load the generative core."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadBackbone",
            display_name="Load Backbone",
            category="MotionWeave/load",
            description="Loads the model that draws the video.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("backbone", folders())),
                    tooltip="mini-svd comes with the pack; it draws marionettes, not people, and runs on any machine. "
                    "Others are SVD and SVD-XT: single files in ComfyUI's models/checkpoints, or folders in diffusers' "
                    "layout in models/diffusers. Checkpoints of other models are not listed.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default="auto",
                    optional=True,
                    tooltip="auto is what suits the graphics card. int8 and int4 keep the weights of the largest part "
                    "in 8 or 4 bits, which takes less memory and changes the picture: int8 hardly, int4 visibly. They "
                    "need bitsandbytes.",
                ),
                io.Boolean.Input(
                    "compile",
                    default=False,
                    optional=True,
                    tooltip="Has torch compile the largest part: minutes for the first step, faster ones after it. "
                    "Needs triton on a graphics card. Leave it off for short videos.",
                ),
            ],
            outputs=[BackboneSocket.Output(display_name="backbone", tooltip="Goes to identity, plan and Weave.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("backbone",), model, folders())

    @classmethod
    def execute(cls, model: str, precision: str = "auto", compile: bool = False) -> io.NodeOutput:
        here = runtime()
        path = locate_model("backbone", model, here.folders)
        if compile:
            return io.NodeOutput(load_compiled(path, here.dtype, precision, here.device))
        return io.NodeOutput(load_backbone(path, here.dtype, precision))


class LoadControlNet(io.ComfyNode):
    """Load an SVD ControlNet."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadControlNet",
            display_name="Load ControlNet (SVD)",
            category="MotionWeave/load",
            description="Loads a ControlNet that was trained for the backbone.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("controlnet", folders())),
                    tooltip="mini-controlnet-pose belongs to mini-svd and comes with the pack. Others are SVD "
                    "ControlNets, MimicMotion, StableAnimator's pose_net and ControlNeXt-SVD v2 in ComfyUI's "
                    "models/controlnet, models/mimicmotion or models/stableanimator.",
                ),
                io.Combo.Input(
                    "pictures",
                    options=list(PICTURE_CHOICES),
                    optional=True,
                    tooltip="The values of the pictures it was trained on, from black to white. 'auto' takes those of "
                    "the published pipeline.",
                ),
                io.Combo.Input(
                    "style",
                    options=["auto", *POSE_STYLES.ids()],
                    optional=True,
                    tooltip="How poses are drawn for it. 'auto' takes what it was trained on; maps that are already "
                    "drawn stay as they are.",
                ),
            ],
            outputs=[ControlNetSocket.Output(display_name="controlnet", tooltip="Goes to an Apply node.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("controlnet",), model, folders())

    @classmethod
    def execute(cls, model: str, pictures: str = "auto", style: str = "auto") -> io.NodeOutput:
        here = runtime()
        path = locate_model("controlnet", model, here.folders)
        return io.NodeOutput(load_controlnet(path, here.dtype, pictures, style))


class LoadFaceAdapter(io.ComfyNode):
    """Load what tells the backbone whose face it draws."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadFaceAdapter",
            display_name="Load Face Adapter",
            category="MotionWeave/load",
            description="Loads the network that tells the backbone whose face it draws.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("face-adapter", folders())),
                    tooltip="Adapters that come with the pack, and folders with StableAnimator's face_encoder.pth and "
                    "unet.pth in ComfyUI's models/stableanimator or models/controlnet.",
                ),
            ],
            outputs=[FaceAdapterSocket.Output(display_name="face_adapter", tooltip="Goes to Apply Face.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("face-adapter",), model, folders())

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        here = runtime()
        return io.NodeOutput(load_face_adapter(locate_model("face-adapter", model, here.folders), here.dtype))


class LoadPoseModel(io.ComfyNode):
    """Load what finds people's keypoints."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadPoseModel",
            display_name="Load Pose Model",
            category="MotionWeave/load",
            description="Loads the networks that find people and their keypoints in a driving video.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(pose_models(folders())),
                    tooltip="mini-dwpose comes with the pack; it knows marionettes, not people. Others are folders "
                    "with DWPose's yolox and dw- ONNX files in ComfyUI's models/dwpose.",
                ),
                io.Int.Input(
                    "detect_every",
                    default=6,
                    min=1,
                    max=120,
                    tooltip="Frames from one look for people to the next; between them their boxes are interpolated. "
                    "1 looks in every frame, which takes about twice as long. Lower it for sudden moves.",
                ),
            ],
            outputs=[PoseModelSocket.Output(display_name="pose_model", tooltip="Goes to Extract Pose.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("pose", "pose-openpose"), model, folders())

    @classmethod
    def execute(cls, model: str, detect_every: int) -> io.NodeOutput:
        return io.NodeOutput(load_pose_model(model, folders(), detect_every))


class LoadIdentityModels(io.ComfyNode):
    """Load what finds and recognises faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadIdentityModels",
            display_name="Load Identity Models",
            category="MotionWeave/load",
            description="Loads the networks that find a face and say who it is.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("face", folders())),
                    tooltip="mini-face comes with the pack; it knows marionettes, not people. Others are InsightFace "
                    "packs (buffalo_l, antelopev2) in ComfyUI's models/insightface, for non-commercial research only.",
                ),
            ],
            outputs=[IdentityModelsSocket.Output(display_name="identity_models", tooltip="Goes to Encode Face.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("face",), model, folders())

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        return io.NodeOutput(load_face_models(locate_model("face", model, folders())))


class LoadDepthModel(io.ComfyNode):
    """Load what says how near everything is."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadDepthModel",
            display_name="Load Depth Model",
            category="MotionWeave/load",
            description="Loads a network that estimates depth: Depth Anything V2 or ZoeDepth.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("depth", folders())),
                    tooltip="mini-depth comes with the pack; it knows marionettes. Others are folders in the model "
                    "hub's layout in ComfyUI's models/depth.",
                ),
            ],
            outputs=[DepthModelSocket.Output(display_name="depth_model", tooltip="Goes to Estimate Depth.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("depth",), model, folders())

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        here = runtime()
        return io.NodeOutput(load_depth_model(model, here.folders, here.dtype))


class LoadSpeechModel(io.ComfyNode):
    """Load what listens to speech."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadSpeechModel",
            display_name="Load Speech Model",
            category="MotionWeave/load",
            description="Loads the network that turns speech into features.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("speech", folders())),
                    tooltip="mini-wav2vec2 comes with the pack; it knows marionettes' voices. Others are folders of a "
                    "Wav2Vec2, such as wav2vec2-base-960h, in ComfyUI's models/audio_encoders.",
                ),
            ],
            outputs=[SpeechModelSocket.Output(display_name="speech_model", tooltip="Goes to Encode Speech.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("speech",), model, folders())

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        return io.NodeOutput(load_speech_model(locate_model("speech", model, folders())))


class LoadAudioMotion(io.ComfyNode):
    """Load what reads a face's motion from a voice."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadAudioMotion",
            display_name="Load Audio Motion Model",
            category="MotionWeave/load",
            description="Loads a transformer that reads a mouth from a voice, and the speech model that it listens "
            "through.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("audio_motion", folders())),
                    tooltip="mini-audio-motion comes with the pack; it knows marionettes' voices, not people's. Others "
                    "are folders in ComfyUI's models/audio_motion, trained by the recipe of this pack.",
                ),
            ],
            outputs=[AudioMotionSocket.Output(display_name="motion_model", tooltip="Goes to Speech to Face Motion.")],
        )

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        return io.NodeOutput(load_audio_motion_model(model, folders()))


NODES = [
    LoadBackbone,
    LoadControlNet,
    LoadFaceAdapter,
    LoadPoseModel,
    LoadDepthModel,
    LoadSpeechModel,
    LoadAudioMotion,
    LoadIdentityModels,
]
