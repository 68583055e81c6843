"""The host as the library's `Runtime`: ComfyUI where it runs, else the in-process host."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..motionweave import MODEL_FOLDERS, Folders, Progress, Runtime, current_runtime


def runtime() -> Runtime:
    """Give the runtime of the node that is being executed."""
    return ComfyRuntime() if "comfy.model_management" in sys.modules else current_runtime()


def folders() -> Folders:
    """Give the host's folders; does not touch the device, so schemas may ask."""
    return _comfy_folders() if "folder_paths" in sys.modules else current_runtime().folders


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

    def __init__(self) -> None:
        """Take what ComfyUI decided."""
        import comfy.model_management as management

        self._management = management
        self._bar: Any = None
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
        self._bar.update_absolute(progress.chunk * progress.step_count + progress.step, total, preview)

    @contextmanager
    def resident(self, module: nn.Module) -> Iterator[None]:
        """Have ComfyUI load `module`, making room by unloading others, as for its own models."""
        patcher = module.__dict__.get("motionweave_patcher")
        if patcher is None:
            from comfy.model_patcher import ModelPatcher

            # ComfyUI writes `device` and counters onto what it patches, and a diffusers model's `device` is read-only.
            holder = nn.ModuleList([module])
            patcher = ModelPatcher(holder, self.device, self._management.unet_offload_device())
            # ComfyUI holds patchers weakly; this one has to live as long as its module.
            module.__dict__["motionweave_patcher"] = patcher
        # Plain torch layers can only be loaded whole.
        self._management.load_models_gpu([patcher], force_full_load=True)
        yield
