"""torch's compiler for the blocks that a UNet is made of.

Blocks are compiled rather than the whole network, as diffusers' regional compilation does: the first step takes minutes
instead of many, and hooks, tokens of controls and step caching between blocks stay possible.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

import torch
from torch import nn

from ..errors import UnsupportedError

BLOCKS = ("BasicTransformerBlock", "TemporalBasicTransformerBlock", "ResnetBlock2D", "TemporalResnetBlock")
"""Classes of diffusers that do nearly all of a UNet's work."""


def compile_blocks(net: nn.Module, device: torch.device) -> None:
    """Have the blocks of a network compiled when they first run, in place; names and weights stay as they are.

    Args:
        net: A UNet or ControlNet of SVD's kind.
        device: Where it will run.

    Raises:
        UnsupportedError: If the compiler lacks what it needs on this machine.
    """
    require_compiler(device)
    for layer in net.modules():
        if type(layer).__name__ in BLOCKS:
            layer.compile()


def require_compiler(device: torch.device) -> None:
    """Refuse to compile where the first step would fail an hour later.

    Raises:
        UnsupportedError: Saying what is missing.
    """
    if device.type == "cuda" and find_spec("triton") is None:
        raise UnsupportedError("compiling", "Install triton (triton-windows on Windows), or switch compile off.")
    wanted = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(shutil.which(name) for name in wanted if name):
        raise UnsupportedError("compiling", "Install a C++ compiler such as g++, or switch compile off.")
