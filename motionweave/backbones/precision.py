"""In which precision a backbone is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from ..errors import InputError
from ..weights.quantise import quantise
from . import BACKBONES
from .base import Backbone
from .finish import finished

if TYPE_CHECKING:
    from .svd import SVDBackbone

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_BITS = {"int8 weights": 8, "int4 weights": 4}

PRECISIONS = ("auto", *_DTYPES, *_BITS)
"""``auto`` is what the host runs in; so are all other numbers where only weights are of 8 or 4 bits."""


def load_compiled(path: Path, dtype: torch.dtype, precision: str, device: torch.device) -> Backbone:
    """Load a backbone whose blocks torch compiles when they first run; its digest tells it from a plain one.

    Args:
        path: Its file or folder.
        dtype: What the host runs in.
        precision: One of `PRECISIONS`.
        device: Where it will run.

    Raises:
        UnsupportedError: If the machine has no compiler.
    """
    from ..models.compiling import compile_blocks, require_compiler

    def compiled(backbone: SVDBackbone) -> SVDBackbone:
        backbone = _in_bits(backbone, _BITS.get(precision))
        compile_blocks(backbone.unet, device)
        return replace(backbone, digest=f"{backbone.digest}, compiled")

    require_compiler(device)
    return finished(lambda: _loaded(path, dtype, precision), compiled)


def load_backbone(path: Path, dtype: torch.dtype, precision: str = "auto", kind: str = "svd") -> Backbone:
    """Load a backbone in a precision.

    Args:
        path: Its file or folder.
        dtype: What the host runs in.
        precision: One of `PRECISIONS`.
        kind: Id in `BACKBONES`.

    Returns:
        The backbone, on the CPU; its digest tells precisions apart.

    Raises:
        InputError: If there is no such precision.
        UnsupportedError: If weights of few bits are asked for and bitsandbytes is missing.
    """
    bits = _BITS.get(precision)
    if bits is None:
        return _loaded(path, dtype, precision, kind)
    return finished(lambda: _loaded(path, dtype, precision, kind), lambda backbone: quantised(backbone, bits))


def _loaded(path: Path, dtype: torch.dtype, precision: str, kind: str = "svd") -> SVDBackbone:
    """Load a backbone as its file has it, in 16 or 32 bits."""
    if precision not in PRECISIONS:
        raise InputError(f"a precision of '{precision}' was asked for; there are {', '.join(PRECISIONS)}")
    return cast("SVDBackbone", BACKBONES.get(kind).build(path, _DTYPES.get(precision, dtype)))


def _in_bits(backbone: SVDBackbone, bits: int | None) -> SVDBackbone:
    return backbone if bits is None else quantised(backbone, bits)


def quantised(backbone: SVDBackbone, bits: int) -> SVDBackbone:
    """Give a backbone whose UNet has weights of few bits; the VAE, which shows every error, keeps its own.

    Args:
        backbone: Just loaded: its UNet is changed in place, so that there are never two in memory.
        bits: 8 or 4.
    """
    quantise(backbone.unet, bits)
    return replace(backbone, digest=f"{backbone.digest}, weights of {bits} bits")
