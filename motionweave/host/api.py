"""Makes ``from comfy_api.latest import io, ui, ...`` work where there is no ComfyUI."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

from .v3 import io

LATEST = sys.modules[io.__name__.rpartition(".")[0]]
"""The module that stands in for ``comfy_api.latest``."""


def install() -> bool:
    """Put the host's V3 names where node files look for ComfyUI's; a real ComfyUI is never covered.

    Returns:
        Whether ``comfy_api.latest`` is the host's.
    """
    present = sys.modules.get("comfy_api.latest")
    if present is not None:
        return present is LATEST
    if "comfy_api" in sys.modules or find_spec("comfy_api") is not None:
        return False
    package = ModuleType("comfy_api", "The in-process host's stand-in for ComfyUI's public interface.")
    package.__dict__["latest"] = LATEST
    package.__path__ = []
    sys.modules["comfy_api"] = package
    sys.modules["comfy_api.latest"] = LATEST
    return True
