"""Measure what was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..motionweave import (
    FaceRecogniser,
    InputError,
    PictureRecogniser,
    ScoreOptions,
    joins_of_plan,
    score_chart,
    score_video,
)
from .convert import footage_from, image_from_pixels, pixels_from_image
from .runtime import runtime
from .sockets import BackboneSocket, ChunksSocket, IdentityModelsSocket, PlanSocket

if TYPE_CHECKING:
    from torch import Tensor

    from ..motionweave import Backbone, ChunkPlan, ClipRow, FaceModels


class ScoreVideo(io.ComfyNode):
    """Measure a video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveScoreVideo",
            display_name="Score Video",
            category="MotionWeave/measure",
            description="Measures a finished video, or chunks: how steady the motion is, whether joins show, and how "
            "far identity and colours drift from start to end. Shows it as a strip chart over the seconds.",
            is_output_node=True,
            inputs=[
                io.Video.Input("video", optional=True, tooltip="The video; or connect chunks."),
                ChunksSocket.Input("chunks", optional=True,
                                   tooltip="From Weave or Upscale Chunks; measured as the plan joins them."),
                PlanSocket.Input("plan", optional=True,
                                 tooltip="From Plan Chunks: says where a video's joins are. Chunks know theirs."),
                io.Image.Input("reference", optional=True,
                               tooltip="Who it should show, in which colours; without it, the first second counts."),
                IdentityModelsSocket.Input("identity_models", optional=True,
                                           tooltip="From Load Identity Models: identity is judged by the face."),
                BackboneSocket.Input("backbone", optional=True,
                                     tooltip="Identity is judged by its image encoder, which sees the whole picture, "
                                     "where there are no identity models."),
                io.Boolean.Input("temporal", default=True, optional=True,
                                 tooltip="Whether to judge how steady the motion is; takes most of the time, and "
                                 "OpenCV with its contrib modules."),
            ],
            outputs=[
                io.Image.Output(display_name="chart", tooltip="The strip chart."),
                io.String.Output(display_name="report", tooltip="Every figure, a line each."),
                io.String.Output(display_name="json", tooltip="The same as JSON, with each join."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, video: Any = None, chunks: ClipRow | None = None, plan: ChunkPlan | None = None,
        reference: Tensor | None = None, identity_models: FaceModels | None = None, backbone: Backbone | None = None,
        temporal: bool = True,
    ) -> io.NodeOutput:  # fmt: skip
        if (video is None) == (chunks is None):
            raise InputError("Score Video takes either a video or chunks; connect exactly one of the two")
        here, picture = runtime(), None if reference is None else pixels_from_image(reference[:1])
        by_picture = None if backbone is None else PictureRecogniser(backbone, here)
        recogniser = by_picture if identity_models is None else FaceRecogniser(identity_models)
        source = footage_from(video, None, 0) if chunks is None else chunks
        joins = None if plan is None else joins_of_plan(plan)
        found = score_video(source, picture, recogniser, joins, ScoreOptions(temporal), here.report)
        chart, told = image_from_pixels(score_chart(found)), "\n".join(found.lines())
        shown = ui.PreviewImage(chart, cls=cls).as_dict() | ui.PreviewText(told).as_dict()
        return io.NodeOutput(chart, told, found.to_json(), ui=shown)


NODES = [ScoreVideo]
