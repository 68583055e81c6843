"""Generative cores: one file each, one line each."""

from __future__ import annotations

from pathlib import Path

import torch

from ..registry import Entry, Registry
from .base import Backbone


def _build_svd(folder: Path, dtype: torch.dtype) -> Backbone:
    from .svd_files import load_svd

    return load_svd(folder, dtype)


BACKBONES: Registry[Backbone] = Registry(
    "backbone", (Entry("svd", "Stable Video Diffusion (XT, 1.1, Mini)", _build_svd, needs=("backbone",)),)
)

__all__ = ["BACKBONES", "Backbone"]
