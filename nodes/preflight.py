"""Look before the expensive hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..motionweave import (
    DenoiseOptions,
    Guidance,
    PlannedRun,
    available_models,
    check_run,
    confine,
    load_upscale_model,
    locate_model,
    wrap_upscale_model,
)
from .convert import audio_from_socket
from .faces import AS_THEY_COME, face_models, face_pass
from .runtime import folders, runtime
from .sockets import BackboneSocket, ControlsSocket, IdentityModelsSocket, IdentitySocket, PlanSocket, PoseSocket

if TYPE_CHECKING:
    from ..motionweave import Backbone, ChunkPlan, Control, FaceModels, Identity, PoseTrack


UNKNOWN = "none, or not chosen yet"


class Preflight(io.ComfyNode):
    """Say what a run takes, and stop what would fail."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeavePreflight",
            display_name="Preflight",
            category="MotionWeave/weave",
            description="Says before the expensive hours what the run takes (graphics memory, memory, disk, time) and "
            "what does not fit together (lengths, frame rates, sound, poses). Stands between Plan Chunks and Weave and "
            "stops what would fail.",
            is_output_node=True,
            inputs=[
                BackboneSocket.Input("backbone", tooltip="The one that goes to Weave."),
                IdentitySocket.Input("identity", tooltip="The one that goes to Weave."),
                PlanSocket.Input("plan", tooltip="From Plan Chunks."),
                ControlsSocket.Input("controls", optional=True, tooltip="The ones that go to Weave."),
                io.Audio.Input("audio", optional=True, tooltip="The sound that goes to Stitch Chunks."),
                PoseSocket.Input("reference_pose", optional=True,
                                 tooltip="From Extract Pose of the reference image; compared with the driving pose."),
                io.String.Input("run_name", default="weave", tooltip="Weave's: chunks that are there already count."),
                io.Int.Input("steps", default=0, min=0, max=1000, tooltip="Weave's; 0 for the backbone's own."),
                io.Float.Input("guidance", default=0.0, min=0.0, max=100.0, step=0.1,
                               tooltip="Weave's; 0 for the backbone's own."),
                io.Int.Input("decode_frames", default=0, min=0, max=4096, tooltip="Weave's; 0 for the default."),
                io.Int.Input("decode_tile", default=0, min=0, max=8192, step=8, tooltip="Weave's; 0 for none."),
                io.Int.Input("upscale", default=1, min=1, max=16,
                             tooltip="How many times larger Upscale Chunks makes the video, each way; 1 without it."),
                io.Boolean.Input("measure", default=True,
                                 tooltip="Makes one window in two steps to find out the time, unless chunks of this "
                                 "plan are there already. Off: the time is only told from those."),
                io.UpscaleModel.Input("upscale_model", optional=True,
                                      tooltip="The one that goes to Upscale Chunks; its time and memory count."),
                io.Combo.Input("upscaler", options=[UNKNOWN, *available_models("upscaler", folders())], default=UNKNOWN,
                               optional=True,
                               tooltip="Upscale Chunks' model, unless upscale_model is connected; its time and memory "
                               "count."),
                IdentityModelsSocket.Input("identity_models", optional=True,
                                           tooltip="The one that goes to Upscale Chunks."),
                io.Combo.Input("face_model", options=[AS_THEY_COME, *face_models()], default=AS_THEY_COME,
                               optional=True, tooltip="Upscale Chunks'; its time and memory count."),
            ],
            outputs=[
                PlanSocket.Output(display_name="plan", tooltip="The plan as it came, for Weave."),
                io.String.Output(display_name="report", tooltip="What was found, a line each."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, backbone: Backbone, identity: Identity, plan: ChunkPlan, run_name: str, steps: int, guidance: float,
        decode_frames: int, decode_tile: int, upscale: int, measure: bool, controls: tuple[Control, ...] = (),
        audio: dict[str, Any] | None = None, reference_pose: PoseTrack | None = None,
        upscale_model: Any = None, upscaler: str = UNKNOWN, identity_models: FaceModels | None = None,
        face_model: str = AS_THEY_COME,
    ) -> io.NodeOutput:  # fmt: skip
        here = runtime()
        options = DenoiseOptions(steps or backbone.facts.steps, Guidance(guidance or backbone.facts.guidance))
        folder = confine(here.folders.runs, run_name)
        sound, decode = audio_from_socket(audio), (decode_frames, decode_tile)
        enlarger = None if upscaler == UNKNOWN else load_upscale_model(locate_model("upscaler", upscaler, here.folders))
        enlarger = enlarger if upscale_model is None else wrap_upscale_model(upscale_model)
        faces = face_pass(identity_models, face_model, 1.0)
        run = PlannedRun(
            backbone, identity, controls, plan, options, folder, sound, reference_pose, upscale, enlarger, decode, faces
        )
        report = check_run(run, here, measure)
        report.refuse()
        return io.NodeOutput(plan, str(report), ui=ui.PreviewText(str(report)))


NODES = [Preflight]
