"""What this machine can run, what is missing, and what to do about it."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from ..runtime import Folders
from ..weights.locate import find_entry
from ..weights.manifest import load_manifest

PACKAGES = ("torch", "av", "diffusers", "transformers", "accelerate", "safetensors", "numpy", "pillow")
"""Distributions that a run cannot do without."""

OPTIONAL = (
    "aiohttp",
    "onnxruntime",
    "onnxruntime-gpu",
    "controlnet-aux",
    "insightface",
    "bitsandbytes",
    "spandrel",
    "peft",
    "ray",
)
"""Distributions that some nodes want."""

OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Wheels that share one ``cv2`` folder and overwrite one another."""

NO_DEVICE = ("AzureExecutionProvider",)
"""Providers that are always offered and run nothing on this machine."""

LEAST_FREE_GB = 5.0
"""Below this, a long run with real weights is likely to fill the disk."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    python: str
    """Version of Python."""
    system: str
    """Operating system and processor."""
    device: str
    """Where heavy modules will run."""
    packages: Mapping[str, str | None]
    """Versions by distribution; None for one that is missing."""
    providers: tuple[str, ...]
    """What onnxruntime can run on; empty without it."""
    opencv: tuple[str, ...]
    """OpenCV wheels, each as ``name version``."""
    cv2: str
    """The OpenCV that is imported: its version and whether it has the contrib modules, or why it is not."""
    disk_free_gb: float
    """Free space where output goes."""
    models: Mapping[str, str]
    """By manifest id: the folder where a model lies, or empty if it is not there."""
    advice: tuple[str, ...]
    """What to do; empty where nothing is wrong."""

    def to_json(self) -> str:
        """Give it as JSON."""
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> tuple[str, ...]:
        """Give it as lines for a person."""
        packages = ", ".join(f"{name} {version or 'missing'}" for name, version in self.packages.items())
        present = [f"{id} in {folder}" for id, folder in self.models.items() if folder] or ["none"]
        absent = [id for id, folder in self.models.items() if not folder]
        gpu = any(name != "CPUExecutionProvider" for name in self.providers if name not in NO_DEVICE)
        return (
            f"Python     {self.python} on {self.system}",
            f"Device     {self.device}",
            f"Packages   {packages}",
            f"ONNX       {', '.join(self.providers) or 'no onnxruntime'}"
            + ("" if gpu or not self.providers else ": poses and faces are read on the processor"),
            f"OpenCV     {self.cv2}; installed: {', '.join(self.opencv) or 'none'}",
            f"Disk       {self.disk_free_gb:.1f} GB free",
            f"Models     here: {present[0]}",
            *(f"                 {place}" for place in present[1:]),
            f"           not here: {', '.join(absent) or 'none'}",
            *_ways_to_get(absent),
            *(f"To do      {advice}" for advice in self.advice or ("nothing; this machine can run the pack",)),
        )


def diagnose(folders: Folders) -> Diagnosis:
    """Look at this machine.

    Args:
        folders: Where a run would read and write.
    """
    packages = {name: _version(name) for name in (*PACKAGES, *OPTIONAL)}
    opencv = tuple(f"{name} {found}" for name in OPENCV if (found := _version(name)) is not None)
    free_gb = shutil.disk_usage(_existing(folders.output)).free / 1e9
    models = _models(folders)
    return Diagnosis(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        device=_device(),
        packages=packages,
        providers=_providers(),
        opencv=opencv,
        cv2=_cv2(),
        disk_free_gb=free_gb,
        models=models,
        advice=(*_advice(packages, opencv, free_gb, models), *_gpu_advice(packages)),
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _device() -> str:
    if not torch.cuda.is_available():
        return f"CPU, {torch.get_num_threads()} threads"
    facts = torch.cuda.get_device_properties(0)
    return f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"


def _providers() -> tuple[str, ...]:
    try:
        onnxruntime = import_module("onnxruntime")
    except ImportError:
        return ()
    return tuple(onnxruntime.get_available_providers())


def _existing(folder: Path) -> Path:
    """Give the folder, or the first one above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _cv2() -> str:
    try:
        module = import_module("cv2")
    except ImportError as error:
        return f"not imported ({' '.join(str(error).split())})"
    return f"{module.__version__} {'with' if hasattr(module, 'optflow') else 'without'} contrib modules (TV-L1)"


def _models(folders: Folders) -> dict[str, str]:
    found = {entry.id: find_entry(entry, folders) for entry in load_manifest().models}
    return {id: "" if folder is None else str(folder) for id, folder in found.items()}


def _ways_to_get(absent: list[str]) -> list[str]:
    """Say how to get models that are not here."""
    entries = [load_manifest().get(id) for id in absent]
    by_hand = [f"{entry.id}: {entry.page}" for entry in entries if entry.page is not None]
    ways = [f"by hand, {each}" for each in by_hand]
    if any(entry.repo is not None for entry in entries):
        ways.insert(0, "motionweave models list shows sizes and licences, motionweave models download ID fetches one")
    return [f"           {way}" for way in ways]


def _gpu_advice(packages: Mapping[str, str | None]) -> list[str]:
    """Notice a GPU that ONNX Runtime leaves idle, which costs users hours without a word."""
    idle = packages["onnxruntime"] and not packages["onnxruntime-gpu"] and torch.cuda.is_available()
    if not idle or "CUDAExecutionProvider" in _providers():
        return []
    return ["replace onnxruntime by onnxruntime-gpu: poses are read on the processor, many times slower than the GPU"]


def _advice(
    packages: Mapping[str, str | None], opencv: tuple[str, ...], free_gb: float, models: Mapping[str, str]
) -> tuple[str, ...]:
    advice = [f"install {name}: pip install {name}" for name in PACKAGES if packages[name] is None]
    if len(opencv) > 1:
        advice.append(
            f"{len(opencv)} OpenCV wheels share one folder and overwrite one another; the one that holds what all of "
            "them hold goes last: pip install --force-reinstall --no-deps opencv-contrib-python-headless"
        )
    if packages["onnxruntime"] and packages["onnxruntime-gpu"]:
        advice.append("onnxruntime and onnxruntime-gpu overwrite one another; keep the one for this machine")
    if free_gb < LEAST_FREE_GB:
        advice.append(f"free some disk space: {free_gb:.1f} GB are left, and long runs keep every chunk")
    bundled = [entry.id for entry in load_manifest().models if entry.bundled is not None and not models[entry.id]]
    if bundled:
        advice.append(f"these models come with the pack and are missing: {', '.join(bundled)}; get the pack again")
    return tuple(advice)
