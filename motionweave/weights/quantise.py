"""Weights in 8 or 4 bits: half or a quarter of the memory that 16 bits take, computed in the precision of before.

bitsandbytes does it: of the libraries that quantise plain linear layers it is the one that is kept, has 8 and 4 bits,
and runs on processors as well as on graphics cards (torchao's 4 bits need a kernel library that few cards have;
optimum-quanto had no release for long). Convolutions stay as they are, which bounds what can be won: they are almost
half of SVD.

Source: Dettmers et al., "LLM.int8()" (2022) and "QLoRA" (2023), whose NF4 is used for 4 bits.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from ..errors import InputError, UnsupportedError

BITS = (8, 4)
"""Widths that weights may have."""
LAYERS = "transformer_blocks."
"""Linear layers below a module so named are quantised; embeddings and projections are few and delicate."""


def quantise(module: nn.Module, bits: int) -> nn.Module:
    """Replace the linear layers of a module's transformers, in place, by layers of fewer bits.

    Args:
        module: A network with weights, on the CPU; it must not be in use elsewhere.
        bits: 8 or 4.

    Returns:
        The module.

    Raises:
        InputError: If the width is neither.
        UnsupportedError: If bitsandbytes is missing.
    """
    if bits not in BITS:
        raise InputError(f"weights of {bits} bits were asked for; there are 8 and 4")
    if find_spec("bitsandbytes") is None:
        raise UnsupportedError(
            f"a model with {bits}-bit weights",
            "run: pip install 'motionweave[quantised]' (or bitsandbytes), or choose fp16, bf16 or fp32",
        )
    found = [name for name, layer in module.named_modules() if LAYERS in name and type(layer) is nn.Linear]
    for name in found:
        parent, _, own = name.rpartition(".")
        holder = module.get_submodule(parent)
        setattr(holder, own, _narrow(getattr(holder, own), bits))
    return module


def _narrow(layer: nn.Linear, bits: int) -> nn.Module:
    """Give a linear layer with the same weights in fewer bits."""
    import bitsandbytes as bnb  # pyright: ignore[reportMissingImports]

    bias: Any = layer.bias  # torch declares it as always there, which it is not
    shape, has_bias, dtype = (layer.in_features, layer.out_features), bias is not None, layer.weight.dtype
    narrow: Any
    if bits == 8:
        narrow = bnb.nn.Linear8bitLt(*shape, has_bias, has_fp16_weights=False, threshold=6.0)
        narrow.weight = bnb.nn.Int8Params(layer.weight.data, requires_grad=False, has_fp16_weights=False)
    else:
        narrow = bnb.nn.Linear4bit(*shape, has_bias, compute_dtype=dtype, quant_type="nf4")
        narrow.weight = bnb.nn.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4", module=narrow)
    narrow.bias = bias
    return narrow.to(torch.device("cpu"))  # which is when bitsandbytes packs the weights
