"""Core nodes for single values."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..v3 import io, ui


def _primitive(node_id: str, title: str, kind: type[io.ComfyTypeIO], **options: Any) -> type[io.ComfyNode]:
    """Make the node that holds one value of a kind.

    Args:
        node_id: ComfyUI's id.
        title: What a person reads.
        kind: The value's type.
        options: Of its widget.
    """

    def define_schema(cls: type[io.ComfyNode]) -> io.Schema:
        del cls
        return io.Schema(
            node_id=node_id,
            display_name=title,
            category="utils/primitive",
            inputs=[kind.Input("value", **options)],
            outputs=[kind.Output(display_name=kind.io_type)],
        )

    def execute(cls: type[io.ComfyNode], value: Any) -> io.NodeOutput:
        del cls
        return io.NodeOutput(value)

    methods = {"define_schema": classmethod(define_schema), "execute": classmethod(execute)}
    make: Any = type(io.ComfyNode)
    return make(node_id, (io.ComfyNode,), {"__doc__": f"Hold a value of {kind.io_type}.", **methods})


class PreviewAny(io.ComfyNode):
    """Show any value as words."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="PreviewAny",
            display_name="Preview as Text",
            category="utils",
            inputs=[io.AnyType.Input("source")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, source: Any) -> io.NodeOutput:
        """Write plain values as they are, others as JSON where they have it, else as Python does."""
        if isinstance(source, str | int | float | bool) or source is None:
            return io.NodeOutput(ui=ui.PreviewText(str(source)))
        try:
            text = json.dumps(source)
        except (TypeError, ValueError):
            text = str(source)
        return io.NodeOutput(ui=ui.PreviewText(text))


NODES: tuple[type[io.ComfyNode], ...] = (
    _primitive("PrimitiveInt", "Int", io.Int, min=-sys.maxsize, max=sys.maxsize, control_after_generate=True),
    _primitive("PrimitiveFloat", "Float", io.Float, min=-float(sys.maxsize), max=float(sys.maxsize)),
    _primitive("PrimitiveString", "String", io.String),
    _primitive("PrimitiveStringMultiline", "String (Multiline)", io.String, multiline=True),
    _primitive("PrimitiveBoolean", "Boolean", io.Boolean),
    PreviewAny,
)
