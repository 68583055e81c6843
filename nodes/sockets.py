"""Sockets for what ComfyUI has no type for."""

from comfy_api.latest import io

BackboneSocket = io.Custom("MOTIONWEAVE_BACKBONE")
ControlNetSocket = io.Custom("MOTIONWEAVE_CONTROLNET")
AdapterSocket = io.Custom("MOTIONWEAVE_ADAPTER")
ReferenceNetSocket = io.Custom("MOTIONWEAVE_REFERENCE_NET")
FaceAdapterSocket = io.Custom("MOTIONWEAVE_FACE_ADAPTER")
PoseModelSocket = io.Custom("MOTIONWEAVE_POSE_MODEL")
DepthModelSocket = io.Custom("MOTIONWEAVE_DEPTH_MODEL")
SpeechModelSocket = io.Custom("MOTIONWEAVE_SPEECH_MODEL")
AudioMotionSocket = io.Custom("MOTIONWEAVE_AUDIO_MOTION")
IdentityModelsSocket = io.Custom("MOTIONWEAVE_IDENTITY_MODELS")

PoseSocket = io.Custom("MOTIONWEAVE_POSE")
DepthSocket = io.Custom("MOTIONWEAVE_DEPTH")
SpeechSocket = io.Custom("MOTIONWEAVE_SPEECH")
LightSocket = io.Custom("MOTIONWEAVE_LIGHT")
CameraSocket = io.Custom("MOTIONWEAVE_CAMERA")
CurveSocket = io.Custom("MOTIONWEAVE_CURVE")

IdentitySocket = io.Custom("MOTIONWEAVE_IDENTITY")
FaceSocket = io.Custom("MOTIONWEAVE_FACE")
ControlsSocket = io.Custom("MOTIONWEAVE_CONTROLS")
PlanSocket = io.Custom("MOTIONWEAVE_PLAN")
ChunksSocket = io.Custom("MOTIONWEAVE_CHUNKS")

PoseKeypointSocket = io.Custom("POSE_KEYPOINT")
"""Other packs' own type: OpenPose-style JSON."""
