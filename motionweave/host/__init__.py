"""Runs workflow JSON in this process, on the same node classes as ComfyUI, without any ComfyUI.

Importing this package costs little; what reads and runs workflows loads when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import install
    from .context import current_runtime, default_folders, local_runtime, running_on
    from .pack import load_pack
    from .paths import confine
    from .report import OutputFile, RunReport
    from .run import RunOptions, known_nodes, read_prompt, run_graph, run_workflow

_HOMES = {
    "api": ("install",),
    "context": ("current_runtime", "default_folders", "local_runtime", "running_on"),
    "pack": ("load_pack",),
    "paths": ("confine",),
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
    "OutputFile",
    "RunOptions",
    "RunReport",
    "confine",
    "current_runtime",
    "default_folders",
    "install",
    "known_nodes",
    "load_pack",
    "local_runtime",
    "read_prompt",
    "run_graph",
    "run_workflow",
    "running_on",
]
