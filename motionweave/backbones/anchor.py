"""The anchor: a frame before every window that shows the reference in its own pose, for networks trained with one.

Source: Tencent/MimicMotion, `pipeline_mimicmotion.py`, and dvlab-research/ControlNeXt, `ControlNeXt-SVD-v2`: the first
pose of every window is the reference's own. MimicMotion denoises that frame with the others, in every window the same,
and throws it away; ControlNeXt skips it in all windows but the first. Otherwise than there: what the frame becomes is
known, it is the reference. So it is shown as that, at the noise level of the step, as in training; it has no place
among the latents that are made, and every way of walking through windows has it alike.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from .base import Identity


def with_anchor(sample: Tensor, timestep: Tensor, identity: Identity, scaling: float) -> Tensor:
    """Put the anchor before the frames of a step.

    Its noise hangs on the reference alone: it is the same in every step and window, and no frame's of the video.

    Args:
        sample: (F, C, h, w), as the network is shown it: scaled to unit deviation.
        timestep: Scalar, 0.25 ln(sigma).
        identity: Who.
        scaling: From image latents, which SVD does not scale, to those that it denoises.

    Returns:
        (1 + F, C, h, w).
    """
    clean = identity.image_latents if identity.original is None else identity.original
    digest = hashlib.sha256(clean.contiguous().numpy().tobytes())
    generator = torch.Generator().manual_seed(int.from_bytes(digest.digest()[:7], "big"))
    noise = torch.randn(clean.shape, generator=generator)
    sigma = torch.exp(4 * timestep.cpu().double())
    frame = (clean * scaling + sigma * noise) / (sigma**2 + 1).sqrt()
    return torch.cat([frame[None].to(sample), sample])
