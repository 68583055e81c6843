"""Workflow files: read, brought into one form, and changed from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError, WorkflowError
from .canvas import parse_canvas
from .catalogue import Catalogue, InputSpec
from .flatten import flatten
from .graph import Graph, GraphNode, graph_from_prompt, is_prompt
from .values import number_from_text


def read_workflow(path: Path | str, catalogue: Catalogue) -> Graph:
    """Read a workflow in canvas or API format.

    Args:
        path: The JSON file.
        catalogue: Known kinds of nodes.

    Raises:
        WorkflowError: If the file is missing, no JSON, or no workflow.
    """
    path = Path(path)
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WorkflowError(f"{path} cannot be read: {error.strerror}; check the name") from error
    except UnicodeDecodeError as error:
        raise WorkflowError(f"{path.name} is not text; expected a workflow's JSON") from error
    except (ValueError, RecursionError) as error:
        raise WorkflowError(f"{path.name} is not JSON: {error}; save the workflow again") from error
    return graph_from_json(data, path.name, catalogue)


def graph_from_json(data: Any, name: str, catalogue: Catalogue) -> Graph:
    """Read a workflow's JSON value.

    Args:
        data: What the file holds.
        name: The file's name, for messages.
        catalogue: Known kinds of nodes.

    Raises:
        WorkflowError: If it is no workflow of either format.
    """
    if isinstance(data, dict) and isinstance(data.get("prompt"), dict) and is_prompt(data["prompt"]):
        data = data["prompt"]  # As a client posts it to a server.
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        graph = flatten(parse_canvas(data), catalogue, data)
    elif isinstance(data, dict) and is_prompt(data):
        graph = _titled(graph_from_prompt(data), catalogue)
    else:
        raise WorkflowError(
            f"{name} is not a workflow; expected the canvas's JSON (an object with 'nodes' and 'links') or the API "
            "format (an object of nodes with 'class_type')"
        )
    if not graph.nodes:
        raise WorkflowError(f"{name} has no node that runs; add some, or unmute them")
    return graph


def _titled(graph: Graph, catalogue: Catalogue) -> Graph:
    """Give nodes without a title of their own the one that the canvas would show."""

    def titled(node: GraphNode) -> GraphNode:
        spec = catalogue.get(node.kind)
        return replace(node, title=spec.title) if spec is not None and node.title == node.kind else node

    return Graph({id: titled(node) for id, node in graph.nodes.items()})


def apply_overrides(graph: Graph, overrides: Iterable[str], catalogue: Catalogue) -> Graph:
    """Set inputs as ``NODE.INPUT=VALUE`` says, in order.

    Args:
        graph: The workflow.
        overrides: NODE is an id or a title; VALUE is read by the input's type, as JSON where that has no widget.
        catalogue: Known kinds of nodes.

    Raises:
        InputError: If there is no such node or input, a title stands for several nodes, or the value cannot be read.
    """
    for override in overrides:
        target, equals, text = override.partition("=")
        if not equals:
            raise InputError(f"'{override}' was given to set an input; expected NODE.INPUT=VALUE")
        node, input = _target(graph, target, catalogue)
        graph = graph.with_inputs(node.id, {input.id: _typed(node, input, text)})
    return graph


def _target(graph: Graph, target: str, catalogue: Catalogue) -> tuple[GraphNode, InputSpec]:
    """Find a node and its input; both names may have dots in them, so every dot is tried, the last one first."""
    places = [place for place, letter in enumerate(target) if letter == "."]
    for place in reversed(places):
        nodes = graph.find(target[:place])
        if len(nodes) > 1:
            ids = ", ".join(node.id for node in nodes)
            raise InputError(f"the title '{target[:place]}' stands for nodes {ids}; say which by its id")
        if nodes:
            return nodes[0], _input(nodes[0], target[place + 1 :], catalogue)
    known = ", ".join(str(node) for node in graph.nodes.values())
    raise InputError(f"'{target}' names no input of this workflow; expected NODE.INPUT with one of the nodes {known}")


def _input(node: GraphNode, name: str, catalogue: Catalogue) -> InputSpec:
    spec = catalogue.get(node.kind)
    if spec is None:
        raise WorkflowError(
            f"{node} is of the kind '{node.kind}', which is not known here, so nothing can be set on it"
        )
    input = spec.input(name)
    if input is None:
        names = ", ".join(each.id for each in spec.inputs) or "none"
        raise InputError(f"{node} has no input '{name}'; it has {names}")
    return input


def _typed(node: GraphNode, input: InputSpec, text: str) -> Any:
    """Read a value from the command line by the input's type."""
    kind = input.type.split(",")[0]
    choices = input.options.get("options") or ()
    if kind == "STRING":
        return text
    if kind == "COMBO":
        return next((choice for choice in choices if str(choice) == text), text)
    value = number_from_text(kind, text)
    if value is not None:
        return value
    if kind in ("INT", "FLOAT", "BOOLEAN"):
        raise InputError(f"{node}: input '{input.id}' was set to '{text}'; expected {kind}")
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{node}: input '{input.id}' takes {kind}, and '{text}' is not JSON: {error}") from error
