"""Runs a workflow in this process: read, checked, then node by node."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..residency import residency_of
from ..runtime import Folders, LocalRuntime
from ..types import Progress
from .catalogue import Catalogue, LocalCatalogue, build_catalogue
from .context import local_runtime, running_on
from .core import CORE_NODES
from .execute import Slots, call_node
from .graph import Graph, GraphNode
from .order import execution_order
from .pack import load_pack
from .report import RunReport, describe_all, peak_rss_mb, written_files
from .validate import validate
from .warm import WarmModels
from .workflow import apply_overrides, read_workflow

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How a workflow is run."""

    folders: Folders
    """Where it reads and writes."""
    overrides: tuple[str, ...] = ()
    """``NODE.INPUT=VALUE``, in order."""
    on_progress: Callable[[Progress], None] | None = None
    """Told of chunks and steps; whatever it raises ends the run."""
    on_node: Callable[[str], None] | None = None
    """Told the title of each node before it runs."""
    residency: str = "auto"
    """How models live in memory: an id in `RESIDENCIES`, or ``auto`` for the fastest that fits."""
    warm: WarmModels | None = None
    """Models that stay loaded from one workflow to the next; None to load them anew."""


def known_nodes() -> LocalCatalogue:
    """Give the kinds of nodes that this host knows: core's and the pack's."""
    return build_catalogue((*CORE_NODES, *load_pack().values()))


def read_prompt(path: Path | str, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """Read a workflow of either format and give it in API format, as a client posts it to a server.

    Args:
        path: The JSON file.
        catalogue: Known kinds of nodes; None for `known_nodes`.

    Raises:
        WorkflowError: If it is no workflow.
    """
    return read_workflow(path, known_nodes() if catalogue is None else catalogue).to_prompt()


def run_workflow(path: Path | str, options: RunOptions) -> RunReport:
    """Run a workflow file on the nodes that this host knows.

    Args:
        path: Canvas or API format.
        options: Where and how.

    Returns:
        What it made.

    Raises:
        InputError: If the workflow, a value or a file is wrong; a node's own refusal names the node.
        MotionWeaveError: If a node failed; names the node.
    """
    residency = residency_of(options.residency)
    runtime = replace(local_runtime(options.folders), on_progress=options.on_progress, residency=residency)
    with running_on(runtime):
        catalogue = known_nodes()
        graph = apply_overrides(read_workflow(path, catalogue), options.overrides, catalogue)
        return run_graph(graph, catalogue, runtime, options.on_node, options.warm)


def run_graph(
    graph: Graph,
    catalogue: LocalCatalogue,
    runtime: LocalRuntime,
    on_node: Callable[[str], None] | None = None,
    warm: WarmModels | None = None,
) -> RunReport:
    """Run a graph: each node that an output needs, once, letting go of values after their last use.

    Args:
        graph: The workflow.
        catalogue: Known kinds of nodes.
        runtime: Device, folders and progress.
        on_node: Told the title of each node before it runs.
        warm: Models that stay loaded; None to load them anew.

    Raises:
        InputError: As `run_workflow`.
        MotionWeaveError: As `run_workflow`.
    """
    with running_on(runtime):
        _prepare(runtime.folders)
        validate(graph, catalogue)
        started = time.monotonic()
        with torch.inference_mode():
            shown = _run_nodes(graph, catalogue, on_node, warm or WarmModels())
        seconds = time.monotonic() - started
    return RunReport(
        outputs=describe_all(written_files(shown, runtime.folders)),
        chunks=tuple(row for ui in shown for row in ui.get("motionweave", ())),
        memory=tuple(row for ui in shown for row in ui.get("motionweave_memory", ())),
        texts=tuple(str(text) for ui in shown for text in ui.get("text", ())),
        peak_rss_mb=peak_rss_mb(),
        seconds=seconds,
    )


def _run_nodes(
    graph: Graph, catalogue: LocalCatalogue, on_node: Callable[[str], None] | None, warm: WarmModels
) -> list[Mapping[str, list[Any]]]:
    order = execution_order(graph, catalogue)
    uses = Counter(link.node for node in order for link in node.links.values())
    hidden = _hidden(graph)
    made: dict[str, Slots] = {}
    shown: list[Mapping[str, list[Any]]] = []
    for node in order:
        LOG.debug("running %s", node)
        if on_node is not None:
            on_node(node.title)
        spec = catalogue[node.kind]
        call = partial(call_node, node, spec, made, {**hidden, "unique_id": node.id})
        result = warm.get(node, spec, call)
        shown.append(result.ui)
        made[node.id] = result.slots
        _let_go(node, uses, made)
    return shown


def _let_go(node: GraphNode, uses: Counter[str], made: dict[str, Slots]) -> None:
    """Forget values that no later node takes."""
    for link in node.links.values():
        uses[link.node] -= 1
    for id in {node.id, *(link.node for link in node.links.values())}:
        if uses[id] <= 0:
            made.pop(id, None)


def _hidden(graph: Graph) -> dict[str, Any]:
    """Give what nodes may ask for, the same for all."""
    extra = None if graph.canvas is None else {"workflow": graph.canvas}
    return {"prompt": graph.to_prompt(), "extra_pnginfo": extra}


def _prepare(folders: Folders) -> None:
    """Make the folders that are written to, and find out now whether they can be."""
    for folder in (folders.output, folders.temp):
        probe = folder / ".motionweave-write-test"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise InputError(
                f"the folder {folder} cannot be written ({error.strerror}); choose another one, or change "
                "its permissions"
            ) from error
