"""From the canvas to a graph that runs: what ComfyUI's frontend does when a workflow is queued.

Nodes that only help the artist (notes, reroutes, primitives), muted and bypassed nodes go; wires are followed through
them to what they stand for; subgraphs are unfolded, their nodes named ``5:2``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import WorkflowError
from .canvas import (
    BYPASSED,
    MUTED,
    SUBGRAPH_INPUT,
    SUBGRAPH_OUTPUT,
    Canvas,
    CanvasGraph,
    CanvasLink,
    CanvasNode,
    CanvasSocket,
)
from .catalogue import Catalogue
from .graph import Graph, GraphNode, Link
from .promoted import promoted_value, wired_widgets
from .texts import as_queued
from .widgets import widget_values

NOTES = frozenset({"Note", "MarkdownNote"})
"""Types without any wire."""

REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
"""Types that pass on a wire, and that hold a value for a widget."""

MOST_LEVELS = 32
"""Subgraphs within subgraphs; more means that one holds itself."""


@dataclass(frozen=True)
class Literal:
    """A value at the end of a wire, where no node makes it."""

    value: Any


@dataclass(frozen=True)
class _Level:
    """One unfolded level of the canvas."""

    graph: CanvasGraph
    prefix: str = ""
    instance: CanvasNode | None = None
    """The node that stands for this level in `parent`."""
    parent: _Level | None = None

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else self.parent.depth + 1


def flatten(canvas: Canvas, catalogue: Catalogue, source: Mapping[str, Any] | None = None) -> Graph:
    """Turn a canvas workflow into a graph.

    Args:
        canvas: The workflow.
        catalogue: Known kinds, whose schemas say which widget is which; of unknown ones, what their JSON tells is kept.
        source: The canvas workflow's JSON, to be written into saved files.

    Raises:
        WorkflowError: If a wire comes from a node that is not there, or runs in a circle.
    """
    return Graph(_Flattening(canvas, catalogue).nodes(), source)


class _Flattening:
    """One pass over a canvas."""

    def __init__(self, canvas: Canvas, catalogue: Catalogue) -> None:
        self._subgraphs, self._catalogue = canvas.subgraphs, catalogue
        self._top = _Level(canvas.graph)

    def nodes(self) -> dict[str, GraphNode]:
        """Give every node that runs, and drop wires from those that do not."""
        return as_queued({node.id: node for node in self._walk(self._top)}, self._catalogue)

    def _walk(self, level: _Level) -> Iterator[GraphNode]:
        for node in level.graph.nodes.values():
            if node.mode in (MUTED, BYPASSED) or node.type in (NOTES | {REROUTE, PRIMITIVE}):
                continue
            if node.type in self._subgraphs:
                yield from self._walk(self._inside(level, node))
            else:
                yield self._node(level, node)

    def _inside(self, level: _Level, node: CanvasNode) -> _Level:
        if level.depth >= MOST_LEVELS:
            raise WorkflowError(f"the subgraph of node {level.prefix}{node.id} holds itself; take it out of itself")
        return _Level(self._subgraphs[node.type], f"{level.prefix}{node.id}:", node, level)

    def _node(self, level: _Level, node: CanvasNode) -> GraphNode:
        spec = self._catalogue.get(node.type)
        title = node.title or (spec.title if spec else node.type)
        named = GraphNode(level.prefix + node.id, node.type, title, {})
        inputs = widget_values(node, spec) | self._proxied(level, node)
        for index, socket in enumerate(node.inputs):
            link = self._link_into(level, node, index, named)
            source = None if link is None else self._origin(level, link, frozenset())
            if source is not None:
                inputs[socket.name] = source.value if isinstance(source, Literal) else source
        return GraphNode(named.id, named.kind, title, inputs)

    def _proxied(self, level: _Level, node: CanvasNode) -> dict[str, Any]:
        """Give values that the enclosing subgraph node keeps for this node's widgets."""
        if level.instance is None:
            return {}
        pairs = zip(level.instance.proxies, level.instance.values, strict=False)
        return {widget: value for (id, widget), value in pairs if id == node.id and value is not None}

    def _link_into(self, level: _Level, node: CanvasNode, index: int, named: GraphNode) -> CanvasLink | None:
        """Give the wire that comes into an input, by its id, else by its place."""
        socket = node.inputs[index]
        if socket.link is None:
            return None
        links = level.graph.links
        link = links.get(socket.link) or next(
            (each for each in links.values() if (each.target, each.target_slot) == (node.id, index)), None
        )
        if link is None:
            raise WorkflowError(
                f"{named}: input '{socket.name}' is wired by link {socket.link}, which is not in the file; "
                "connect it again"
            )
        if link.origin != SUBGRAPH_INPUT and link.origin not in level.graph.nodes:
            raise WorkflowError(
                f"{named}: input '{socket.name}' comes from node {level.prefix}{link.origin}, which is not in "
                "the file; connect it again"
            )
        return link

    def _origin(self, level: _Level, link: CanvasLink, seen: frozenset[tuple[str, str]]) -> Link | Literal | None:
        """Follow a wire upstream to the node or value at its end; None where it ends in nothing."""
        step = (level.prefix, link.id)
        if step in seen:
            raise WorkflowError(f"link {link.id} runs in a circle through nodes that only pass it on; break the circle")
        seen |= {step}
        if link.origin == SUBGRAPH_INPUT:
            return self._from_outside(level, link.origin_slot, seen)
        node = level.graph.nodes.get(link.origin)
        if node is None or node.mode == MUTED or node.type in NOTES:
            return None
        if node.mode == BYPASSED:
            return self._through(level, node, _passing(node, link), seen)
        if node.type == REROUTE:
            return self._through(level, node, 0 if node.inputs else None, seen)
        if node.type == PRIMITIVE:
            return Literal(node.values[0]) if node.values else None
        if node.type in self._subgraphs:
            return self._from_inside(self._inside(level, node), link.origin_slot, seen)
        return Link(level.prefix + node.id, link.origin_slot)

    def _through(
        self, level: _Level, node: CanvasNode, index: int | None, seen: frozenset[tuple[str, str]]
    ) -> Link | Literal | None:
        """Go on from one of a node's inputs."""
        if index is None:
            return None
        link = self._link_into(
            level, node, index, GraphNode(level.prefix + node.id, node.type, node.title or node.type, {})
        )
        return None if link is None else self._origin(level, link, seen)

    def _from_inside(self, level: _Level, slot: int, seen: frozenset[tuple[str, str]]) -> Link | Literal | None:
        """Go on from one of a subgraph's outputs."""
        for link in level.graph.links.values():
            if (link.target, link.target_slot) == (SUBGRAPH_OUTPUT, slot):
                return self._origin(level, link, seen)
        return None

    def _from_outside(self, level: _Level, slot: int, seen: frozenset[tuple[str, str]]) -> Link | Literal | None:
        """Go on from one of a subgraph's inputs: the wire outside, else the value that the subgraph's node keeps."""
        instance, parent = level.instance, level.parent
        if instance is None or parent is None or slot >= len(level.graph.inputs):
            return None
        name = level.graph.inputs[slot]
        index = next((place for place, each in enumerate(instance.inputs) if each.name == name), None)
        outside = self._through(parent, instance, index, seen)
        if outside is not None:
            return outside
        value = promoted_value(instance, level.graph, name)
        return self._of_widget_inside(level, slot) if value is None else Literal(value)

    def _of_widget_inside(self, level: _Level, slot: int) -> Literal | None:
        """Give the value that a subgraph's input has from the first widget it is wired to."""
        for node, widget in wired_widgets(level.graph, slot):
            values = widget_values(node, self._catalogue.get(node.type)) | self._proxied(level, node)
            return Literal(values[widget]) if widget in values else None
        return None


def _passing(node: CanvasNode, link: CanvasLink) -> int | None:
    """Give the input that a bypassed node passes on: that of the same place if it fits, else the first that does."""
    slot = link.origin_slot
    wanted = node.outputs[slot].type if slot < len(node.outputs) else link.type
    if wanted == "*":
        return slot if slot < len(node.inputs) else (0 if node.inputs else None)
    if slot < len(node.inputs) and _fits(node.inputs[slot], wanted):
        return slot
    exact = (index for index, socket in enumerate(node.inputs) if socket.type == wanted)
    fitting = (index for index, socket in enumerate(node.inputs) if _fits(socket, wanted))
    return next(exact, next(fitting, None))


def _fits(socket: CanvasSocket, wanted: str) -> bool:
    return socket.type == "*" or bool(set(socket.type.split(",")) & set(wanted.split(",")))
