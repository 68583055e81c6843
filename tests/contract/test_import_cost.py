"""What must not be imported before a node runs: ComfyUI starts every pack, used or not."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("diffusers", "transformers", "cv2", "onnxruntime", "av")

LIBRARY = "import motionweave"
PACK = "from motionweave.host import load_pack; assert load_pack()"
SCHEMAS = "from motionweave.host import load_pack; [node.GET_SCHEMA() for node in load_pack().values()]"


@pytest.mark.parametrize("program", [LIBRARY, PACK, SCHEMAS], ids=["the library", "the pack", "its schemas"])
def test_nothing_heavy_loads_before_a_node_runs(program):
    report = f"import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {report}"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
