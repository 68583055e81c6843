"""Curves over seconds."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..motionweave import curve_sheet, parse_curve
from .convert import image_from_pixels
from .sockets import CurveSocket


class Timeline(io.ComfyNode):
    """Let a number change over time."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveTimeline",
            display_name="Timeline",
            category="MotionWeave/tracks",
            description="A number that changes over the seconds of the video, for any strength, light or camera value.",
            inputs=[
                io.String.Input("keyframes", default="0: 0, 2: 1 ease", multiline=True,
                                tooltip="Seconds: value, and if wanted the easing toward the next one (linear, hold, "
                                "ease, ease_in, ease_out), parted by commas or lines: '0: 0 ease, 1.5: 1'."),
                io.Float.Input("seconds", default=4.0, min=0.05, max=3600.0, step=0.05,
                               tooltip="Length of the plot below; the curve itself holds its last value for ever."),
            ],
            outputs=[CurveSocket.Output(display_name="curve", tooltip="Goes wherever a curve input is.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, keyframes: str, seconds: float) -> io.NodeOutput:
        curve = parse_curve(keyframes)
        return io.NodeOutput(curve, ui=ui.PreviewImage(image_from_pixels(curve_sheet(curve, seconds)), cls=cls))


NODES = [Timeline]
