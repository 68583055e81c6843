"""The handful of ComfyUI's own nodes that the pack's workflows use."""

from __future__ import annotations

from ..v3 import io
from . import images, sounds, values, videos

CORE_NODES: tuple[type[io.ComfyNode], ...] = (*images.NODES, *videos.NODES, *sounds.NODES, *values.NODES)
"""Every core node, with ComfyUI's ids, inputs and defaults."""
