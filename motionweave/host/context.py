"""The runtime of the workflow that is running; node classes hold nothing, so they ask here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch

from ..runtime import Folders, LocalRuntime

PACK_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the library, the nodes and the workflows."""

_RUNTIME: ContextVar[LocalRuntime] = ContextVar("motionweave_runtime")


def current_runtime() -> LocalRuntime:
    """Give the runtime of the running workflow; outside one, a runtime on the folders of the working directory."""
    running = _RUNTIME.get(None)
    return local_runtime(default_folders()) if running is None else running


@contextmanager
def running_on(runtime: LocalRuntime) -> Iterator[None]:
    """Make `runtime` the current one inside the block.

    Args:
        runtime: What nodes get from `current_runtime`.
    """
    token = _RUNTIME.set(runtime)
    try:
        yield
    finally:
        _RUNTIME.reset(token)


def local_runtime(folders: Folders) -> LocalRuntime:
    """Give a runtime on the best device of this machine: a GPU in half precision, else the processor in full.

    Args:
        folders: Where to read and write.
    """
    if torch.cuda.is_available():
        return LocalRuntime(folders, torch.device("cuda"), torch.float16)
    return LocalRuntime(folders)


def default_folders(input: Path = Path("input"), output: Path = Path("output"), temp: Path | None = None) -> Folders:
    """Give the folders of a run outside ComfyUI.

    Models are looked for in ``models`` of the working directory and, where the pack lies in a ComfyUI's
    ``custom_nodes``, in that ComfyUI's ``models``.

    Args:
        input: Files the user brings.
        output: Videos and chunk stores.
        temp: Previews; None for a folder of the system's.
    """
    models = [Path("models").absolute()]
    if PACK_ROOT.parent.name == "custom_nodes":
        models.append(PACK_ROOT.parents[1] / "models")
    return Folders(
        input=input.absolute(),
        output=output.absolute(),
        temp=Path(tempfile.gettempdir()) / "motionweave" if temp is None else temp.absolute(),
        models=tuple(models),
    )
