"""ComfyUI's public ``io``: what a node file needs to describe itself."""

from __future__ import annotations

from .node import ComfyNode, NodeOutput
from .schema import Hidden, HiddenHolder, Schema
from .sockets import ComfyType, ComfyTypeI, ComfyTypeIO, Custom, Input, MultiType, Output, WidgetInput, comfytype
from .widgets import Boolean, Combo, Float, FolderType, Int, MultiCombo, NumberDisplay, String, UploadType

AnyType = Custom("*")
Audio = Custom("AUDIO")
Clip = Custom("CLIP")
ClipVision = Custom("CLIP_VISION")
ClipVisionOutput = Custom("CLIP_VISION_OUTPUT")
Conditioning = Custom("CONDITIONING")
ControlNet = Custom("CONTROL_NET")
Image = Custom("IMAGE")
Latent = Custom("LATENT")
Mask = Custom("MASK")
Model = Custom("MODEL")
UpscaleModel = Custom("UPSCALE_MODEL")
Vae = Custom("VAE")
Video = Custom("VIDEO")

__all__ = [
    "AnyType",
    "Audio",
    "Boolean",
    "Clip",
    "ClipVision",
    "ClipVisionOutput",
    "Combo",
    "ComfyNode",
    "ComfyType",
    "ComfyTypeI",
    "ComfyTypeIO",
    "Conditioning",
    "ControlNet",
    "Custom",
    "Float",
    "FolderType",
    "Hidden",
    "HiddenHolder",
    "Image",
    "Input",
    "Int",
    "Latent",
    "Mask",
    "Model",
    "MultiCombo",
    "MultiType",
    "NodeOutput",
    "NumberDisplay",
    "Output",
    "Schema",
    "String",
    "UploadType",
    "UpscaleModel",
    "Vae",
    "Video",
    "WidgetInput",
    "comfytype",
]
