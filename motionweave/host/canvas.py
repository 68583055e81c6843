"""The canvas's JSON as data: format 0.4 with array links and format 1 with object links, and subgraph definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import WorkflowError

SUBGRAPH_INPUT = "-10"
"""Origin of links that come from a subgraph's own inputs."""

SUBGRAPH_OUTPUT = "-20"
"""Target of links that go to a subgraph's own outputs."""

MUTED, BYPASSED = 2, 4
"""Modes in which a node does not run."""


@dataclass(frozen=True)
class CanvasLink:
    """A wire."""

    id: str
    origin: str
    """Id of the node it comes from."""
    origin_slot: int
    target: str
    """Id of the node it goes to."""
    target_slot: int
    type: str


@dataclass(frozen=True)
class CanvasSocket:
    """An input or output as the canvas keeps it."""

    name: str
    type: str
    link: str | None
    """The wire that comes in; None for outputs and free inputs."""
    widget: str | None
    """Name of the widget that the input stands for."""


@dataclass(frozen=True)
class CanvasNode:
    """A node as the canvas keeps it."""

    id: str
    type: str
    title: str | None
    """What the artist called it; None where it kept its kind's name."""
    mode: int
    inputs: tuple[CanvasSocket, ...]
    outputs: tuple[CanvasSocket, ...]
    values: Sequence[Any]
    """Widget values by place."""
    named: Mapping[str, Any]
    """Widget values by name, where the canvas wrote them so."""
    proxies: tuple[tuple[str, str], ...]
    """For a subgraph: (inner node or -1, widget) of each promoted widget, in the order of `values`."""


@dataclass(frozen=True)
class CanvasGraph:
    """Nodes and wires of one level."""

    nodes: Mapping[str, CanvasNode]
    links: Mapping[str, CanvasLink]
    inputs: tuple[str, ...] = ()
    """Names of a subgraph's inputs."""


@dataclass(frozen=True)
class Canvas:
    """A whole canvas workflow."""

    graph: CanvasGraph
    subgraphs: Mapping[str, CanvasGraph]
    """Definitions by id, which is the type of the nodes that stand for them."""


def parse_canvas(data: Mapping[str, Any]) -> Canvas:
    """Read a canvas workflow.

    Args:
        data: The JSON object; it has a list ``nodes``.

    Raises:
        WorkflowError: If a node or link is not as either format has it.
    """
    definitions = _objects(_mapping(data.get("definitions")), "subgraphs")
    return Canvas(_graph(data), {str(each.get("id")): _graph(each) for each in definitions})


def _graph(data: Mapping[str, Any]) -> CanvasGraph:
    nodes: dict[str, CanvasNode] = {}
    for raw in _list(data, "nodes"):
        node = _node(raw)
        if node.id in nodes:
            raise WorkflowError(f"two nodes have the id {node.id}; give each its own")
        nodes[node.id] = node
    links = {link.id: link for link in map(_link, _list(data, "links"))}
    return CanvasGraph(nodes, links, tuple(str(each.get("name")) for each in _objects(data, "inputs")))


def _node(raw: Any) -> CanvasNode:
    if not isinstance(raw, dict) or not isinstance(raw.get("type"), str) or "id" not in raw:
        raise WorkflowError(f"a node is not as the canvas writes it (an id and a type are needed): {str(raw)[:80]}")
    values: Any = raw.get("widgets_values")
    named = {**(values if isinstance(values, dict) else {}), **_mapping(raw.get("widgets_values_named"))}
    proxies = [each for each in _list(_mapping(raw.get("properties")), "proxyWidgets") if isinstance(each, list)]
    return CanvasNode(
        id=str(raw["id"]),
        type=raw["type"],
        title=str(raw["title"]) if raw.get("title") else None,
        mode=raw.get("mode") or 0,
        inputs=tuple(_socket(each) for each in _objects(raw, "inputs")),
        outputs=tuple(_socket(each) for each in _objects(raw, "outputs")),
        values=values if isinstance(values, list) else (),
        named=named,
        proxies=tuple((str(each[0]), str(each[1])) for each in proxies if len(each) > 1),
    )


def _socket(raw: Mapping[str, Any]) -> CanvasSocket:
    link = raw.get("link")
    kind = raw.get("type")
    return CanvasSocket(
        name=str(raw.get("name")),
        type=kind if isinstance(kind, str) else "*",
        link=None if link is None else str(link),
        widget=_mapping(raw.get("widget")).get("name"),
    )


def _link(raw: Any) -> CanvasLink:
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    parts = [raw.get(key) for key in keys] if isinstance(raw, dict) else raw
    if not isinstance(parts, list) or len(parts) < 5:
        raise WorkflowError(f"a link is not as the canvas writes it: {str(raw)[:80]}")
    fields: list[Any] = parts
    id, origin, origin_slot, target, target_slot, *rest = fields
    try:
        slots = int(origin_slot), int(target_slot)
    except (TypeError, ValueError) as error:
        raise WorkflowError(f"link {id} has slots that are no numbers: {origin_slot!r}, {target_slot!r}") from error
    if min(slots) < 0:
        raise WorkflowError(f"link {id} has a slot below 0: {origin_slot}, {target_slot}; connect it again")
    kind = rest[0] if rest and isinstance(rest[0], str) else "*"
    return CanvasLink(str(id), str(origin), slots[0], str(target), slots[1], kind)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    """Give a list that may be missing."""
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise WorkflowError(f"'{key}' of the workflow, or of one of its nodes, is no list: {str(value)[:80]}")
    return value


def _objects(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Give a list of JSON objects that may be missing."""
    values = _list(data, key)
    for value in values:
        if not isinstance(value, dict):
            raise WorkflowError(
                f"'{key}' of the workflow, or of one of its nodes, holds {str(value)[:80]}; expected objects"
            )
    return values
