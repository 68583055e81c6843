"""What is on the device when: three ways to live in little memory, and the choice between them.

The work has stages (encode, denoise, decode), and a stage has modules whose weights it needs and tensors that it makes.
A residency says which weights are on the device meanwhile; none of them changes a bit of the result. What a stage makes
stays whatever the residency, so that it is the least memory the work can be done in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .errors import InputError

GIB = 2**30
RESERVE_BYTES = GIB
"""What is left free beside the prediction: the driver's own, work space of convolutions, gaps between tensors."""
WHOLE_BYTES = GIB // 2
"""Modules below this stay in one piece: copying them layer by layer gains less memory than it costs time."""
WAITING = torch.device("cpu")
"""Where weights wait."""


@dataclass(frozen=True)
class Residency:
    """A way for modules to live."""

    id: str
    """Its name in workflows and reports."""
    title: str
    """What a person reads."""
    keeps: bool = False
    """Whether modules stay on the device after their stage."""
    by_layer: bool = False
    """Whether each layer is on the device only while it runs."""


EVERYTHING = Residency("device", "everything on the device", keeps=True)
BY_MODEL = Residency("model", "model by model")
BY_LAYER = Residency("layer", "layer by layer", by_layer=True)
HOSTED = Residency("host", "the host's own memory management")

RESIDENCIES = (EVERYTHING, BY_MODEL, BY_LAYER)
"""From the fastest to the smallest."""


@dataclass(frozen=True, eq=False)
class Need:
    """What one stage of the work takes."""

    stage: str
    """Its name: encode, denoise, decode."""
    modules: tuple[nn.Module, ...] = field(repr=False)
    """Modules that it runs."""
    working_bytes: int
    """Predicted peak of what it makes, beside the weights."""

    def peak_bytes(self, residency: Residency) -> int:
        """Predict the stage's peak on the device, its own weights included."""
        if residency.by_layer:
            return self.working_bytes + sum(least_bytes(module) for module in self.modules)
        return self.working_bytes + sum(module_bytes(module) for module in self.modules)


@dataclass(frozen=True)
class MemoryPlan:
    """What was chosen, and the peak that it is predicted to have."""

    residency: Residency
    """How modules live."""
    stages: tuple[tuple[str, int], ...]
    """Each stage's name and predicted peak in bytes."""
    free_bytes: int | None = None
    """What the device had free; None where nothing tells, such as on a processor."""

    @property
    def peak_bytes(self) -> int:
        """The largest of the stages' peaks."""
        return max((peak for _, peak in self.stages), default=0)

    @property
    def fits(self) -> bool:
        """Whether the prediction stays below what is free, with `RESERVE_BYTES` to spare."""
        return all(self.stage_fits(stage) for stage, _ in self.stages)

    def stage_fits(self, stage: str) -> bool:
        """Say whether one stage does."""
        return self.free_bytes is None or dict(self.stages)[stage] + RESERVE_BYTES <= self.free_bytes

    def row(self) -> dict[str, Any]:
        """Give it as JSON has it, in GiB."""
        return {
            "residency": self.residency.id,
            "predicted_peak_gib": round(self.peak_bytes / GIB, 2),
            "predicted_stages_gib": {stage: round(peak / GIB, 2) for stage, peak in self.stages},
            "free_gib": None if self.free_bytes is None else round(self.free_bytes / GIB, 2),
            "fits": self.fits,
            "line": str(self),
        }

    def __str__(self) -> str:
        """Say it in one line."""
        stages = ", ".join(f"{stage} {peak / GIB:.1f}" for stage, peak in self.stages)
        free = "" if self.free_bytes is None else f" of {self.free_bytes / GIB:.1f} GiB free"
        line = f"memory: {self.residency.title}; predicted peak {self.peak_bytes / GIB:.1f} GiB{free} ({stages})"
        if self.fits:
            return line
        worst = max(self.stages, key=lambda stage: stage[1])[0]
        way = "fewer decode_frames or a decode_tile" if worst == "decode" else "a smaller picture or shorter chunks"
        return f"{line}: this may not fit; {way} would take less"


