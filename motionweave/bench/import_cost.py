"""What the pack adds to ComfyUI's start: its import, its list of nodes and their schemas.

Measured in fresh processes that have imported what ComfyUI itself imports before it comes to packs, through the pack's
own door and under a name of its own, as ComfyUI does it. Processor time is counted, so that other work on the machine
counts little. The baseline is a pack that offers nothing. ComfyUI prints its own figure, of wall-clock time, for every
pack at each start.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from torch import Tensor

from ..errors import MotionWeaveError

RUNS = 5
ROOT = Path(__file__).resolve().parents[2]
"""The pack's folder."""

EMPTY = """
async def comfy_entrypoint():
    from comfy_api.latest import ComfyExtension
    class Empty(ComfyExtension):
        async def get_node_list(self):
            return []
    return Empty()
"""

MEASURE = """
import asyncio, sys, time
from importlib.util import module_from_spec, spec_from_file_location
import torch
import aiohttp, av, einops, numpy, PIL.Image, pydantic, safetensors.torch, scipy.special, yaml
from motionweave.host.api import install
pydantic.TypeAdapter(int)  # its parts load when they are first used, which they are in ComfyUI

async def load(folder):
    spec = spec_from_file_location("pack", folder + "/__init__.py", submodule_search_locations=[folder])
    module = sys.modules["pack"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    extension = await module.comfy_entrypoint()
    for node in await extension.get_node_list():
        node.GET_SCHEMA()

assert install(), "a real ComfyUI is on the path; measure outside it"
began = time.process_time()
asyncio.run(load(sys.argv[1]))
print(time.process_time() - began)
"""


def import_cost(
    clips: int = RUNS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,  # noqa: ARG001 - every benchmark is offered it
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many processes to measure, after one that fills Python's caches.
        on_clip: Told of each.
        keep: Not called; there is nothing to see.

    Returns:
        ``figures`` and the baseline ``empty_pack``, each with ``added_s``, the median over the processes.

    Raises:
        MotionWeaveError: If the pack does not load.
    """
    with tempfile.TemporaryDirectory(prefix="motionweave-") as folder:
        (Path(folder) / "__init__.py").write_text(EMPTY, encoding="utf-8")
        ours: list[float] = []
        none: list[float] = []
        for index in range(-1, clips):
            seconds = _added_s(ROOT), _added_s(Path(folder))
            if index >= 0:
                ours.append(seconds[0])
                none.append(seconds[1])
                if on_clip is not None:
                    on_clip(index)
    return {
        "figures": {"added_s": median(ours)},
        "baselines": {"empty_pack": {"added_s": median(none)}},
    }


def _added_s(pack: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(pack)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MotionWeaveError(f"{pack.name} does not load: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return float(done.stdout)
