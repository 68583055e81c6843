"""Canvas workflows in API format, by what this process or a server knows about nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from .catalogue import Catalogue
from .object_info import catalogue_from_info
from .queue_jobs import refuse_unknown_nodes
from .run import known_nodes
from .server import ComfyServer
from .waiting import result_of
from .workflow import read_workflow


def export_prompt(path: Path, server: str | None = None, headers: Mapping[str, str] | None = None) -> str:
    """Give a workflow in API format, as JSON.

    Args:
        path: Canvas format, or API format, which comes back as it is.
        server: A ComfyUI server that knows the nodes; None for the pack's and the host's own.
        headers: Sent with each request.

    Raises:
        WorkflowError: If it is no workflow, or has nodes that are not known.
        ServerError: If the server does not answer.
    """
    known = known_nodes() if server is None else result_of(server_nodes(server, headers))
    graph = read_workflow(path, known)
    refuse_unknown_nodes(graph, known, path.name, "this process; name a --server that" if server is None else server)
    return json.dumps(graph.to_prompt(), indent=2)


async def server_nodes(url: str, headers: Mapping[str, str] | None = None) -> Catalogue:
    """Give the kinds of nodes that a server knows.

    Args:
        url: Its address.
        headers: Sent with the request.

    Raises:
        ServerError: If it does not answer.
    """
    async with ComfyServer(url, headers) as server:
        return catalogue_from_info(await server.get("/object_info"))
