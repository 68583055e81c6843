"""Sockets for what ComfyUI has no type for."""

from comfy_api.latest import io

BackboneSocket = io.Custom("MOTIONWEAVE_BACKBONE")
ControlNetSocket = io.Custom("MOTIONWEAVE_CONTROLNET")
PoseSocket = io.Custom("MOTIONWEAVE_POSE")
IdentitySocket = io.Custom("MOTIONWEAVE_IDENTITY")
ControlsSocket = io.Custom("MOTIONWEAVE_CONTROLS")
PlanSocket = io.Custom("MOTIONWEAVE_PLAN")
ChunksSocket = io.Custom("MOTIONWEAVE_CHUNKS")

PoseKeypointSocket = io.Custom("POSE_KEYPOINT")
"""Other packs' own type: OpenPose-style JSON."""
