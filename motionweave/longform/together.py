"""A video whose windows are denoised together, kept on disk after every step.

A crash costs at most a step, and what is gone on with gives the same bits. The file ``together.safetensors`` in the run
directory holds latents only, and stays when they are finished: so decoding anew, in other slices or tiles, or after a
clip was damaged, needs no denoising.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from torch import Tensor

from ..backbones.base import Conditioning
from ..media.files import whole_file
from ..request import Request
from ..sampling import JointState, Part, denoise_together, fused_parts, shifted_parts
from ..types import Window
from .plan import ChunkPlan
from .store import chunk_key

FILE_NAME = "together.safetensors"
"""Where the latents lie in a run directory."""


class JointLatents:
    """The latents of one request's whole video."""

    def __init__(self, request: Request, condition: Callable[[Window], Conditioning]) -> None:
        """Take what to make; nothing is read or made yet.

        Args:
            request: What to make; its plan's context says how windows are kept together.
            condition: Gives what a window is made under, whenever it is denoised.
        """
        self.request, self._condition = request, condition
        self._parts = joint_parts(request.plan)
        self._finished: Tensor | None = None

    @cached_property
    def key(self) -> str:
        """Hash of everything that the latents depend on; every control is read once, window by window."""
        request = self.request
        plan, windows = request.plan, request.plan.windows()
        settings = f"{plan.context} {[str(window) for window in windows]} {request.options} {request.seed} "
        settings += f"{request.identity.size}"
        conditions = (self._condition(window).digest() for window in windows)
        return chunk_key("together 1", request.backbone.digest, settings, *conditions)

    def made(
        self,
        noise: Callable[[], Tensor],
        resident: Callable[[], AbstractContextManager[None]],
        report: Callable[[int, int, Tensor | None], None],
    ) -> Tensor:
        """Give the finished latents, going on from what is on disk.

        Args:
            noise: Draws the whole video's noise, (F, C, h, w).
            resident: Has the networks on the device inside the block.
            report: Told of every part that is done, and of how many there are in all steps; after each step also of
                the clean latents as seen so far, (F, C, h, w). May raise to end the run.

        Returns:
            (F, C, h, w) of unit deviation.

        Raises:
            MediaError: If the disk does not take a step's latents; those of the step before stay.
        """
        if self._finished is None:
            self._finished = self._denoised(noise, resident, report)
        return self._finished

    def _denoised(
        self,
        noise: Callable[[], Tensor],
        resident: Callable[[], AbstractContextManager[None]],
        report: Callable[[int, int, Tensor | None], None],
    ) -> Tensor:
        request, path = self.request, self.request.folder / FILE_NAME
        state, steps = read_state(path, self.key), request.options.steps
        if state is not None and state.step == steps:
            return state.latents
        before = [0, *accumulate(len(self._parts(step)) for step in range(steps))]
        walk = denoise_together(
            request.backbone,
            self._condition,
            noise(),
            request.options,
            self._parts,
            state,
            lambda step, done: report(before[step] + done, before[-1], None),
        )
        with resident():
            for made in walk:
                state = made.state
                # What earlier steps left is of no use to finished latents.
                write_state(path, self.key, replace(state, history=()) if state.step == steps else state)
                report(before[state.step], before[-1], made.clean)
                del made
        assert state is not None  # there is at least one step
        return state.latents


def joint_parts(plan: ChunkPlan) -> Callable[[int], Sequence[Part]]:
    """Give the parts of every step of a plan whose windows are denoised together.

    `fused` has the plan's own windows, save that the first one is as long as the others where the plan makes it
    shorter, for want of context before it. `shifted` has windows as long as the plan's longest.

    Args:
        plan: Its context is `fused` or `shifted`.

    Returns:
        Parts, from the number of steps done.
    """
    first, *others = plan.windows()
    longest = max(window.frame_count for window in (first, *others))
    if plan.context == "shifted":
        return lambda step: shifted_parts(plan.frame_count, longest, step)
    fused = fused_parts([replace(first, stop=min(longest, plan.frame_count)), *others])
    return lambda _: fused


def write_state(path: Path, key: str, state: JointState) -> None:
    """Keep where a video stands, whole or not at all.

    Args:
        path: The file; one that is there is replaced.
        key: Hash of everything that the latents depend on.
        state: What to keep.

    Raises:
        MediaError: If the disk does not take it.
    """
    from safetensors.torch import save

    tensors = {"latents": state.latents, **{f"history.{i}": each for i, each in enumerate(state.history)}}
    metadata = {"key": key, "step": str(state.step), "sha256": chunk_key(*tensors.values())}
    with whole_file(path) as partial:
        partial.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata))


def read_state(path: Path, key: str) -> JointState | None:
    """Read where a video stands; None if the file is of other inputs, damaged, or not there."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("key") != key:
                return None
            tensors = [file.get_tensor(name) for name in ("latents", *sorted(set(file.keys()) - {"latents"}))]
    except SafetensorError:
        return None
    if chunk_key(*tensors) != metadata.get("sha256"):
        return None
    return JointState(int(metadata["step"]), tensors[0], tuple(tensors[1:]))
