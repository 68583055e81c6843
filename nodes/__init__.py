"""The pack's nodes, one file per stage of the walk."""

from comfy_api.latest import ComfyExtension, io

from . import (
    adapters,
    camera,
    controls,
    depth,
    finish,
    identity,
    light,
    load,
    measure,
    poses,
    preflight,
    reroll,
    samples,
    speech,
    timeline,
    training,
    weave,
    weights,
)

STAGES = (
    load,
    weights,
    adapters,
    samples,
    poses,
    depth,
    speech,
    light,
    camera,
    timeline,
    identity,
    controls,
    preflight,
    weave,
    reroll,
    finish,
    measure,
    training,
)
"""Node files in the order in which data passes them."""


class MotionWeaveExtension(ComfyExtension):
    """What ComfyUI registers."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Give every node."""
        return [node for stage in STAGES for node in stage.NODES]
