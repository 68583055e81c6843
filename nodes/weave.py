"""Plan, make and join the chunks."""

from __future__ import annotations

import re
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from comfy_api.latest import io, ui

from ..motionweave import (
    BLENDS,
    BLENDS_IN,
    CONTEXTS,
    IMAGE_ROLES,
    SAMPLERS,
    SCHEDULES,
    DenoiseOptions,
    DriftSettings,
    Guidance,
    InputError,
    Joining,
    MotionWeaveEngine,
    Request,
    WovenChunks,
    drift_chart,
    plan_chunks,
    settle_on,
)
from .convert import audio_from_socket, image_from_pixels
from .runtime import runtime
from .sockets import BackboneSocket, ChunksSocket, ControlsSocket, IdentitySocket, PlanSocket, PoseSocket

if TYPE_CHECKING:
    from ..motionweave import Backbone, Blend, BlendIn, ChunkPlan, Context, Control, Identity, PoseTrack

RUN_NAME = re.compile(r"[\w][\w .-]{0,99}")


class PlanChunks(io.ComfyNode):
    """Cut the video into chunks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeavePlanChunks",
            display_name="Plan Chunks",
            category="MotionWeave/weave",
            description="Decides how long the video is and how it is cut into chunks that the backbone can make.",
            inputs=[
                BackboneSocket.Input("backbone", tooltip="Gives the defaults."),
                io.Int.Input("frames", default=0, min=0, max=10**6,
                             tooltip="Frames of the video; 0 for as long as the pose track."),
                io.Float.Input("fps", default=0.0, min=0.0, max=240.0, step=0.01,
                               tooltip="Frames per second of the video; 0 for the pose track's."),
                io.Int.Input("chunk_frames", default=0, min=0, max=4096,
                             tooltip="New frames a chunk adds; 0 for the backbone's. Longer chunks have fewer joins "
                             "and take more memory."),
                io.Int.Input("overlap", default=-1, min=-1, max=4096,
                             tooltip="Frames of the chunk before that a chunk carries on from; -1 for the backbone's."),
                PoseSocket.Input("pose", optional=True, tooltip="Gives length and frame rate, where they are 0; tells "
                                 "where it is still, if borders may move."),
                io.Combo.Input("context", options=list(CONTEXTS), default="sequential", optional=True,
                               tooltip="How chunks are kept together. sequential: each goes on from the one before, "
                               "for most videos. fused or shifted: all are made together, for backbones that take the "
                               "picture for a reference; nothing is finished before all is. independent: not at all, "
                               "to compare."),
                io.Combo.Input("blend", options=["auto", *BLENDS], default="auto", optional=True,
                               tooltip="How one chunk's pictures give way to the next one's. linear and cosine hide "
                               "what is left of a join under a cross-fade; cut keeps it sharp. auto: a cosine over "
                               "all of the overlap, or over half of it where borders may move."),
                io.Int.Input("fade", default=0, min=0, max=4096, optional=True,
                             tooltip="Frames of the overlap to cross-fade over; 0 for half of it, or as auto says."),
                io.Int.Input("reinject_every", default=0, min=0, max=10**6, optional=True,
                             tooltip="Every so many chunks the reference anchors the picture again, so that a long "
                             "video does not drift away from it; such joins may show more. 0 for never."),
                io.Int.Input("border_reach", default=0, min=0, max=4096, optional=True,
                             tooltip="Frames that each join may move, either way, to where the pose is still and the "
                             "audio quiet; 2 to 4 are usual, 0 for joins at even distances."),
                io.Audio.Input("audio", optional=True, tooltip="Tells where it is quiet, if borders may move."),
                io.Combo.Input("blend_in", options=list(BLENDS_IN), default="pixel", optional=True,
                               tooltip="Where to blend: in the pictures, or in the latents before they are decoded, "
                               "which only 'independent' chunks can."),
            ],
            outputs=[
                PlanSocket.Output(display_name="plan", tooltip="Goes to Weave."),
                io.Int.Output(display_name="frames", tooltip="Frames of the video."),
                io.Int.Output(display_name="chunks", tooltip="Chunks that make it."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        backbone: Backbone,
        frames: int,
        fps: float,
        chunk_frames: int,
        overlap: int,
        pose: PoseTrack | None = None,
        context: Context = "sequential",
        blend: Blend | Literal["auto"] = "auto",
        fade: int = 0,
        reinject_every: int = 0,
        border_reach: int = 0,
        audio: dict[str, Any] | None = None,
        blend_in: BlendIn = "pixel",
    ) -> io.NodeOutput:
        rate, count = _clock(backbone, frames, fps, pose)
        joining = Joining(context, blend, fade, reinject_every, blend_in, border_reach)
        even = plan_chunks(backbone.facts, count, rate, chunk_frames, None if overlap < 0 else overlap, joining)
        plan = settle_on(even, border_reach, pose, audio_from_socket(audio))
        shown = {**asdict(plan), "fps": str(plan.fps)}
        return io.NodeOutput(plan, plan.frame_count, len(plan), ui={"motionweave_plan": [shown]})


def _clock(backbone: Backbone, frames: int, fps: float, pose: PoseTrack | None) -> tuple[Fraction, int]:
    """Say how fast the video is and how many frames it has, by the pose track where nothing is given."""
    rate = Fraction(fps).limit_denominator(1001) if fps else (pose.fps if pose is not None else backbone.facts.fps)
    if frames:
        return rate, frames
    if pose is None:
        raise InputError("Plan Chunks was given neither a number of frames nor a pose track; give one of the two")
    return rate, len(pose.resample(rate))


class Weave(io.ComfyNode):
    """Make the chunks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveWeave",
            display_name="Weave",
            category="MotionWeave/weave",
            description="Makes the video chunk by chunk and keeps each finished chunk on disk. Queue it again after a "
            "crash, a cancel or a change: only what is missing, or would differ, is made.",
            inputs=[
                BackboneSocket.Input("backbone", tooltip="From Load Backbone."),
                IdentitySocket.Input("identity", tooltip="From Encode Identity."),
                PlanSocket.Input("plan", tooltip="From Plan Chunks."),
                ControlsSocket.Input("controls", optional=True, tooltip="From the last Apply node."),
                io.String.Input("run_name", default="weave",
                                tooltip="Folder below output/motionweave in which chunks are kept. Runs of one name "
                                "share and replace chunks."),
                io.Int.Input("steps", default=0, min=0, max=1000,
                             tooltip="Denoising steps a chunk; 0 for the backbone's own."),
                io.Float.Input("guidance", default=0.0, min=0.0, max=100.0, step=0.1,
                               tooltip="How strongly the image counts, the same for every frame; 1 switches guidance "
                               "off and halves the time, 0 takes the backbone's own."),
                io.Float.Input("guidance_first", default=0.0, min=0.0, max=100.0, step=0.1,
                               tooltip="SVD's ramp: guidance at the first frame, rising to 'guidance' at the last. "
                               "Only for a video of a single window; 0 for no ramp."),
                io.Float.Input("motion_bucket", default=127.0, min=0.0, max=255.0, step=1.0,
                               tooltip="SVD's measure of how much moves."),
                io.Int.Input("decode_frames", default=0, min=0, max=4096,
                             tooltip="Frames decoded together; fewer take less memory, 0 for the default."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=False,
                             tooltip="Seeds the noise; the same seed gives the same video."),
                io.Int.Input("decode_tile", default=0, min=0, max=8192, step=8, optional=True,
                             tooltip="Side of the picture's tiles that are decoded together, in pixels, for example "
                             "512: tiles take less memory, but shift colours slightly. 0 for whole pictures."),
                io.Combo.Input("sampler", options=list(SAMPLERS.ids()), default="euler", optional=True,
                               tooltip="euler is what SVD was published with; dpmpp_2m comes nearer to the end result "
                               "in as many steps from about 12 on."),
                io.Combo.Input("schedule", options=list(SCHEDULES.ids()), default="karras", optional=True,
                               tooltip="karras is the backbone's own; align_your_steps was made for SVD in 10 steps "
                               "and is the better one below about 20."),
                io.Float.Input("control_guidance", default=1.0, min=0.0, max=100.0, step=0.1, optional=True,
                               tooltip="How strongly the controls count beyond their strengths: 1 as they were "
                               "trained, more to exaggerate them. Any other value than 1 costs a third pass."),
                io.Float.Input("step_cache", default=0.0, min=0.0, max=0.9, step=0.01, optional=True,
                               tooltip="Lets a step reuse the one before where the network's first block changed less "
                               "than this, 0.1 for example; faster, and slightly different. 0 runs every step."),
                io.Combo.Input("image_role", options=list(IMAGE_ROLES), default="auto", optional=True,
                               tooltip="What the image is to the backbone: the first frame, so that later chunks go on "
                               "from their own, or a reference in any pose; auto as the backbone says."),
                io.Float.Input("drift_correction", default=0.0, min=0.0, max=1.0, step=0.05, optional=True,
                               tooltip="How much of the colours' drift away from the first second is taken back where "
                               "the chunks are read: 0 none, 1 all of it. Rests under a light or a camera."),
                io.Float.Input("drift_threshold", default=1.0, min=0.0, max=50.0, step=0.1, optional=True,
                               tooltip="How far colours may wander before any of it is taken back, in Lab units; about "
                               "2 is the least that people notice."),
            ],
            outputs=[ChunksSocket.Output(display_name="chunks", tooltip="Goes to Stitch Chunks, or to Re-roll Chunk.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        backbone: Backbone,
        identity: Identity,
        plan: ChunkPlan,
        run_name: str,
        steps: int,
        guidance: float,
        guidance_first: float,
        motion_bucket: float,
        decode_frames: int,
        seed: int,
        controls: tuple[Control, ...] = (),
        decode_tile: int = 0,
        sampler: str = "euler",
        schedule: str = "karras",
        control_guidance: float = 1.0,
        step_cache: float = 0.0,
        image_role: str = "auto",
        drift_correction: float = 0.0,
        drift_threshold: float = 1.0,
    ) -> io.NodeOutput:
        if not RUN_NAME.fullmatch(run_name) or ".." in run_name:
            raise InputError(
                f"the run name '{run_name}' cannot be a folder's name; use letters, digits, spaces, dots, dashes and "
                "underscores, beginning with a letter or digit"
            )
        here = runtime()
        mixed = Guidance(guidance or backbone.facts.guidance, guidance_first or None, control_guidance)
        request = Request(
            backbone=backbone,
            identity=identity,
            controls=tuple(control.resample(plan.fps) for control in controls),
            plan=plan,
            options=DenoiseOptions(steps or backbone.facts.steps, mixed, sampler, schedule, step_cache),
            seed=seed,
            folder=here.folders.runs / run_name,
            motion_bucket=motion_bucket,
            decode_frames=decode_frames,
            decode_tile=decode_tile,
            image_role=image_role,
            drift=DriftSettings(drift_correction, drift_threshold),
        )
        engine = MotionWeaveEngine(request, here)
        rows = [
            {"chunk": made.record.index, "key": made.record.key, "frames": made.record.frame_count,
             "seconds": made.record.seconds, "reused": made.reused, **made.looks()}
            for made in engine.generate()
        ]  # fmt: skip
        chart = image_from_pixels(drift_chart(engine.drift.rows(), float(plan.fps)))
        shown = {"motionweave": rows, "motionweave_memory": engine.memory_rows()}
        return io.NodeOutput(WovenChunks.of(request), ui=shown | ui.PreviewImage(chart, cls=cls).as_dict())


NODES = [PlanChunks, Weave]
