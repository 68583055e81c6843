"""JavaScript of the canvas, run by Node where there is one, and a real ComfyUI in a headless Chromium."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"


@pytest.fixture(scope="session")
def javascript() -> Callable[..., Any]:
    """Run JavaScript that ends with `answer(value)`; `imports` are names by module of web/."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is needed to compare the canvas's JavaScript with Python")

    def run(imports: dict[str, str], body: str, given: Any = None) -> Any:
        lines = [f'import {{ {names} }} from "{(WEB / module).as_uri()}";' for module, names in imports.items()]
        lines += ["const given = JSON.parse((await import('node:fs')).readFileSync(0, 'utf8'));"]
        lines += ["const answer = (value) => console.log(JSON.stringify(value));", body]
        command = [node, "--input-type=module", "--eval", "\n".join(lines)]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
