"""Load what reads references, speech, light and camera paths for the backbone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..motionweave import (
    available_models,
    copy_reference_net,
    load_adapter,
    load_reference_net,
    locate_model,
    model_is_here,
)
from .runtime import folders, runtime
from .sockets import AdapterSocket, BackboneSocket, ReferenceNetSocket

if TYPE_CHECKING:
    from ..motionweave import Backbone

COPY = "copy of the backbone"


class LoadReferenceNet(io.ComfyNode):
    """Load a ReferenceNet."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadReferenceNet",
            display_name="Load ReferenceNet",
            category="MotionWeave/load",
            description="Gives the network that looks at the reference picture while the video is drawn.",
            inputs=[
                BackboneSocket.Input("backbone", tooltip="The backbone that will read it."),
                io.Combo.Input(
                    "model",
                    options=[COPY, *available_models("reference_net", folders())],
                    tooltip="'copy of the backbone' works with any SVD and needs no file: the backbone's own layers "
                    "look at the picture. mini-reference-net belongs to mini-svd and comes with the pack.",
                ),
            ],
            outputs=[ReferenceNetSocket.Output(display_name="reference_net", tooltip="Goes to Apply Reference.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model == COPY or model_is_here(("reference_net",), model, folders())

    @classmethod
    def execute(cls, backbone: Backbone, model: str) -> io.NodeOutput:
        if model == COPY:
            return io.NodeOutput(copy_reference_net(backbone))
        return io.NodeOutput(load_reference_net(locate_model("reference_net", model, folders()), backbone))


class LoadAdapter(io.ComfyNode):
    """Load an adapter for speech, light or camera."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadAdapter",
            display_name="Load Adapter",
            category="MotionWeave/load",
            description="Loads a small network that tells the backbone of speech, light or a camera path.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=list(available_models("adapter", folders())),
                    tooltip="mini-speech-projector, mini-light-encoder and mini-camera-encoder belong to mini-svd and "
                    "come with the pack. Others are folders in ComfyUI's models/controlnet.",
                ),
            ],
            outputs=[
                AdapterSocket.Output(display_name="adapter", tooltip="Goes to Apply Speech, Apply Light or Apply "
                                     "Camera, by what it reads."),
            ],
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        return model_is_here(("adapter",), model, folders())

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        here = runtime()
        return io.NodeOutput(load_adapter(locate_model("adapter", model, here.folders), here.dtype))


NODES = [LoadReferenceNet, LoadAdapter]
