"""What the library needs from whoever hosts it: a device, folders, a place to report to, and memory to live in.

ComfyUI, the in-process host and plain scripts each supply one `Runtime`; nothing else in the library knows which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

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

    def report(self, progress: Progress) -> None:
        """Take a progress report; raises the host's own interrupt when the user has cancelled."""
        ...

    def resident(self, module: nn.Module) -> AbstractContextManager[None]:
        """Keep `module` on the device inside the block; outside it the host may move it away."""
        ...


@dataclass(frozen=True)
class LocalRuntime:
    """A runtime for scripts, tests and the in-process host: one device, modules moved on first use and left there."""

    folders: Folders
    """Where to read and write."""
    device: torch.device = torch.device("cpu")
    """Where heavy modules run."""
    dtype: torch.dtype = torch.float32
    """Precision of the denoising UNet."""
    on_progress: Callable[[Progress], None] | None = None
    """Called with each report; whatever it raises ends the run."""

    def report(self, progress: Progress) -> None:
        """Hand the report on."""
        if self.on_progress is not None:
            self.on_progress(progress)

    @contextmanager
    def resident(self, module: nn.Module) -> Iterator[None]:
        """Move `module` to the device; it stays there."""
        module.to(self.device)
        yield
