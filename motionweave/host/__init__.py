"""Runs workflow JSON without the canvas: in this process, many at once, or on a ComfyUI server.

Importing this package costs little; what reads and runs workflows loads when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import install
    from .batch import BatchJob, BatchOptions, BatchResult, read_jobs, run_batch
    from .context import current_runtime, default_folders, local_runtime, running_on
    from .export import export_prompt
    from .pack import load_pack
    from .paths import confine
    from .queue import JobReport, QueueClient, QueueOptions
    from .report import OutputFile, RunReport
    from .run import RunOptions, known_nodes, read_prompt, run_graph, run_workflow

_HOMES = {
    "api": ("install",),
    "batch": ("BatchJob", "BatchOptions", "BatchResult", "read_jobs", "run_batch"),
    "context": ("current_runtime", "default_folders", "local_runtime", "running_on"),
    "export": ("export_prompt",),
    "pack": ("load_pack",),
    "paths": ("confine",),
    "queue": ("JobReport", "QueueClient", "QueueOptions"),
    "report": ("OutputFile", "RunReport"),
    "run": ("RunOptions", "known_nodes", "read_prompt", "run_graph", "run_workflow"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name's module on first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


__all__ = [
    "BatchJob",
    "BatchOptions",
    "BatchResult",
    "JobReport",
    "OutputFile",
    "QueueClient",
    "QueueOptions",
    "RunOptions",
    "RunReport",
    "confine",
    "current_runtime",
    "default_folders",
    "export_prompt",
    "install",
    "known_nodes",
    "load_pack",
    "local_runtime",
    "read_jobs",
    "read_prompt",
    "run_batch",
    "run_graph",
    "run_workflow",
    "running_on",
]
