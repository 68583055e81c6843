"""A workflow as a graph of nodes with named inputs: the API format as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import WorkflowError


@dataclass(frozen=True)
class Link:
    """A value that another node makes."""

    node: str
    """The other node's id."""
    slot: int
    """Which of its outputs."""


@dataclass(frozen=True)
class GraphNode:
    """One node."""

    id: str
    """Its id; a node inside a subgraph has its container's in front: ``5:2``."""
    kind: str
    """``class_type``."""
    title: str
    """What a person reads."""
    inputs: Mapping[str, Any]
    """Values and `Link`s by input name."""

    def __str__(self) -> str:
        """Give it as messages name it."""
        return f"'{self.title}' (node {self.id})"

    @property
    def links(self) -> dict[str, Link]:
        """Inputs that come from other nodes."""
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}


@dataclass(frozen=True)
class Graph:
    """A workflow that can be run."""

    nodes: Mapping[str, GraphNode]
    """By id."""
    canvas: Mapping[str, Any] | None = None
    """The canvas workflow that it comes from, for the metadata of saved files."""

    def find(self, name: str) -> tuple[GraphNode, ...]:
        """Give the node of that id, else every node of that title."""
        if name in self.nodes:
            return (self.nodes[name],)
        return tuple(node for node in self.nodes.values() if node.title == name)

    def with_inputs(self, id: str, values: Mapping[str, Any]) -> Graph:
        """Give the graph with other inputs on one node.

        The canvas workflow would no longer say what is run, so it is left out; ComfyUI then opens saved files
        by their prompt.

        Args:
            id: The node.
            values: New values by input name.
        """
        node = replace(self.nodes[id], inputs={**self.nodes[id].inputs, **values})
        return Graph({**self.nodes, id: node})

    def to_prompt(self) -> dict[str, Any]:
        """Give the workflow in API format."""
        return {
            node.id: {
                "class_type": node.kind,
                "inputs": {name: _to_json(value) for name, value in node.inputs.items()},
                "_meta": {"title": node.title},
            }
            for node in self.nodes.values()
        }


def _to_json(value: Any) -> Any:
    if isinstance(value, Link):
        return [value.node, value.slot]
    return {"__value__": value} if isinstance(value, list) else value


def is_prompt(data: Mapping[str, Any]) -> bool:
    """Say whether a JSON object is a workflow in API format."""
    return bool(data) and all(isinstance(node, dict) and "class_type" in node for node in data.values())


def graph_from_prompt(prompt: Mapping[str, Any]) -> Graph:
    """Read a workflow in API format.

    Args:
        prompt: Nodes by id.

    Raises:
        WorkflowError: If a node's inputs are no object.
    """
    nodes: dict[str, GraphNode] = {}
    for id, raw in prompt.items():
        inputs = raw.get("inputs", {})
        if not isinstance(raw["class_type"], str) or not isinstance(inputs, dict):
            raise WorkflowError(f"node {id} is not as the API format has it: class_type is text and inputs an object")
        meta = raw.get("_meta")
        title = meta.get("title") if isinstance(meta, dict) else None
        values = {name: _from_json(value) for name, value in inputs.items()}
        nodes[id] = GraphNode(id, raw["class_type"], str(title or raw["class_type"]), values)
    return Graph(nodes)


def _from_json(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"__value__"}:
        return value["__value__"]
    match value:
        case [str(node), int(slot)] if not isinstance(slot, bool):
            return Link(node, slot)
        case _:
            return value
