"""All windows of a video denoised together, from noise to latents.

At every step each part predicts its window, predictions are merged by the parts' shares, and one solver moves the whole
video on. Solvers are linear in the prediction, so this is the same as merging the latents that each window would step
to, and it leaves one history where a solver keeps one. The host holds the video's latents a few times over, never its
pixels; on the device there is one window at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..backbones.base import Backbone, Conditioning
from ..types import Window, check_shape
from .denoise import DenoiseOptions, require_finite_step
from .parts import Part
from .samplers import SAMPLERS
from .schedules import SCHEDULES


@dataclass(frozen=True)
class JointState:
    """Where a video stands between two steps: all that is needed to go on, bit for bit."""

    step: int
    """Steps done."""
    latents: Tensor
    """(F, C, h, w) float32: after the last step, of unit deviation and finished."""
    history: tuple[Tensor, ...] = ()
    """What the solver needs of earlier steps, each (F, C, h, w)."""


@dataclass(frozen=True)
class JointStep:
    """What a step gave."""

    state: JointState
    """Where the video stands after it."""
    clean: Tensor
    """(F, C, h, w): the clean latents as seen so far, for previews."""


def denoise_together(
    backbone: Backbone,
    condition: Callable[[Window], Conditioning],
    noise: Tensor,
    options: DenoiseOptions,
    parts: Callable[[int], Sequence[Part]],
    state: JointState | None = None,
    on_part: Callable[[int, int], None] | None = None,
) -> Iterator[JointStep]:
    """Denoise a whole video, a step at a time.

    Args:
        backbone: The generative core.
        condition: Gives what a window is made under; asked anew for every window of every step, so that the conditions
            of one window are held at a time.
        noise: (F, C, h, w) of unit deviation, for the whole video.
        options: Steps and guidance. Step caching is not used: it would have to keep feature maps of every window.
        parts: Gives the parts of a step from the number of steps done.
        state: Where to go on; None to begin.
        on_part: Called after each part with the step's number from 0 and the parts of it that are done; whatever it
            raises ends the run, so cancelling takes effect within a part.

    Yields:
        What each step gave; the last one's state holds the finished latents.

    Raises:
        ShapeError: If the noise, or the state, is not a video's latents.
        MotionWeaveError: If the network's numbers, or the latents, are not finite; step and window are named.
    """
    check_shape("noise", noise, "F C h w")
    levels = SCHEDULES.get(options.schedule).build(backbone, options.steps)
    solver = SAMPLERS.get(options.sampler).build(backbone, levels)
    scheduler = solver.scheduler
    if state is None:
        state = JointState(0, noise * scheduler.init_noise_sigma)
    else:
        check_shape("state", state.latents, " ".join(str(side) for side in noise.shape))
        solver.resume(state.step, state.history)
    latents, first = state.latents, state.step
    del noise, state
    for step in range(first, options.steps):
        timestep = scheduler.timesteps[step]
        sample = scheduler.scale_model_input(latents, timestep)
        merged = torch.zeros_like(latents)
        for number, part in enumerate(parts(step)):
            window, conditioning = part.window, condition(part.window)
            guidance = options.guidance_under(conditioning)
            predictions = backbone.predict(
                sample[window.start : window.stop], timestep, conditioning, step / options.steps, guidance.passes
            )
            prediction = guidance.combine(predictions).to(latents.device)
            require_finite_step(prediction, predictions, f"{window} in step {step + 1} of {options.steps}")
            merged[window.start : window.stop] += part.share.view(-1, 1, 1, 1) * prediction
            if on_part is not None:
                on_part(step, number + 1)
        del sample  # A long video's latents are large: none is held longer than it is needed.
        moved = scheduler.step(merged, timestep, latents)
        latents = moved.prev_sample
        require_finite_step(latents, (merged,), f"step {step + 1} of {options.steps}")
        del merged
        yield JointStep(JointState(step + 1, latents, solver.history()), solver.clean(moved))
        del moved
