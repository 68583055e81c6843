"""A VAE whose numbers leave what its precision can hold."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import MotionWeaveError


def require_finite(made: Tensor, given: Tensor, deed: str) -> None:
    """Stop where a VAE made numbers that are not finite, and say why.

    SVD's VAE was trained in float32; float16 ends at 65504, which its inner layers pass on some pictures.

    Args:
        made: What came out, before it is brought to any range: clamping would turn infinity into white.
        given: What went in, in the precision in which the VAE runs.
        deed: What the VAE did, such as "decoding frames".

    Raises:
        MotionWeaveError: If `made` has NaN or infinity.
    """
    if bool(torch.isfinite(made).all()):
        return
    if not bool(torch.isfinite(given).all()):
        reason = "what it was given is not finite already"
    elif given.dtype == torch.float16:
        reason = "the VAE overflowed in float16, which ends at 65504; load it in bfloat16 or float32"
    else:
        reason = f"the VAE overflowed even in {str(given.dtype).removeprefix('torch.')}; its file may be damaged"
    raise MotionWeaveError(f"{deed} gave numbers that are not finite: {reason}")
