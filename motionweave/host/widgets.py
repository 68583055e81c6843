"""Widget values of canvas nodes, from the places where the canvas keeps them to the names of inputs."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from .canvas import CanvasNode
from .catalogue import InputSpec, NodeSpec

CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})
"""What the control below a seed says; it stands among the values, but is no input."""

CONTROLLED_NAMES = frozenset({"seed", "noise_seed"})
"""Inputs that the canvas gives such a control whatever their schema says."""

BUTTONS = frozenset({"upload3dmodel", "uploadExtraResources", "clear"})
"""What the buttons above a view of 3D say; they stand among the values, but are no inputs."""

SHOWN = {"IMAGECOMPARE": ["", ""]}
"""What the canvas sends for widgets that only show something; of these a workflow keeps no value."""

CUSTOM_COMBO = "CustomCombo"
"""Core's list of choices that the artist writes: its schema has the choice alone, the canvas adds the rest."""


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
    if spec.id == CUSTOM_COMBO:
        names = ["choice", "index", *(f"option{place}" for place in range(1, len(node.values) - 1))]
        return {**dict(zip(names, node.values, strict=False)), **node.named}
    sockets = {each.widget for each in node.inputs if each.widget is not None}
    widgets = [each for each in spec.inputs if each.is_widget or each.id in sockets]
    return _by_place(widgets, _Row(node.values), node.named)


class _Row:
    """The values of a node, taken one after another."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values, self._place = values, 0

    def take(self) -> Any:
        """Give the next value; None where there is none, or where the canvas left a hole."""
        value = self._values[self._place] if self._place < len(self._values) else None
        self._place += 1
        return value

    def skip(self, words: Container[Any]) -> bool:
        """Pass over the next value if it is one of some words."""
        found = self._place < len(self._values) and _is_among(self._values[self._place], words)
        self._place += found
        return found

    def skip_all(self, words: Container[Any]) -> None:
        """Pass over values as long as they are among some words."""
        while self.skip(words):
            continue

    @property
    def left(self) -> int:
        """How many values are to come."""
        return len(self._values) - self._place


def _by_place(widgets: Sequence[InputSpec], row: _Row, named: Mapping[str, Any]) -> dict[str, Any]:
    """Give a value to each widget, and to those that a choice brings, which stand right behind it."""
    found: dict[str, Any] = {}
    for index, widget in enumerate(widgets):
        if widget.type in SHOWN:
            found[widget.id] = SHOWN[widget.type]
            continue
        if widget.type == "LOAD_3D":
            row.skip_all(BUTTONS)
        value = row.take()
        value = named.get(widget.id, widget.default if value is None else value)
        if value is not None:
            found[widget.id] = value
        # Below a list's control there is a filter too; it is there if more values are left than widgets to take them.
        if _skip_control(widget, row) and widget.type == "COMBO" and row.left >= len(widgets) - index:
            row.skip(("",))
        brought = [each for each in widget.branches.get(str(value), ()) if each.is_widget]
        found.update(_by_place(brought, row, named))
    return found


def _skip_control(widget: InputSpec, row: _Row) -> bool:
    """Pass over what the control below a widget says, if it has one."""
    return widget.options.get("control_after_generate", widget.id in CONTROLLED_NAMES) and row.skip(CONTROLS)


def _is_among(value: Any, words: Container[Any]) -> bool:
    return isinstance(value, str) and value in words


def _unknown_by_place(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Take values in the order of an unknown node's widget inputs, if they fit without a guess."""
    plain = [value for value in values if not (isinstance(value, str) and value in CONTROLS)]
    return dict(zip(names, plain, strict=True)) if len(names) == len(plain) else {}
