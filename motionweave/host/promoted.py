"""Widgets that a subgraph's node shows for widgets inside it, and where the canvas keeps their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .canvas import SUBGRAPH_INPUT, CanvasGraph, CanvasNode


def promoted_value(instance: CanvasNode, inside: CanvasGraph, name: str) -> Any:
    """Give the value that a subgraph's node keeps for one of its inputs; None where it keeps none.

    Args:
        instance: The node that stands for the subgraph.
        inside: The subgraph.
        name: The input.
    """
    if name in instance.named:
        return instance.named[name]
    owners = [widget if id == "-1" else None for id, widget in instance.proxies]
    # Without a list of its own, the order is that of the subgraph's inputs which are wired to widgets.
    names = owners or [each for slot, each in enumerate(inside.inputs) if any(wired_widgets(inside, slot))]
    place = names.index(name) if name in names else len(instance.values)
    return instance.values[place] if place < len(instance.values) else None


def wired_widgets(inside: CanvasGraph, slot: int) -> Iterator[tuple[CanvasNode, str]]:
    """Give the nodes and widgets inside a subgraph that one of its inputs is wired to.

    Args:
        inside: The subgraph.
        slot: Place of the input.
    """
    for link in inside.links.values():
        if (link.origin, link.origin_slot) == (SUBGRAPH_INPUT, slot) and link.target in inside.nodes:
            node = inside.nodes[link.target]
            yield from ((node, socket.widget) for socket in node.inputs if socket.link == link.id and socket.widget)
