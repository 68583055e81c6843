"""Depth models as transformers has them, in the folder layout of the model hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import MissingModelError, UnsupportedError
from ...weights.loading import fingerprint, load_network, require_files

NEAREST_M = 0.1
"""Metres below which a metric estimate is not believed: its inverse would outweigh everything else."""


@dataclass(frozen=True)
class TransformersDepth:
    """A network with its own image processor."""

    module: nn.Module
    """The network."""
    processor: Any
    """Resizes and normalises as the network was trained."""
    digest: str
    """Hash of the folder."""
    metric: bool
    """Whether its output is metres, larger for farther."""

    def inverse_depth(self, frames: Tensor) -> Tensor:
        """Estimate (F, 3, H, W) uint8 frames: (F, h, w) float32, larger for nearer."""
        network: Any = self.module
        weight = next(network.parameters())
        pictures = self.processor(
            images=list(frames.cpu().numpy()), return_tensors="pt", input_data_format="channels_first"
        )
        with torch.inference_mode():
            outputs = network(pictures["pixel_values"].to(weight.device, weight.dtype))
        found = self._without_padding(outputs, frames)
        found = 1 / found.clamp_min(NEAREST_M) if self.metric else found
        if not torch.isfinite(found).all():
            raise UnsupportedError(
                f"depth in {str(weight.dtype).removeprefix('torch.')}",
                "It gave values that are no numbers; use float32.",
            )
        return found

    def _without_padding(self, outputs: Any, frames: Tensor) -> Tensor:
        """Cut off what the processor padded, where it pads (ZoeDepth), at the network's own resolution."""
        found = outputs.predicted_depth.float().cpu()
        if not getattr(self.processor, "do_pad", False):
            return found
        sizes = [tuple(frames.shape[-2:])] * len(frames)
        rows = self.processor.post_process_depth_estimation(outputs, source_sizes=sizes)
        whole = torch.stack([row["predicted_depth"].float().cpu() for row in rows])
        height = min(found.shape[-2], frames.shape[-2])
        width = max(1, round(height * frames.shape[-1] / frames.shape[-2]))
        return nn.functional.interpolate(whole[:, None], (height, width), mode="bilinear", antialias=True)[:, 0]


def load_transformers_depth(kind: str, folder: Path, dtype: torch.dtype, metric: bool | None) -> TransformersDepth:
    """Load one of transformers' depth networks.

    Args:
        kind: The class's name in transformers.
        folder: Holds ``config.json``, ``preprocessor_config.json`` and ``model.safetensors``.
        dtype: Precision to run in.
        metric: Whether it gives metres; None asks the config's ``depth_estimation_type``.

    Raises:
        MissingModelError: If a file is missing or does not fit.
    """
    import transformers

    require_files(folder, ("config.json", "preprocessor_config.json"), "a depth model")
    network = load_network(getattr(transformers, kind), folder, dtype, ("*",))
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise MissingModelError(
            folder.name, (folder,), f"Its preprocessor_config.json does not load: {error}"
        ) from error
    known = getattr(network.config, "depth_estimation_type", "relative") == "metric" if metric is None else metric
    return TransformersDepth(network, processor, fingerprint(folder), known)
