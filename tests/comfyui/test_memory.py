"""Modules live under ComfyUI's own memory management, together where they are used together."""

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_used_together_is_loaded_in_one_call_with_the_predicted_need(comfyui):
    folder, python = comfyui
    script = Path(__file__).with_name("load_modules.py")
    done = subprocess.run([python, str(script), str(folder), str(ROOT)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["calls"] == [
        {"modules": ["unet", "controlnet"], "memory_required": 123, "force_full_load": True},
        {"modules": ["unet", "controlnet", "vae"], "memory_required": 0, "force_full_load": True},
    ]
    assert seen["loaded"] == 3
    assert seen["same"]
    assert seen["oom_passes"]
