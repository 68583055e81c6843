"""The host as the library's `Runtime`: ComfyUI where it runs, else the in-process host."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..motionweave import (
    HOSTED,
    MODEL_FOLDERS,
    Folders,
    MemoryPlan,
    Need,
    Progress,
    Runtime,
    current_runtime,
    plan_memory,
)


def runtime() -> Runtime:
    """Give the runtime of the node that is being executed."""
    return ComfyRuntime() if "comfy.model_management" in sys.modules else current_runtime()


def folders() -> Folders:
    """Give the host's folders; does not touch the device, so schemas may ask."""
    return _comfy_folders() if "folder_paths" in sys.modules else current_runtime().folders


def make_room() -> None:
    """Have ComfyUI unload every model: what follows needs all the memory that there is, and asks nobody for it."""
    if "comfy.model_management" in sys.modules:
        import comfy.model_management as management

        management.unload_all_models()
        management.soft_empty_cache()


def _comfy_folders() -> Folders:
    import folder_paths

    roots = [Path(folder_paths.models_dir)]
    for name in ("diffusers", "controlnet"):
        roots += [Path(folder).parent for folder in folder_paths.get_folder_paths(name)]
    registered = folder_paths.folder_names_and_paths
    names = [name for name in (*MODEL_FOLDERS, "custom_nodes") if name in registered]
    extra = [(name, Path(folder)) for name in names for folder in folder_paths.get_folder_paths(name)]
    return Folders(
        input=Path(folder_paths.get_input_directory()),
        output=Path(folder_paths.get_output_directory()),
        temp=Path(folder_paths.get_temp_directory()),
        models=tuple(dict.fromkeys(roots)),
        extra=tuple(extra),
    )


class ComfyRuntime:
    """ComfyUI's device, memory management, progress bar and interrupt."""

    previews: bool = True

    def __init__(self) -> None:
        """Take what ComfyUI decided."""
        import comfy.model_management as management

        self._management = management
        self._bar: Any = None
        self._used: list[Any] = []
        self.device: torch.device = management.get_torch_device()
        self.folders = _comfy_folders()

    @property
    def dtype(self) -> torch.dtype:
        """Half precision where ComfyUI would use it."""
        if self._management.should_use_fp16(self.device):
            return torch.float16
        return torch.bfloat16 if self._management.should_use_bf16(self.device) else torch.float32

    def report(self, progress: Progress) -> None:
        """Move the progress bar over all chunks and steps; ComfyUI raises its interrupt from here."""
        from comfy.utils import ProgressBar

        self._management.throw_exception_if_processing_interrupted()
        total = progress.chunk_count * progress.step_count
        if self._bar is None:
            self._bar = ProgressBar(total)
        preview = None
        if progress.preview is not None:
            from PIL import Image

            picture = (progress.preview.clamp(0, 1) * 255).byte().movedim(0, -1).cpu().numpy()  # H W 3
            preview = ("JPEG", Image.fromarray(picture), 512)
        _tell_clients(progress)  # Before the bar, which a client that knows chunks then need not show.
        self._bar.update_absolute(progress.chunk * progress.step_count + progress.step, total, preview)

    def settle(self, needs: Sequence[Need]) -> tuple[ComfyRuntime, MemoryPlan]:
        """Leave it to ComfyUI, which also knows what other nodes hold."""
        return self, plan_memory(needs, self._free_bytes(), HOSTED)

    def _free_bytes(self) -> int | None:
        if self.device.type == "cpu":
            return None
        # Models of other nodes give way, so what they hold counts as free.
        return int(self._management.get_total_memory(self.device) - self._management.extra_reserved_memory())

    @contextmanager
    def resident(self, modules: Sequence[nn.Module], working_bytes: int = 0) -> Iterator[None]:
        """Have ComfyUI load modules, making room by unloading others, as for its own models."""
        new = [self._patcher(module) for module in modules]
        # In one call with all that is in use: what is not named in it, ComfyUI may unload to make room.
        before, self._used = self._used, [*self._used, *new]
        try:
            # Plain torch layers can only be loaded whole.
            self._management.load_models_gpu(self._used, memory_required=working_bytes, force_full_load=True)
            yield
        finally:
            self._used = before

    def _patcher(self, module: nn.Module) -> Any:
        patcher = module.__dict__.get("motionweave_patcher")
        if patcher is None:
            from comfy.model_patcher import ModelPatcher

            # ComfyUI writes `device` and counters onto what it patches, and a diffusers model's `device` is read-only.
            holder = nn.ModuleList([module])
            patcher = ModelPatcher(holder, self.device, self._management.unet_offload_device())
            # ComfyUI holds patchers weakly; this one has to live as long as its module.
            module.__dict__["motionweave_patcher"] = patcher
        return patcher


def _tell_clients(progress: Progress) -> None:
    """Tell whoever queued the run where its chunks stand; ComfyUI's own bar only knows a sum of steps."""
    from comfy_execution.utils import get_executing_context
    from server import PromptServer

    running, server = get_executing_context(), getattr(PromptServer, "instance", None)
    if running is None or server is None or server.client_id is None:
        return
    where = {key: getattr(progress, key) for key in ("stage", "chunk", "chunk_count", "step", "step_count")}
    server.send_sync(
        "motionweave.progress", {"prompt_id": running.prompt_id, "node": running.node_id, **where}, server.client_id
    )
