"""Who the video shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..motionweave import Size
from .convert import pixels_from_image
from .runtime import runtime
from .sockets import BackboneSocket, IdentitySocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import Backbone


class EncodeIdentity(io.ComfyNode):
    """Encode the reference image."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveEncodeIdentity",
            display_name="Encode Identity",
            category="MotionWeave/identity",
            description="Shows the backbone who the video is about, and sets the video's picture size.",
            inputs=[
                BackboneSocket.Input("backbone", tooltip="From Load Backbone."),
                io.Image.Input("image", tooltip="The reference image; a batch's first picture is taken. It is resized "
                               "to width x height, so crop it to that shape before if it must not be stretched."),
                io.Int.Input("width", default=0, min=0, max=8192, step=8,
                             tooltip="Width of the video in pixels; 0 for the backbone's own."),
                io.Int.Input("height", default=0, min=0, max=8192, step=8,
                             tooltip="Height of the video in pixels; 0 for the backbone's own."),
                io.Float.Input("noise_augmentation", default=-1.0, min=-1.0, max=1.0, step=0.01,
                               tooltip="Noise added to the image before it is encoded: more frees the motion, less "
                               "keeps detail. -1 for the backbone's own."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=False,
                             tooltip="Seeds that noise."),
            ],
            outputs=[IdentitySocket.Output(display_name="identity", tooltip="Goes to Weave.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, backbone: Backbone, image: Tensor, width: int, height: int, noise_augmentation: float, seed: int
    ) -> io.NodeOutput:
        facts, here = backbone.facts, runtime()
        size = Size(width or facts.size.width, height or facts.size.height)
        noise = facts.noise_augmentation if noise_augmentation < 0 else noise_augmentation
        with here.resident(backbone.autoencoder), here.resident(backbone.image_encoder):
            return io.NodeOutput(backbone.encode_image(pixels_from_image(image[:1]), size, noise, seed))


NODES = [EncodeIdentity]
