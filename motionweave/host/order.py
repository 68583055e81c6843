"""The order in which a workflow's nodes run."""

from __future__ import annotations

from ..errors import WorkflowError
from .catalogue import Catalogue
from .graph import Graph, GraphNode


def execution_order(graph: Graph, catalogue: Catalogue) -> tuple[GraphNode, ...]:
    """Give the nodes that the output nodes need, each after those it depends on.

    Args:
        graph: The workflow; a link to a node that is not there is passed over here.
        catalogue: Known kinds of nodes.

    Raises:
        WorkflowError: If no node is an output, or nodes wait for one another in a circle.
    """
    outputs = [node for node in graph.nodes.values() if catalogue[node.kind].is_output]
    if not outputs:
        raise WorkflowError(
            "this workflow has no output node, so nothing would come of it; add Save Video, for example"
        )
    done: dict[str, GraphNode] = {}
    for output in outputs:
        _visit(output, graph, done)
    return tuple(done.values())


def _visit(start: GraphNode, graph: Graph, done: dict[str, GraphNode]) -> None:
    """Add a node and all it depends on to `done`; walks with a stack of its own, so that long chains are no problem."""
    stack = [(start, _sources(start, graph))]
    path = {start.id}
    while stack:
        node, waiting = stack[-1]
        following = next((each for each in waiting if each.id not in done), None)
        if following is None:
            stack.pop()
            path.discard(node.id)
            done.setdefault(node.id, node)
        elif following.id in path:
            names = [str(each) for each, _ in stack]
            circle = names[names.index(str(following)) :]
            raise WorkflowError(f"these nodes wait for one another in a circle: {', '.join(circle)}; take a link out")
        else:
            path.add(following.id)
            stack.append((following, _sources(following, graph)))


def _sources(node: GraphNode, graph: Graph) -> list[GraphNode]:
    return [graph.nodes[link.node] for link in node.links.values() if link.node in graph.nodes]
