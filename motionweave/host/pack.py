"""Loads the pack's own nodes, with the library that is imported already."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import UnsupportedError
from .api import install
from .context import PACK_ROOT
from .waiting import result_of

PACK_NAME = "motionweave_pack"
"""Name under which the pack's root module stands in `sys.modules`."""

LIBRARY_NAME = __name__.rpartition(".host.")[0]
"""The library's own name in this process."""


def load_pack(root: Path = PACK_ROOT) -> Mapping[str, type[Any]]:
    """Give the pack's node classes by id, through the same door that ComfyUI uses.

    The pack's nodes take the library's public names from ``..motionweave``. They get the package that is in memory
    already, so that the library exists once and ``isinstance`` holds on both sides.

    Args:
        root: The pack's folder, which holds ``__init__.py``, ``nodes`` and the library.

    Raises:
        UnsupportedError: If the folder is no pack; a library that was installed alone has no nodes beside it.
    """
    install()
    module = sys.modules.get(PACK_NAME) or _import_root(root)
    return result_of(_nodes(module))


def _import_root(root: Path) -> ModuleType:
    door = root / "__init__.py"
    spec = spec_from_file_location(PACK_NAME, door, submodule_search_locations=[str(root)])
    if not door.is_file() or spec is None or spec.loader is None:
        raise UnsupportedError(
            f"running workflows from {root}, where no nodes lie beside the library,",
            "Run from a checkout of the pack, or install it with `pip install --editable`.",
        )
    module = module_from_spec(spec)
    sys.modules[PACK_NAME] = module
    sys.modules[f"{PACK_NAME}.motionweave"] = import_module(LIBRARY_NAME)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[PACK_NAME]
        raise
    return module


async def _nodes(module: ModuleType) -> Mapping[str, type[Any]]:
    extension = await module.comfy_entrypoint()
    return {node.GET_SCHEMA().node_id: node for node in await extension.get_node_list()}
