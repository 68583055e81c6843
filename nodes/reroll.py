"""Make one chunk again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..motionweave import Reroll, remake_chunk
from .runtime import runtime
from .sockets import ChunksSocket

if TYPE_CHECKING:
    from ..motionweave import WovenChunks


class RerollChunk(io.ComfyNode):
    """Make one chunk again."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveRerollChunk",
            display_name="Re-roll Chunk",
            category="MotionWeave/weave",
            description="Makes one chunk again from other noise, so that it still joins its neighbours, whose files "
            "stay as they are. Weave keeps the new take for as long as its inputs are the same.",
            inputs=[
                ChunksSocket.Input("chunks", tooltip="From Weave, or from another Re-roll Chunk."),
                io.Float.Input("second", default=0.0, min=0.0, max=10**6, step=0.1,
                               tooltip="A moment of the video: the chunk that is seen there is made again."),
                io.Int.Input("seed", default=1, min=0, max=2**53 - 1, control_after_generate=False,
                             tooltip="Seeds the noise of the new take; a seed that was there before gives its take "
                             "back at once."),
                io.Int.Input("chunk", default=0, min=0, max=10**6, optional=True,
                             tooltip="The chunk's number, from 1, as messages and reports count; 0 to find it by "
                             "'second'."),
                io.Int.Input("take", default=-1, min=-1, max=10**6, optional=True,
                             tooltip="Goes back to a take that is there: 0 is the original, the first re-rolled one is "
                             "1. -1 for the take of the seed."),
            ],
            outputs=[
                ChunksSocket.Output(display_name="chunks", tooltip="Goes to Stitch Chunks."),
                io.Int.Output(display_name="take", tooltip="The take that counts now; 0 is the original."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, chunks: WovenChunks, second: float, seed: int, chunk: int = 0, take: int = -1) -> io.NodeOutput:
        wish = Reroll(second, seed, chunk - 1 if chunk else None, None if take < 0 else take)
        record = remake_chunk(chunks, wish, runtime())
        return io.NodeOutput(chunks, record.take)


NODES = [RerollChunk]
