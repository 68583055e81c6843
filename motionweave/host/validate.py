"""What can be known to be wrong with a workflow before any node runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InputError, WorkflowError
from .catalogue import InputSpec, LocalCatalogue, LocalSpec, overrides
from .context import current_runtime
from .graph import Graph, GraphNode, Link
from .order import execution_order
from .paths import locate
from .values import check_limits, typed
from .waiting import result_of

NEVER_WRITTEN = frozenset(
    {"IMAGE", "MASK", "AUDIO", "VIDEO", "LATENT", "MODEL", "VAE", "CONDITIONING", "UPSCALE_MODEL"}
)
"""Types of which no JSON value can be; one of another type, such as keypoints, may stand in the workflow itself."""

SHOWN = 5
"""Unknown nodes that a message lists."""


def validate(graph: Graph, catalogue: LocalCatalogue) -> None:
    """Refuse a workflow that cannot run, with one line that says where and why.

    Args:
        graph: The workflow.
        catalogue: Known kinds of nodes.

    Raises:
        WorkflowError: With the first problem, and how many more there are.
    """
    _refuse_unknown_nodes(graph, catalogue)
    needed = execution_order(graph, catalogue)
    problems = [problem for node in needed for problem in _problems(node, graph, catalogue)]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise WorkflowError(problems[0] + more)


def _refuse_unknown_nodes(graph: Graph, catalogue: LocalCatalogue) -> None:
    unknown = [node for node in graph.nodes.values() if node.kind not in catalogue]
    if unknown:
        names = [str(node) if node.title == node.kind else f"{node} of kind '{node.kind}'" for node in unknown]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise WorkflowError(
            f"this workflow has nodes that are not known here: {', '.join(names[:SHOWN])}{more}; queue it on a ComfyUI "
            "server that has them, or take them out"
        )


def _problems(node: GraphNode, graph: Graph, catalogue: LocalCatalogue) -> Iterator[str]:
    spec = catalogue[node.kind]
    constants: dict[str, Any] = {}
    judged = _names_judged_by_the_node(spec)
    for input in spec.inputs:
        value = node.inputs.get(input.id)
        try:
            if input.id not in node.inputs:
                _check_missing(input)
            elif isinstance(value, Link):
                _check_link(value, input, graph, catalogue)
            else:
                constants[input.id] = typed(value, input)
                _check_value(constants[input.id], input, judged)
        except InputError as error:
            yield f"{node}: input '{input.id}': {error}"
    verdict = _ask_node(spec, node, constants, judged)
    if verdict is not None:
        yield f"{node}: {verdict}"


def _check_missing(input: InputSpec) -> None:
    if not input.optional:
        raise InputError(f"nothing is connected, and it takes {input.type}; connect a node or give a value")


def _check_link(link: Link, input: InputSpec, graph: Graph, catalogue: LocalCatalogue) -> None:
    """Refuse a wire whose other end is not there, or gives another type."""
    source = graph.nodes.get(link.node)
    if source is None:
        raise InputError(f"its link comes from node {link.node}, which is not in the workflow; connect it again")
    outputs = catalogue[source.kind].outputs
    if not 0 <= link.slot < len(outputs):
        raise InputError(f"its link comes from output {link.slot} of {source}, which has {len(outputs)} outputs")
    given, taken = set(outputs[link.slot].type.split(",")), set(input.type.split(","))
    if "*" not in given | taken and not given & taken:
        raise InputError(
            f"{source} gives {outputs[link.slot].type}, and {input.type} is expected; connect another output"
        )


def _check_value(value: Any, input: InputSpec, judged: frozenset[str] | None) -> None:
    """Hold a value against range or list, unless the node judges it itself; a file's name is judged by the file."""
    if judged is None or input.id in judged:
        return
    if input.is_upload:
        locate(current_runtime().folders, str(value))
    elif set(input.type.split(",")) <= NEVER_WRITTEN:
        raise InputError(f"{value!r} stands where {input.type} has to come from another node; connect one")
    else:
        check_limits(value, input)


def _names_judged_by_the_node(spec: LocalSpec) -> frozenset[str] | None:
    """Give the inputs that the node's `validate_inputs` names; None where it takes them all."""
    if not overrides(spec.node, "validate_inputs"):
        return frozenset()
    parameters = inspect.signature(spec.node.validate_inputs).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return None
    return frozenset(each.name for each in parameters)


def _ask_node(
    spec: LocalSpec, node: GraphNode, constants: Mapping[str, Any], judged: frozenset[str] | None
) -> str | None:
    """Give what the node's own `validate_inputs` says against its inputs; linked ones reach it as None."""
    if judged == frozenset():
        return None
    values = {name: constants.get(name) for name in node.inputs if judged is None or name in judged}
    try:
        verdict: Any = spec.node.validate_inputs(**values)
        if inspect.isawaitable(verdict):
            verdict = result_of(verdict)
    except InputError as error:
        return str(error)
    return None if verdict is True else str(verdict or "its inputs do not fit together")
