"""Noise levels of a window's steps, one registry line each.

A schedule gives (steps + 1,) float32 levels that fall from the backbone's highest to 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..backbones.base import Backbone
from ..errors import UnsupportedError
from ..registry import Entry, Registry

ALIGN_YOUR_STEPS_SVD = (700.0, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002)
"""Optimised for SVD in 10 steps; the last is what the levels in between are interpolated to, and is not sampled at."""


def trained_levels(backbone: Backbone, steps: int) -> Tensor:
    """Give the levels that the backbone's own scheduler chooses: Karras et al., eq. 5, for SVD."""
    scheduler = backbone.scheduler()
    scheduler.set_timesteps(steps)
    return scheduler.sigmas


def aligned_levels(backbone: Backbone, steps: int) -> Tensor:
    """Give Align-Your-Steps' levels for SVD, which spend fewer steps where SVD's result is settled already.

    Args:
        backbone: Must have SVD's range of levels.
        steps: 10 gives the published levels; others are interpolated linearly in log(level).

    Raises:
        UnsupportedError: If the backbone was trained for another range.

    Source: Sabour et al., "Align Your Steps" (2024), table of SVD's levels and the interpolation of its supplement.
    """
    highest = float(trained_levels(backbone, 1)[0])
    if not math.isclose(highest, ALIGN_YOUR_STEPS_SVD[0], rel_tol=0.01):
        raise UnsupportedError(
            f"Align Your Steps on {backbone.facts.name}, whose noise begins at {highest:g},",
            f"Its levels were made for SVD, from {ALIGN_YOUR_STEPS_SVD[0]:g} down; choose the schedule 'karras'.",
        )
    places = torch.linspace(0, len(ALIGN_YOUR_STEPS_SVD) - 1, steps + 1, dtype=torch.float64)[:-1]
    below = places.floor().long()
    logs = torch.tensor(ALIGN_YOUR_STEPS_SVD, dtype=torch.float64).log()
    levels = torch.lerp(logs[below], logs[below + 1], places - below).exp()
    return torch.cat([levels, torch.zeros(1)]).float()


SCHEDULES: Registry[Tensor] = Registry(
    "schedule",
    (
        Entry("karras", "Karras, as the backbone was trained", trained_levels),
        Entry("align_your_steps", "Align Your Steps (SVD)", aligned_levels),
    ),
)
