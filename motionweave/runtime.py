"""What the library needs from whoever hosts it: a device, folders, a place to report to, and memory to live in.

ComfyUI, the in-process host and plain scripts each supply one `Runtime`; nothing else in the library knows which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from .residency import MemoryPlan, Need, Residency, bytes_on, hold, modules_of, plan_memory, wait
from .types import Progress


@dataclass(frozen=True)
class Folders:
    """Where a run reads and writes; values from a workflow never leave these."""

    input: Path
    """Files the user brings."""
    output: Path
    """Videos and chunk stores."""
    temp: Path
    """Previews; may be emptied at any time."""
    models: tuple[Path, ...] = ()
    """Roots that hold ComfyUI's model folders (`checkpoints`, `controlnet` ...), in order of search."""
    extra: tuple[tuple[str, Path], ...] = ()
    """Model folders that lie elsewhere or under another name, each with ComfyUI's name for it (extra_model_paths)."""

    @property
    def runs(self) -> Path:
        """Run directories, one a name."""
        return self.output / "motionweave"

    @property
    def cache(self) -> Path:
        """Tracks that were extracted once, kept by content; may be emptied at any time."""
        return self.output / "motionweave" / "cache"


class Runtime(Protocol):
    """The host, as the library sees it."""

    @property
    def device(self) -> torch.device:
        """Where heavy modules run."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Precision in which the denoising UNet runs."""
        ...

    @property
    def folders(self) -> Folders:
        """Where to read and write."""
        ...

    @property
    def previews(self) -> bool:
        """Whether anybody sees the pictures that come with reports; each costs the decoding of a frame."""
        ...

    def report(self, progress: Progress) -> None:
        """Take a progress report; raises the host's own interrupt when the user has cancelled."""
        ...

    def settle(self, needs: Sequence[Need]) -> tuple[Runtime, MemoryPlan]:
        """Decide how modules live while a piece of work is done: a runtime that does so, and the plan."""
        ...

    def resident(self, modules: Sequence[nn.Module], working_bytes: int = 0) -> AbstractContextManager[None]:
        """Have modules compute on the device inside the block; outside it the host may move them away.

        What is used together is asked for together, so that no module makes room for another of them.
        `working_bytes` is what the block is predicted to need beside the weights.
        """
        ...


@dataclass(frozen=True)
class LocalRuntime:
    """A runtime for scripts, tests and the in-process host: one device, and a way for modules to live on it."""

    folders: Folders
    """Where to read and write."""
    device: torch.device = torch.device("cpu")
    """Where heavy modules run."""
    dtype: torch.dtype = torch.float32
    """Precision of the denoising UNet."""
    on_progress: Callable[[Progress], None] | None = None
    """Called with each report; whatever it raises ends the run."""
    residency: Residency | None = None
    """How modules live; None to choose by what the device has free."""
    previews: bool = False
    """Whether reports come with pictures."""

    def report(self, progress: Progress) -> None:
        """Hand the report on."""
        if self.on_progress is not None:
            self.on_progress(progress)

    def settle(self, needs: Sequence[Need]) -> tuple[LocalRuntime, MemoryPlan]:
        """Choose the fastest residency that fits, unless one is given."""
        modules = modules_of(needs)
        plan = plan_memory(needs, self._free_bytes(modules), self.residency)
        if not plan.residency.keeps:
            wait(modules)  # an earlier piece of work may have left some on the device
        return replace(self, residency=plan.residency), plan

    @contextmanager
    def resident(self, modules: Sequence[nn.Module], working_bytes: int = 0) -> Iterator[None]:
        """Have modules on the device, as the residency says."""
        residency = self.residency
        if residency is None:
            need = Need("block", tuple(modules), working_bytes)
            residency = plan_memory((need,), self._free_bytes(modules)).residency
        with hold(modules, residency, self.device):
            yield

    def _free_bytes(self, modules: Sequence[nn.Module]) -> int | None:
        """Say what is free for some modules, where they lie already included; None where nothing tells."""
        if self.device.type != "cuda":
            return None
        free, _ = torch.cuda.mem_get_info(self.device)
        cached = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return free + cached + bytes_on(self.device, modules)