def residency_of(id: str) -> Residency | None:
    """Give a residency by its id, None for ``auto``.

    Raises:
        InputError: If there is none of that id.
    """
    known = {each.id: each for each in RESIDENCIES}
    if id != "auto" and id not in known:
        raise InputError(f"'{id}' is no way for models to live in memory; known are auto, {', '.join(known)}")
    return known.get(id)


def plan_memory(needs: Sequence[Need], free_bytes: int | None, residency: Residency | None = None) -> MemoryPlan:
    """Choose the fastest residency whose predicted peak fits.

    Args:
        needs: The stages of the work.
        free_bytes: What the device has free for them, their modules' weights included; None for no limit.
        residency: The one to take; None to choose. Where none fits, the smallest is chosen and the plan says so.
    """
    tried = RESIDENCIES if residency is None else (residency,)
    plans = [MemoryPlan(each, _stages(needs, each), free_bytes) for each in tried]
    return next((plan for plan in plans if plan.fits), plans[-1])


def _stages(needs: Sequence[Need], residency: Residency) -> tuple[tuple[str, int], ...]:
    if not residency.keeps:
        return tuple((need.stage, need.peak_bytes(residency)) for need in needs)
    weights = sum(module_bytes(module) for module in modules_of(needs))
    return tuple((need.stage, weights + need.working_bytes) for need in needs)


def modules_of(needs: Sequence[Need]) -> tuple[nn.Module, ...]:
    """Give the modules of all stages, each once."""
    return tuple(dict.fromkeys(module for need in needs for module in need.modules))


def module_bytes(module: nn.Module) -> int:
    """Count the bytes of a module's weights and buffers; what it shares counts once."""
    return sum(_bytes(each) for each in {id(each): each for each in _tensors(module)}.values())


def least_bytes(module: nn.Module) -> int:
    """Count what has to be on the device at once where a module runs layer by layer: a layer and the one after it."""
    if not divides(module):
        return module_bytes(module)
    layers = (sum(_bytes(each) for each in _tensors(layer, recurse=False)) for layer in module.modules())
    return 2 * max(layers, default=0)


def divides(module: nn.Module) -> bool:
    """Say whether a module may run layer by layer: it is large, and its weights are plain tensors."""
    # Quantised weights carry scales beside them, which the offloading hooks would leave behind.
    plain = all(type(each) in (Tensor, nn.Parameter) for each in _tensors(module))
    return plain and module_bytes(module) >= WHOLE_BYTES


def bytes_on(device: torch.device, modules: Sequence[nn.Module]) -> int:
    """Count the bytes of modules that are on a device already."""
    return sum(_bytes(each) for module in modules for each in _tensors(module) if each.device.type == device.type)


@contextmanager
def hold(modules: Sequence[nn.Module], residency: Residency, device: torch.device) -> Iterator[None]:
    """Have modules compute on a device inside the block.

    Args:
        modules: What is used.
        residency: How they live there.
        device: Where they compute.
    """
    layered = [module for module in modules if residency.by_layer and divides(module)]
    for module in modules:
        if module in layered:
            _offload_layers(module, device)
        else:
            module.to(device)
    try:
        yield
    finally:
        for module in layered:
            _remove_hooks(module)
        if not residency.keeps:
            wait(modules)


def wait(modules: Sequence[nn.Module]) -> None:
    """Send modules where weights wait."""
    for module in modules:
        module.to(WAITING)


def _tensors(module: nn.Module, recurse: bool = True) -> Iterator[Tensor]:
    yield from module.parameters(recurse)
    yield from module.buffers(recurse)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _offload_layers(module: nn.Module, device: torch.device) -> None:
    """Have diffusers bring each layer to the device just before it runs."""
    import diffusers
    from diffusers.hooks import apply_group_offloading

    # The next layer is copied while one runs; before 0.37 that fails where a step leaves layers out (step caching).
    may_prefetch = tuple(int(part) for part in diffusers.__version__.split(".")[:2]) >= (0, 37)
    use_stream = may_prefetch and device.type == "cuda"
    apply_group_offloading(module, device, WAITING, "leaf_level", use_stream=use_stream)


def _remove_hooks(module: nn.Module) -> None:
    """Take diffusers' hooks off again; weights are where they wait."""
    from diffusers.hooks import HookRegistry

    registry = HookRegistry.check_if_exists_or_initialize(module)
    for name in ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading"):
        registry.remove_hook(name, recurse=True)
