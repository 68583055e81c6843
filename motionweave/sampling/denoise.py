"""One window, from noise to latents.

Noise levels come from `SCHEDULES`, the way between them from `SAMPLERS`. Known frames (overlap that an earlier window
made) are put in at every step at that step's noise level, as Lugmayr et al., "RePaint" (2022), eq. 8; a backbone that
was trained with known frames nearly clean (`BackboneFacts.context_sigma`) is shown them no noisier than that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..backbones.base import Backbone, Conditioning
from ..errors import InputError, MotionWeaveError
from ..models.step_cache import StepCache
from ..types import check_shape
from .guidance import Guidance
from .samplers import SAMPLERS
from .schedules import SCHEDULES


@dataclass(frozen=True)
class DenoiseOptions:
    """How to sample."""

    steps: int
    """Denoising steps."""
    guidance: Guidance
    """How to mix the predictions."""
    sampler: str = "euler"
    """Id in `SAMPLERS`."""
    schedule: str = "karras"
    """Id in `SCHEDULES`."""
    cache_threshold: float = 0.0
    """Step caching (`models.step_cache`): relative change of the network's first block below which a step reuses the
    one before; 0 runs every step in full."""

    def __post_init__(self) -> None:
        """Refuse schedules without a step, and names that nothing has."""
        SAMPLERS.get(self.sampler)
        SCHEDULES.get(self.schedule)
        if not 1 <= self.steps <= 1000:
            raise InputError(f"{self.steps} denoising steps were asked for; expected 1 to 1000, usually 8 to 30")
        if not 0 <= self.cache_threshold < 1:
            raise InputError(
                f"a step cache threshold of {self.cache_threshold} was given; expected 0 (off) to below 1, usually 0.1"
            )

    def guidance_under(self, conditioning: Conditioning) -> Guidance:
        """Give the guidance for a window; without controls the image alone is all that a pass could leave out."""
        return self.guidance if conditioning.controls else replace(self.guidance, control=1.0)


@dataclass(frozen=True)
class KnownFrames:
    """Frames of a window that are made already: a leading run, a trailing run, or both."""

    latents: Tensor
    """(K, C, h, w), unit deviation."""
    places: Tensor
    """(K,) int64 positions in the window."""
    highest: float = math.inf
    """Noise level above which they are made like all others, not yet shown: so the rest of the window is laid out by
    the reference and the controls alone, and joins them after that."""


def require_finite_step(latents: Tensor, predictions: tuple[Tensor, ...], place: str) -> None:
    """Stop where a step led to latents that are not finite; NaN and infinity in a prediction always do."""
    if bool(torch.isfinite(latents).all()):
        return
    if all(bool(torch.isfinite(each).all()) for each in predictions):
        raise MotionWeaveError(
            f"the latents are not finite at {place}, though the network's numbers were: they are far too large; use a "
            "lower guidance, and check that weights, LoRAs and ControlNets belong to this backbone"
        )
    raise MotionWeaveError(
        f"the network gave numbers that are not finite at {place}; 16-bit precision overflows on some graphics cards "
        "and at very small sizes: use bfloat16 or float32, or a larger size"
    )


def _put(into: Tensor, known: KnownFrames, values: Tensor) -> Tensor:
    return into.index_copy(0, known.places, values)


def denoise_window(
    backbone: Backbone,
    conditioning: Conditioning,
    noise: Tensor,
    options: DenoiseOptions,
    known: KnownFrames | None = None,
    on_step: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Denoise one window.

    Args:
        backbone: The generative core.
        conditioning: What the window is made under.
        noise: (F, C, h, w) of unit deviation.
        options: Steps and guidance.
        known: Frames that are made already; they come back as they were given.
        on_step: Called after each step with its number from 1 and the clean latents as seen so far; whatever it raises
            ends the run, so cancelling takes effect within a step.

    Returns:
        (F, C, h, w) latents of unit deviation.

    Raises:
        ShapeError: If the noise is not a window of latents.
        MotionWeaveError: If the network's numbers, or the latents, are not finite; the step is named.
    """
    check_shape("noise", noise, "F C h w")
    guidance = options.guidance_under(conditioning)
    levels = SCHEDULES.get(options.schedule).build(backbone, options.steps)
    solver = SAMPLERS.get(options.sampler).build(backbone, levels)
    scheduler = solver.scheduler
    cache = StepCache(options.cache_threshold) if options.cache_threshold else None
    latents = noise * scheduler.init_noise_sigma
    for step, timestep in enumerate(scheduler.timesteps):
        sigma = float(levels[step])
        progress, is_last = step / options.steps, step + 1 == options.steps
        sample = scheduler.scale_model_input(latents, timestep)
        joined = known if known is not None and (sigma <= known.highest or is_last) else None
        if joined is not None:
            level = min(sigma, backbone.facts.context_sigma)
            shown = joined.latents + level * noise[joined.places]
            sample = _put(sample, joined, shown / (level**2 + 1) ** 0.5)
        # The last step is run in full: nothing after it would mend what it left out.
        may_reuse = None if is_last else cache
        predictions = backbone.predict(sample, timestep, conditioning, progress, guidance.passes, may_reuse)
        prediction = guidance.combine(predictions).to(latents.device)
        moved = scheduler.step(prediction, timestep, latents)
        latents = moved.prev_sample
        require_finite_step(latents, predictions, f"step {step + 1} of {options.steps}")
        if joined is not None:
            # Kept in step with the schedule, so that the step of a frame never starts from another frame's noise.
            following = float(levels[step + 1])
            latents = _put(latents, joined, joined.latents + following * noise[joined.places])
        if on_step is not None:
            on_step(step + 1, solver.clean(moved))
    return latents
