"""JavaScript of the canvas, run by Node where there is one, and a real ComfyUI in a headless Chromium."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
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


CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _comfyui_helpers() -> Any:
    """The other folder's helpers, which are fixtures there and so cannot be imported by name."""
    path = ROOT / "tests/comfyui/conftest.py"
    spec = importlib.util.spec_from_file_location("motionweave_comfyui_helpers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their own module
    spec.loader.exec_module(module)
    return module


class Canvas:
    """ComfyUI's page, with the pack's nodes to put on it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self._note(said))
        # Else the page greets a new user with a dialog over everything, as soon as it finds the time.
        page.request.post(f"{url}/settings/Comfy.TutorialCompleted", data="true")
        page.goto(url)
        page.wait_for_function("window.app?.graph && window.app?.extensionManager", timeout=120_000)
        page.wait_for_function("Object.keys(LiteGraph.registered_node_types).some((id) => id === 'MotionWeaveWeave')")
        page.wait_for_timeout(1000)

    def _note(self, said: Any) -> None:
        if said.type == "error" and "motionweave" in f"{said.text} {said.location.get('url', '')}".lower():
            self.errors.append(said.text)

    def render(self, vue: bool) -> None:
        """Choose between the classic and the Vue drawing of nodes."""
        self.page.evaluate("(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", vue)
        self.page.wait_for_timeout(500)

    def place(self, *types: str) -> None:
        """Have these nodes alone on the canvas, in a row, all in sight."""
        self.page.evaluate(
            """(types) => {
                app.graph.clear();
                app.graph.state.lastNodeId = Date.now() % 1e9; // ids of their own: values are kept by id
                let x = 0;
                for (const type of types) {
                    const node = LiteGraph.createNode(type);
                    node.pos = [x, 0];
                    app.graph.add(node);
                    x += node.size[0] + 60;
                }
            }""",
            types,
        )
        self.look_at(types[0])

    def look_at(self, type: str, scale: float = 0.9) -> None:
        """Move the canvas to a node, and close what a page opens by itself."""
        self.page.keyboard.press("Escape")
        self.page.evaluate(
            """([type, scale]) => {
                const node = app.graph.nodes.find((each) => each.type === type);
                app.canvas.ds.scale = scale;
                app.canvas.ds.offset = [150 - node.pos[0], 130 - node.pos[1]];
                app.canvas.setDirty(true, true);
            }""",
            [type, scale],
        )
        self.page.wait_for_timeout(1000)

    def panel(self, name: str) -> Any:
        return self.page.locator(f'[data-motionweave="{name}"]')

    def prompt(self) -> dict[str, dict[str, Any]]:
        """Inputs of each node as they would be queued, by type."""
        output = self.page.evaluate("async () => (await app.graphToPrompt()).output")
        return {node["class_type"]: node["inputs"] for node in output.values()}

    def values(self) -> dict[str, list]:
        """What each node's widgets hold, by type."""
        return self.page.evaluate(
            """() => Object.fromEntries(app.graph.nodes.map((node) => [node.type, (node.widgets ?? [])
                .filter((widget) => widget.serialize !== false).map((widget) => [widget.name, widget.value])]))"""
        )

    def set(self, type: str, name: str, value: Any) -> None:
        self.page.evaluate(
            """([type, name, value]) => {
                const node = app.graph.nodes.find((each) => each.type === type);
                node.widgets.find((widget) => widget.name === name).value = value;
            }""",
            [type, name, value],
        )

    def open(self, workflow: dict) -> None:
        self.page.evaluate("(workflow) => app.loadGraphData(workflow)", workflow)
        self.page.wait_for_timeout(1500)

    def wire(self, *links: tuple[str, int, str, str]) -> None:
        """Connect nodes: the one that gives and which output, the one that takes and which input."""
        self.page.evaluate(
            """(links) => {
                const of = (type) => app.graph.nodes.find((node) => node.type === type);
                for (const [from, output, to, input] of links)
                    of(from).connect(output, of(to), of(to).inputs.findIndex(({ name }) => name === input));
            }""",
            links,
        )

    def queue(self) -> None:
        """Queue what is on the canvas, as its Run button does."""
        self.page.evaluate("() => app.queuePrompt(0, 1)")

    @staticmethod
    def centre(locator: Any) -> tuple[float, float]:
        box = locator.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*stop, steps=5)
        mouse.up()

    def picture(self, name: str, type: str) -> None:
        """Keep a picture of a node for the documentation, where MOTIONWEAVE_PICTURES asks for it."""
        if not os.environ.get("MOTIONWEAVE_PICTURES"):
            return
        x, y, width, height = self.page.evaluate(
            """(type) => {
                const node = app.graph.nodes.find((each) => each.type === type);
                const { scale, offset } = app.canvas.ds;
                const [left, top] = [0, 1].map((i) => (node.pos[i] + offset[i]) * scale);
                const box = app.canvas.canvas.getBoundingClientRect();
                return [box.left + left, box.top + top - 32 * scale, node.size[0] * scale, (node.size[1] + 32) * scale];
            }""",
            type,
        )
        top = max(0, y - 8)
        high = min(self.page.viewport_size["height"] - top, height + 16)
        clip = {"x": x - 8, "y": top, "width": width + 16, "height": high}
        self.page.screenshot(path=str(ROOT / "docs" / name), type="jpeg", quality=72, clip=clip)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    helpers = _comfyui_helpers()
    comfyui, base = helpers.comfyui_or_skip(), tmp_path_factory.mktemp("canvas")
    if running := os.environ.get("COMFYUI_URL"):
        yield helpers.Server(running, base, comfyui[1])
        return
    helpers.lay_out(base)
    with helpers.running(comfyui, base) as (server, _):
        yield server


@pytest.fixture(scope="session")
def canvas(server: Any) -> Iterator[Canvas]:
    api = pytest.importorskip("playwright.sync_api", reason="pip install 'motionweave[canvas]', to look at the canvas")
    with api.sync_playwright() as playwright:
        # The system's Chromium, else the one that Playwright brings when asked to.
        places = (*map(shutil.which, CHROMIUM_NAMES), playwright.chromium.executable_path)
        found = next((place for place in places if place and Path(place).is_file()), None)
        if found is None:
            pytest.skip("a Chromium is needed to look at the canvas: playwright install chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(60_000)
        yield Canvas(page, server.url)
        browser.close()


@pytest.fixture(params=[False, True], ids=["classic", "vue"])
def drawn(canvas: Canvas, request: pytest.FixtureRequest) -> Canvas:
    """The canvas in both ways of drawing nodes."""
    canvas.render(request.param)
    return canvas
