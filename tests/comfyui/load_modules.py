"""Runs under ComfyUI's interpreter: loads modules through the pack's runtime and prints, as JSON, what ComfyUI did."""

import importlib.util
import json
import os
import sys

comfyui, pack = sys.argv[1:]
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, comfyui)
os.chdir(comfyui)

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()

import comfy.model_management as management  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

spec = importlib.util.spec_from_file_location("pack", f"{pack}/__init__.py", submodule_search_locations=[pack])
module = importlib.util.module_from_spec(spec)
sys.modules["pack"] = module
spec.loader.exec_module(module)

from pack.nodes.runtime import ComfyRuntime  # noqa: E402

torch.set_grad_enabled(False)

calls = []
load = management.load_models_gpu


def record(patchers, **options):
    calls.append({"modules": [names[id(each.model[0])] for each in patchers], **options})
    return load(patchers, **options)


management.load_models_gpu = record
modules = {name: nn.Sequential(nn.Linear(8, 8)) for name in ("unet", "controlnet", "vae")}
names = {id(each): name for name, each in modules.items()}
here = ComfyRuntime()
inputs = torch.ones(1, 8)
expected = [float(each(inputs).sum()) for each in modules.values()]
with here.resident((modules["unet"], modules["controlnet"]), 123), here.resident((modules["vae"],)):
    made = [float(each(inputs).sum()) for each in modules.values()]
loaded = len(management.loaded_models())
management.unload_all_models()
with here.resident((modules["unet"],)):
    again = float(modules["unet"](inputs).sum())
try:
    with here.resident((modules["unet"],)):
        raise torch.OutOfMemoryError("full")
except management.OOM_EXCEPTION:
    passes = True
sys.stdout.write(json.dumps({
    "calls": calls[:2], "same": made == expected and again == expected[0], "loaded": loaded, "oom_passes": passes,
}))  # fmt: skip
