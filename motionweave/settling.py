"""How a run's networks live and work in memory, decided once before the first of it is made."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .request import Request
from .residency import MemoryPlan
from .runtime import Runtime

SLICES = 4
"""Parts in which networks attend where the whole does not fit: slower, for the same numbers in less memory."""


def settle(request: Request, host: Runtime, nets: Sequence[nn.Module], anchored: int = 0) -> tuple[Runtime, MemoryPlan]:
    """Choose the fastest way that fits: networks whole or in slices, and a residency.

    Args:
        request: What is made.
        host: Where.
        nets: The controls' networks that act together.
        anchored: Frames that are denoised beside the window's own.

    Returns:
        A runtime in which modules live so, and the plan with its predicted peaks.
    """
    from .models.slices import set_slices

    settled: tuple[Runtime, MemoryPlan] | None = None
    for parts in (1, SLICES):
        for net in request.needs(nets)[1].modules:
            set_slices(net, parts)
        settled = host.settle(request.needs(nets, anchored))
        if settled[1].stage_fits("denoise"):
            break
    assert settled is not None
    return settled
