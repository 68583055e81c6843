"""Picture every node for its help page, as ComfyUI draws it, after its template ran.

python benchmarks/node_pictures.py http://127.0.0.1:8188 [FOLDER]    web/docs/pictures by default

Needs a ComfyUI with the pack, and `pip install -e '.[canvas]'` with a Chromium. A node is pictured in the first
template that runs it. Where it is switched off, or the template takes long or needs weights from elsewhere, it is
pictured as it opens.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "MotionWeave"
NOT_RUN = {"minute", "from-text"}
LIMIT_S = 1800
CORNER = (460, 170)
"""Where on the page a node is put: clear of ComfyUI's bars."""
MARGIN = 10
ABOVE = 60
"""Pixels of a node's title and of the pack's badge over it."""
QUIET = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False, "Comfy.VueNodes.Enabled": False}


def picture_name(node_id: str) -> str:
    """Give the file's name, ``MotionWeaveApplyPose`` to ``apply-pose.jpg``."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in node_id.removeprefix(PREFIX))
    return f"{words.removeprefix('-')}.jpg"


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """Open ComfyUI's page on a screen that is tall enough for any node."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1800})
        for name, value in QUIET.items():
            page.request.post(f"{url}/settings/{name}", data=json.dumps(value))
        page.goto(url)
        page.wait_for_function("window.app?.graph && window.app?.extensionManager", timeout=120_000)
        page.wait_for_function(f"Object.keys(LiteGraph.registered_node_types).includes('{PREFIX}Weave')")
        page.wait_for_timeout(3000)
        page.keyboard.press("Escape")
        yield page
        browser.close()


def open_template(page: Page, path: Path) -> dict[str, int]:
    """Open a template; gives the pack's nodes by type, each with its mode: 0 is switched on."""
    page.evaluate(
        "async (graph) => { await app.loadGraphData(graph, true, true); }", json.loads(path.read_text("utf-8"))
    )
    page.wait_for_timeout(2000)
    nodes: list[Any] = page.evaluate("() => app.graph.nodes.map((node) => [node.type, node.mode])")
    # Where a type stands twice, one that is switched on comes last and counts.
    return {type: mode for type, mode in sorted(nodes, key=lambda node: -node[1]) if type.startswith(PREFIX)}


def run(page: Page, url: str) -> None:
    """Queue what is open and wait until the server has done it."""
    page.evaluate("async () => { await app.queuePrompt(0, 1); }")
    deadline = time.monotonic() + LIMIT_S
    while any(page.request.get(f"{url}/queue").json().values()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"a template took more than {LIMIT_S} s")
        page.wait_for_timeout(1000)
    page.wait_for_timeout(3000)  # previews arrive after the end


def picture(page: Page, node_type: str, path: Path) -> None:
    """Photograph one node of what is open."""
    width, height = page.evaluate(
        """async ([type, corner]) => {
            const found = app.graph.nodes.filter((node) => node.type === type);
            const node = found.find((each) => each.mode === 0) ?? found[0];
            node.mode = 0;
            node.strokeStyles = {}; // no red frame for a file of the reader's own, which is not here
            node.title = node.constructor.title;
            app.canvas.deselectAll?.();
            app.canvas.ds.scale = 1;
            app.canvas.ds.offset = [corner[0] - node.pos[0], corner[1] - node.pos[1]];
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 1200));
            return [...node.size];
        }""",
        [node_type, CORNER],
    )
    left, top = page.evaluate(
        "() => { const box = app.canvas.canvas.getBoundingClientRect(); return [box.left, box.top]; }"
    )
    clip = {
        "x": left + CORNER[0] - MARGIN,
        "y": top + CORNER[1] - ABOVE,
        "width": width + 2 * MARGIN,
        "height": height + ABOVE + MARGIN,
    }
    page.screenshot(path=path, clip=clip, type="jpeg", quality=78)  # pyright: ignore[reportArgumentType]


def main() -> None:
    """Run what can be run, and picture each node once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "web/docs/pictures")
    parser.add_argument("--node", action="append", default=[], help="picture this one alone, such as MotionWeaveWeave")
    given = parser.parse_args()
    wanted = {path.stem: picture_name(path.stem) for path in sorted((ROOT / "web/docs").glob("*.md"))}
    templates = sorted(
        (ROOT / "workflows").glob("*.json"), key=lambda path: (path.stem in NOT_RUN, path.stem != "quickstart")
    )
    # Other pages show what their node makes instead.
    left = {
        type
        for type, name in wanted.items()
        if (not given.node or type in given.node)
        and f"on the canvas](pictures/{name})" in (ROOT / f"web/docs/{type}.md").read_text("utf-8")
    }
    with opened(given.url) as page:
        for runs in (True, False):
            for template in templates:
                if runs and template.stem in NOT_RUN:
                    continue
                nodes = open_template(page, template)
                due = sorted(type for type, mode in nodes.items() if type in left and (mode == 0 or not runs))
                if not due:
                    continue
                print(template.stem, *due)
                if runs:
                    run(page, given.url)
                for type in due:
                    picture(page, type, given.folder / wanted[type])
                    left.discard(type)
    print("not pictured:", *left or ["none"])


if __name__ == "__main__":
    main()
