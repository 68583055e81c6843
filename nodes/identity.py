"""Who the video shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ..motionweave import Size, Work, encode_face, face_sheet
from .convert import image_from_pixels, pixels_from_image
from .runtime import runtime
from .sockets import BackboneSocket, FaceSocket, IdentityModelsSocket, IdentitySocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import Backbone, FaceModels


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
                io.Image.Input("image", tooltip="The reference image; of a batch, the first picture. It is resized to "
                               "width x height, so crop it to that shape before if it must not be stretched."),
                io.Int.Input("width", default=0, min=0, max=8192, step=8,
                             tooltip="Width of the video in pixels; 0 for the backbone's own."),
                io.Int.Input("height", default=0, min=0, max=8192, step=8,
                             tooltip="Height of the video in pixels; 0 for the backbone's own."),
                io.Float.Input("noise_augmentation", default=-1.0, min=-1.0, max=1.0, step=0.01,
                               tooltip="Noise added to the image before it is encoded: more frees the motion, less "
                               "keeps detail. -1 for the backbone's own."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=False,
                             tooltip="Seeds that noise."),
                io.Boolean.Input("average_batch", default=False, optional=True,
                                 tooltip="Off: only the first picture of a batch counts. On: the first picture is what "
                                 "is drawn from, and who it shows is the average of all pictures' embeddings."),
            ],
            outputs=[IdentitySocket.Output(display_name="identity", tooltip="Goes to Weave.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, backbone: Backbone, image: Tensor, width: int, height: int, noise_augmentation: float, seed: int,
        average_batch: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        facts, here = backbone.facts, runtime()
        size = Size(width or facts.size.width, height or facts.size.height)
        noise = facts.noise_augmentation if noise_augmentation < 0 else noise_augmentation
        working = backbone.working_bytes(Work(size, 1)).encode
        with here.resident((backbone.autoencoder, backbone.image_encoder), working):
            pictures = pixels_from_image(image if average_batch else image[:1])
            return io.NodeOutput(backbone.encode_image(pictures, size, noise, seed))


class EncodeFace(io.ComfyNode):
    """Encode the reference's face."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveEncodeFace",
            display_name="Encode Face",
            category="MotionWeave/identity",
            description="Finds the face in one or several reference pictures of a person and encodes who it is.",
            inputs=[
                IdentityModelsSocket.Input("identity_models", tooltip="From Load Identity Models."),
                io.Image.Input("images", tooltip="One reference picture, or a batch of several of the same person: "
                               "their embeddings are averaged. Each must show a face."),
                io.Int.Input("face", default=0, min=0, max=99,
                             tooltip="Which face of each picture: 0 is the largest, 1 the second largest, and so on."),
            ],
            outputs=[FaceSocket.Output(display_name="face", tooltip="Who it is, for controls that keep a face.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, identity_models: FaceModels, images: Tensor, face: int) -> io.NodeOutput:
        found = encode_face(identity_models, pixels_from_image(images), face)
        return io.NodeOutput(found, ui=ui.PreviewImage(image_from_pixels(face_sheet(found)), cls=cls))


NODES = [EncodeIdentity, EncodeFace]
