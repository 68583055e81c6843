"""A job on a ComfyUI server: what is queued, what became of it, and the server's refusals in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import WorkflowError
from .graph import Graph, GraphNode

SHOWN = 3
"""Problems that one message lists."""


@dataclass(frozen=True)
class Job:
    """One workflow in a server's queue."""

    id: str
    """``prompt_id``, of our own making, so that a lost answer can be looked up."""
    name: str
    """What a person reads."""
    graph: Graph
    """What is run; empty for a job that somebody else queued."""

    def title(self, node: str) -> str:
        """Give a node's title.

        Args:
            node: Its id.
        """
        found = self.graph.nodes.get(node)
        return f"node {node}" if found is None else found.title

    def body(self, client_id: str) -> dict[str, Any]:
        """Give what is posted to ``/prompt``.

        Args:
            client_id: Who is told how it goes on.
        """
        extra = {} if self.graph.canvas is None else {"extra_pnginfo": {"workflow": self.graph.canvas}}
        return {"prompt": self.graph.to_prompt(), "prompt_id": self.id, "client_id": client_id, "extra_data": extra}


@dataclass(frozen=True)
class Ended:
    """What became of a job."""

    status: str
    """``done``, ``failed``, ``cancelled``, ``removed`` (from the queue, by somebody) or ``lost`` (with the server)."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What each node showed."""
    error: str | None = None
    """Why it is not done."""
    seconds: float = 0.0
    """From its start to its end on the server."""
    requeued: bool = False
    """Whether it was queued a second time, after the server had lost it."""

    def after(self, requeued: bool) -> Ended:
        """Give it with the word whether it was queued twice."""
        return replace(self, requeued=requeued)


def ended_from_history(entry: Mapping[str, Any], job: Job) -> Ended:
    """Read an entry of ``/history``.

    Args:
        entry: The entry.
        job: Whose it is; names nodes.
    """
    status = entry.get("status") or {}
    messages = {str(name): data for name, data in status.get("messages") or () if isinstance(data, dict)}
    times = [data["timestamp"] for data in messages.values() if isinstance(data.get("timestamp"), int | float)]
    seconds = (max(times) - min(times)) / 1000 if times else 0.0
    outputs = entry.get("outputs") or {}
    if "execution_error" in messages:
        return Ended("failed", outputs, failure(messages["execution_error"], job), seconds)
    if "execution_interrupted" in messages:
        return Ended("cancelled", outputs, "it was cancelled; finished chunks are kept on the server", seconds)
    if status.get("status_str", "success") != "success":
        return Ended("failed", outputs, "the server gives no reason; look into its log", seconds)
    return Ended("done", outputs, None, seconds)


def failure(data: Mapping[str, Any], job: Job) -> str:
    """Say in one line which node failed, and why.

    Args:
        data: Of the server's ``execution_error``.
        job: Whose it is.
    """
    node = str(data.get("node_id"))
    kind, words = str(data.get("exception_type", "")), " ".join(str(data.get("exception_message", "")).split())
    plain = "motionweave" in kind.lower()  # Such a message is written for people as it is.
    return f"'{job.title(node)}' (node {node}): {words if plain else f'{kind}: {words}'}"


def refuse_unknown_nodes(graph: Graph, known: Mapping[str, Any], name: str, server: str) -> None:
    """Refuse a workflow with kinds of nodes that the server does not have.

    Args:
        graph: The workflow.
        known: The server's kinds.
        name: The workflow's name.
        server: The server's.

    Raises:
        WorkflowError: Naming the nodes.
    """
    unknown = [node for node in graph.nodes.values() if node.kind not in known]
    if unknown:
        kinds = sorted({node.kind for node in unknown})
        more = f" and {len(kinds) - SHOWN} more" if len(kinds) > SHOWN else ""
        raise WorkflowError(
            f"{name} has nodes that {server} does not know: {', '.join(kinds[:SHOWN])}{more} (node "
            f"{', '.join(node.id for node in unknown[:SHOWN])}); install their packs there, or take them out"
        )


def refusal(body: Any, job: Job) -> WorkflowError:
    """Turn the server's refusal of a workflow into one line: node, input, what to change.

    Args:
        body: Of the answer with status 400, or of one with ``node_errors``.
        job: What was refused.
    """
    errors = body.get("node_errors") if isinstance(body, dict) else None
    problems = [problem for id, entry in (errors or {}).items() for problem in _problems(job, str(id), entry)]
    if not problems:
        error = body.get("error") if isinstance(body, dict) else body
        words = f"{error.get('message')} {error.get('details') or ''}" if isinstance(error, dict) else str(error)
        problems = [" ".join(words.split())]
    more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
    return WorkflowError(f"{job.name} was refused by the server: {'; '.join(problems[:SHOWN])}{more}")


def _problems(job: Job, id: str, entry: Any) -> Iterator[str]:
    node = job.graph.nodes.get(id, GraphNode(id, "", f"node {id}", {}))
    for error in (entry.get("errors") or ()) if isinstance(entry, dict) else ():
        extra = error.get("extra_info") or {}
        name = extra.get("input_name")
        where = f"{node}: input '{name}': " if name else f"{node}: "
        yield where + _advice(str(error.get("type")), extra, str(error.get("details") or error.get("message") or ""))


def _advice(kind: str, extra: Mapping[str, Any], details: str) -> str:
    """Say what came, what was expected and what to do, for each kind of refusal that ComfyUI has."""
    value, options = extra.get("received_value"), _options(extra)
    words = " ".join(details.split())
    sayings = {
        "required_input_missing": "nothing is connected or set, and it is needed; connect a node or give a value",
        "value_smaller_than_min": f"{value} is below the least value {options.get('min')}",
        "value_bigger_than_max": f"{value} is above the greatest value {options.get('max')}",
        "value_not_in_list": f"{words}; choose one that the server has, or put the file there",
        "return_type_mismatch": f"{words}; connect an output of the right type",
        "bad_linked_input": "its link is broken; connect it again",
        "invalid_input_type": f"{value!r} is of the wrong type; {words}",
    }
    return sayings.get(kind, words)


def _options(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    config = extra.get("input_config")
    return config[1] if isinstance(config, list) and len(config) > 1 and isinstance(config[1], dict) else {}
