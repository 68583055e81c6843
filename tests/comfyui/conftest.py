"""A real ComfyUI on loopback, with the pack linked in as an artist would have it, and with folders of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "ComfyUI-MotionWeave"
START_LIMIT_S = 900
RUN_LIMIT_S = 5400


@dataclass(frozen=True)
class Server:
    url: str
    base: Path
    python: str

    @property
    def log(self) -> str:
        return (self.base / "log.txt").read_text(encoding="utf-8", errors="replace")

    def fetch(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=60) as reply:
            return reply.read()

    def get(self, path: str) -> dict:
        return json.loads(self.fetch(path))

    def watch(self, prompt: dict, *, interrupt_node: str | None = None) -> list[dict]:
        """Queue a prompt and give every message about it, in order, up to its end."""
        file = self.base / "prompt.json"
        file.write_text(json.dumps(prompt), encoding="utf-8")
        script = Path(__file__).with_name("watch_prompt.py")
        command = [self.python, str(script), self.url, str(file)]
        command += ["--interrupt-node", interrupt_node] if interrupt_node else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT_S)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def comfyui_or_skip() -> tuple[Path, str]:
    """Give ComfyUI's folder and interpreter, or skip with what to set."""
    folder = os.environ.get("COMFYUI_DIR")
    if not folder:
        pytest.skip("set COMFYUI_DIR to a ComfyUI checkout, and COMFYUI_PYTHON to its interpreter, to run this")
    if not (ROOT / "__init__.py").is_file():
        pytest.skip("this checkout has no root __init__.py, so ComfyUI has nothing to load")
    assert (Path(folder) / "main.py").is_file(), f"COMFYUI_DIR={folder} holds no main.py"
    return Path(folder).resolve(), os.environ.get("COMFYUI_PYTHON") or sys.executable


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lay_out(base: Path) -> None:
    for name in ("custom_nodes", "input", "output", "models", "temp", "user"):
        (base / name).mkdir()
    (base / "custom_nodes" / FOLDER).symlink_to(ROOT, target_is_directory=True)


def wait_until_it_answers(server: Server, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"ComfyUI ended at its start:\n{server.log[-4000:]}"
        try:
            server.get("/system_stats")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"ComfyUI did not answer within {START_LIMIT_S} s:\n{server.log[-4000:]}")


def stop(process: subprocess.Popen) -> None:
    """End ComfyUI and whatever it started, for good."""
    end_group = getattr(os, "killpg", None)
    for ending in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if process.poll() is None:
            if end_group is not None:
                end_group(process.pid, ending)
            else:
                process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                continue


@pytest.fixture(scope="session")
def comfyui() -> tuple[Path, str]:
    """ComfyUI's folder and interpreter."""
    return comfyui_or_skip()


@contextmanager
def running(
    comfyui: tuple[Path, str], base: Path, port: int | None = None
) -> Iterator[tuple[Server, subprocess.Popen]]:
    """Start a ComfyUI whose folders lie in `base`, and end it after the block."""
    (folder, python), port = comfyui, port or free_port()
    server = Server(f"http://127.0.0.1:{port}", base, python)
    command = [python, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port), "--base-directory", str(base)]
    command += ["--database-url", "sqlite:///:memory:", "--disable-auto-launch"]
    with (base / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_until_it_answers(server, process)
            yield server, process
        finally:
            stop(process)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running ComfyUI; everything it writes lies in a temporary folder."""
    comfyui, base = comfyui_or_skip(), tmp_path_factory.mktemp("comfyui")
    lay_out(base)
    with running(comfyui, base) as (server, _):
        yield server


@pytest.fixture
def start_server(comfyui: tuple[Path, str], tmp_path: Path) -> Callable[[], AbstractContextManager]:
    """Start a ComfyUI of one's own, again and again in the same folders."""
    lay_out(tmp_path)
    return lambda: running(comfyui, tmp_path)


class Restartable:
    """A ComfyUI that a test may kill and start again on the same port and folders."""

    def __init__(self, comfyui: tuple[Path, str], base: Path) -> None:
        lay_out(base)
        self._start = lambda: running(comfyui, base, self._port)
        self._port, self._stack = free_port(), ExitStack()
        self.start()

    def start(self) -> None:
        self.server, self._process = self._stack.enter_context(self._start())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(20)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def restartable(comfyui: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    """A ComfyUI of the module's own, which it may kill."""
    own = Restartable(comfyui, tmp_path_factory.mktemp("restartable"))
    try:
        yield own
    finally:
        own.close()


@pytest.fixture(scope="session")
def object_info(server: Server) -> dict:
    return server.get("/object_info")


@pytest.fixture(scope="session")
def pack_nodes(object_info: dict) -> dict:
    """What ComfyUI says about the pack's own nodes, by id."""
    return {id: info for id, info in object_info.items() if info["python_module"] == f"custom_nodes.{FOLDER}"}


@pytest.fixture(scope="session")
def host_node_ids() -> tuple[str, ...]:
    """Ids of the nodes that the in-process host finds in the pack."""
    from motionweave.host.pack import load_pack

    return tuple(load_pack())


@pytest.fixture(scope="session")
def quickstart_prompt() -> dict:
    """The quickstart, from its canvas format to the API format by the host, as a client would send it."""
    from motionweave.host import read_prompt

    return read_prompt(ROOT / "workflows" / "quickstart.json")
