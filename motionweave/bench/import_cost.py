"""What the pack adds to ComfyUI's start: its import, its list of nodes and their schemas.

Measured in fresh processes that have imported what ComfyUI itself imports before it comes to packs, through the pack's
own door and under a name of its own, as ComfyUI does it. Processor time is counted, so that other work on the machine
counts little. The baseline is a pack that offers nothing. ComfyUI prints its own figure, of wall-clock time, for every
pack at each start.

With the folder of a ComfyUI, that ComfyUI itself loads the pack, and other packs can be measured beside it. The command
then has to run under ComfyUI's Python.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from torch import Tensor

from ..errors import InputError, MotionWeaveError

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

STAND_IN = """
import asyncio, sys, time
from importlib.util import module_from_spec, spec_from_file_location
import torch
import aiohttp, av, einops, numpy, PIL.Image, pydantic, safetensors.torch, scipy.special, yaml
from motionweave.host.api import install

class Warm(pydantic.BaseModel):  # ComfyUI reads every pack's pyproject.toml with pydantic
    number: int = pydantic.Field(0, ge=0)

async def load(folder):
    spec = spec_from_file_location("pack", folder + "/__init__.py", submodule_search_locations=[folder])
    module = sys.modules["pack"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    extension = await module.comfy_entrypoint()
    for node in await extension.get_node_list():
        node.GET_SCHEMA()

assert install(), "a real ComfyUI is on the path; name its folder, or measure outside it"
began = time.process_time()
asyncio.run(load(sys.argv[1]))
print(time.process_time() - began)
"""

REAL = """
import asyncio, sys, time
_, folder, empty = sys.argv
sys.path.insert(0, "")
sys.argv = ["main.py", "--cpu", "--base-directory", empty]
import comfy.options
comfy.options.enable_args_parsing()
import torch, execution, server, nodes

async def main():
    server.PromptServer(asyncio.get_running_loop())
    await nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False)
    await nodes.load_custom_node(empty)  # The first pack of all would pay for what ComfyUI reads packs with.
    began = time.process_time()
    assert await nodes.load_custom_node(folder), "ComfyUI cannot load it"
    print(time.process_time() - began)

asyncio.run(main())
"""


def import_cost(
    clips: int = RUNS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,  # noqa: ARG001 - every benchmark is offered it
    comfyui: Path | None = None,
    pack: Sequence[Path] = (),
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many processes to measure for each pack, after one that fills Python's caches.
        on_clip: Told of each.
        keep: Not called; there is nothing to see.
        comfyui: Folder of a ComfyUI that is to load the packs; None for a stand-in.
        pack: Folders of other packs to measure beside this one.

    Returns:
        ``figures``, the baseline ``empty_pack`` and one of the name of each other folder, each with ``added_s``, the
        median over the processes.

    Raises:
        InputError: If a folder is no pack or no ComfyUI, or there are other packs and no ComfyUI to load them.
        MotionWeaveError: If a pack does not load.
    """
    packs = [each.expanduser().resolve() for each in pack]
    _check(packs, comfyui)
    with tempfile.TemporaryDirectory(prefix="motionweave-") as folder:
        empty = Path(folder)
        (empty / "__init__.py").write_text(EMPTY, encoding="utf-8")
        seconds: dict[Path, list[float]] = {each: [] for each in (ROOT, empty, *packs)}
        for index in range(-1, clips):
            for each, found in seconds.items():
                found.append(_added_s(each, empty, comfyui))
            if index >= 0 and on_clip is not None:
                on_clip(index)
    ours, none, *others = ({"added_s": median(found[1:])} for found in seconds.values())
    names = [each.name for each in packs]
    return {"figures": ours, "baselines": {"empty_pack": none, **dict(zip(names, others, strict=True))}}


def _check(packs: Sequence[Path], comfyui: Path | None) -> None:
    if comfyui is not None and not (comfyui / "nodes.py").is_file():
        raise InputError(f"{comfyui} holds no nodes.py; give the folder of a ComfyUI")
    if packs and comfyui is None:
        raise InputError("other packs need a real ComfyUI to load them; give its folder with --comfyui")
    for each in packs:
        if not (each / "__init__.py").is_file():
            raise InputError(f"{each} holds no __init__.py; give the folder of a pack of nodes")


def _added_s(pack: Path, empty: Path, comfyui: Path | None) -> float:
    program, folder = (STAND_IN, ROOT) if comfyui is None else (REAL, comfyui)
    command = [sys.executable, "-c", program, str(pack), str(empty)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MotionWeaveError(f"{pack.name} does not load: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return float(done.stdout.splitlines()[-1])
