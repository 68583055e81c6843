"""Widget values of canvas nodes, from the places where the canvas keeps them to the names of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .canvas import CanvasNode
from .catalogue import InputSpec, NodeSpec

CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})
"""What the control below a seed says; it stands among the values, but is no input."""

CONTROLLED_NAMES = frozenset({"seed", "noise_seed"})
"""Inputs that the canvas gives such a control whatever their schema says."""


def widget_values(node: CanvasNode, spec: NodeSpec | None) -> dict[str, Any]:
    """Give a canvas node's widget values by input name.

    Values that the canvas wrote by name are preferred; else they are taken by place, in the order of the schema's
    widgets, past the values of controls. What is missing at the end is at its default, as on the canvas.

    Args:
        node: The node.
        spec: Its kind; None for an unknown one, which is read by the names on its own inputs.
    """
    if spec is None:
        names = [each.widget for each in node.inputs if each.widget is not None]
        return {**_unknown_by_place(names, node.values), **node.named}
    widgets = [each for each in spec.inputs if each.is_widget]
    values = {each.id: each.default for each in widgets if each.default is not None}
    values.update(_by_place(widgets, node.values))
    values.update({name: value for name, value in node.named.items() if spec.input(name) is not None})
    return values


def _by_place(widgets: Sequence[InputSpec], values: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = 0
    for index, widget in enumerate(widgets):
        if place >= len(values):
            break
        if values[place] is not None:
            found[widget.id] = values[place]
        place += 1
        controlled = widget.options.get("control_after_generate") or widget.id in CONTROLLED_NAMES
        if controlled and place < len(values) and values[place] in CONTROLS:
            place += 1
            # Below a list there is a filter too; it is there if more values are left than widgets to take them.
            if (
                widget.type == "COMBO"
                and values[place : place + 1] == [""]
                and len(values) - place >= len(widgets) - index
            ):
                place += 1
    return found


def _unknown_by_place(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Take values in the order of an unknown node's widget inputs, if they fit without a guess."""
    plain = [value for value in values if not (isinstance(value, str) and value in CONTROLS)]
    return dict(zip(names, plain, strict=True)) if len(names) == len(plain) else {}
