"""SVD ControlNets on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..weights.loading import fingerprint, load_network, require_files


@dataclass(frozen=True)
class LoadedControlNet:
    """A ControlNet ready to run."""

    net: nn.Module
    """Gives `ControlResiduals`."""
    digest: str
    """Hash of its weights and config."""


def load_controlnet(folder: Path, dtype: torch.dtype = torch.float32) -> LoadedControlNet:
    """Load an SVD ControlNet.

    Args:
        folder: With ``config.json`` and a safetensors file, in svd-temporal-controlnet's layout.
        dtype: Precision to load in.

    Raises:
        MissingModelError: If a file is missing.
    """
    require_files(folder, ("config.json",), "an SVD ControlNet")
    from ..models.svd_controlnet import SVDControlNet

    return LoadedControlNet(load_network(SVDControlNet, folder, dtype), f"{fingerprint(folder)} {dtype}")
