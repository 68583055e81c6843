"""How a window moves from one noise level to the next, one registry line each; the arithmetic is diffusers'.

Every solver here treats each latent by itself: only the network ties frames together. So frames that are known can be
put in after a step, and no other frame's history ever holds a trace of what the network thought of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..backbones.base import Backbone
from ..errors import UnsupportedError
from ..registry import Entry, Registry


@dataclass(frozen=True)
class Solver:
    """One window's way down the noise levels; it keeps its place, so every window needs its own."""

    scheduler: Any
    """diffusers' scheduler, standing at the highest level."""
    clean: Callable[[Any], Tensor]
    """Gives the clean latents as the network last saw them, from what the scheduler's `step` returned."""
    history: Callable[[], tuple[Tensor, ...]] = tuple
    """Gives what later steps need of earlier ones beside the latents; nothing where every step stands alone."""

    def resume(self, step: int, history: tuple[Tensor, ...]) -> None:
        """Go on after some steps, as if they had been made with this solver.

        Args:
            step: Steps that are done.
            history: What `history` gave after them.
        """
        self.scheduler.set_begin_index(step)
        if history:
            # diffusers' multistep schedulers keep these as public attributes: the last outputs, the newest at the end,
            # and how many there have been, which says what order the next step may have.
            self.scheduler.model_outputs[-len(history) :] = history
            self.scheduler.lower_order_nums = min(step, self.scheduler.config.solver_order)


def euler(backbone: Backbone, levels: Tensor) -> Solver:
    """Go straight along the network's direction, as SVD is published.

    Args:
        backbone: Gives the scheduler.
        levels: (steps + 1,) falling to 0.

    Source: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), algorithm 2
    without churn and without the second look.
    """
    scheduler = backbone.scheduler()
    scheduler.set_timesteps(sigmas=levels.tolist())
    scheduler.set_begin_index(0)
    return Solver(scheduler, lambda moved: moved.pred_original_sample)


def dpmpp_2m(backbone: Backbone, levels: Tensor) -> Solver:
    """Follow the change of the clean latents from step to step: second order, for one look at the network a step.

    Args:
        backbone: Must predict v at 0.25 ln(level), as SVD.
        levels: (steps + 1,) falling to 0.

    Raises:
        UnsupportedError: If the backbone predicts something else.

    Source: Lu et al., "DPM-Solver++" (2022), algorithm 2, with Karras' preconditioning, through diffusers.
    """
    from diffusers import EDMDPMSolverMultistepScheduler

    config = backbone.scheduler().config
    kind = config.get("prediction_type"), config.get("timestep_type")
    if kind != ("v_prediction", "continuous"):
        raise UnsupportedError(
            f"DPM++ 2M on {backbone.facts.name}, whose prediction_type is {kind[0]} and timestep_type {kind[1]},",
            "It needs a backbone that predicts v at continuous noise levels, as SVD; choose the sampler 'euler'.",
        )
    scheduler: Any = EDMDPMSolverMultistepScheduler(
        sigma_max=float(levels[0]), sigma_data=1.0, prediction_type="v_prediction"
    )
    scheduler.set_timesteps(len(levels) - 1)
    # This scheduler takes no levels as an argument; both are its public attributes.
    scheduler.sigmas, scheduler.timesteps = levels, scheduler.precondition_noise(levels[:-1])
    scheduler.set_begin_index(0)

    def history() -> tuple[Tensor, ...]:
        # Each step looks at its own output and the one before it.
        return (scheduler.model_outputs[-1],)

    return Solver(scheduler, lambda _: scheduler.model_outputs[-1], history)


SAMPLERS: Registry[Solver] = Registry(
    "sampler",
    (
        Entry("euler", "Euler (EDM)", euler),
        Entry("dpmpp_2m", "DPM++ 2M", dpmpp_2m),
    ),
)
