"""Change the backbone's weights."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motionweave import available_models, load_lora, locate_model, overlay_unet
from .runtime import folders
from .sockets import BackboneSocket


class LoadUNet(io.ComfyNode):
    """Load a fine-tuned UNet over a backbone's."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadUNet",
            display_name="Load UNet Weights",
            category="MotionWeave/load",
            description="Lays a fine-tuned UNet over that of an SVD backbone.",
            inputs=[
                BackboneSocket.Input(
                    "backbone", tooltip="What the UNet was tuned from: SVD-XT, mostly. It is not changed."
                ),
                io.Combo.Input(
                    "model",
                    options=list(available_models("unet", folders())),
                    tooltip="MimicMotion, ControlNeXt-SVD's or StableAnimator's UNet, or another with SVD's layers, in "
                    "ComfyUI's models/diffusion_models, models/unet or models/checkpoints. Other files are not listed.",
                ),
                io.Combo.Input(
                    "image",
                    options=["as the backbone", "first_frame", "reference"],
                    tooltip="What it takes the picture for: the first frame of the video, or a reference that shows "
                    "the character in any pose. MimicMotion, ControlNeXt and StableAnimator: reference.",
                ),
                io.Int.Input(
                    "window",
                    default=0,
                    min=0,
                    max=512,
                    tooltip="Frames that it makes together: 71 for MimicMotion 1.1 and 15 for 1.0, 23 for ControlNeXt "
                    "(they see the reference's own pose in one more), 16 for StableAnimator. 0 keeps the backbone's.",
                ),
            ],
            outputs=[BackboneSocket.Output(display_name="backbone", tooltip="Use it wherever the backbone went.")],
        )

    @classmethod
    def execute(cls, backbone: Any, model: str, image: Any, window: int) -> io.NodeOutput:
        return io.NodeOutput(overlay_unet(backbone, locate_model("unet", model, folders()), image, window or None))


class LoadLora(io.ComfyNode):
    """Load a LoRA into a backbone."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadLora",
            display_name="Load LoRA (SVD)",
            category="MotionWeave/load",
            description="Adds a LoRA to the UNet of an SVD backbone.",
            inputs=[
                BackboneSocket.Input("backbone", tooltip="What the LoRA was trained for. It is not changed."),
                io.Combo.Input(
                    "lora",
                    options=list(available_models("lora", folders())),
                    tooltip="LoRAs for SVD in ComfyUI's models/loras. LoRAs of other models are not listed.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.05,
                    tooltip="How much of it. 0 is exactly the backbone; negative values take it away.",
                ),
            ],
            outputs=[BackboneSocket.Output(display_name="backbone", tooltip="Use it wherever the backbone went.")],
        )

    @classmethod
    def execute(cls, backbone: Any, lora: str, strength: float) -> io.NodeOutput:
        return io.NodeOutput(load_lora(backbone, locate_model("lora", lora, folders()), strength))


NODES = [LoadUNet, LoadLora]
