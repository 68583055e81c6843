"""Each template opens whole in ComfyUI's page, comes back whole when saved and opened again, and is queued the same.

The last holds the conversion without a page against ComfyUI's own: what `motionweave export-api` writes is what the
page's Export (API) would.
"""

import json
from itertools import combinations
from pathlib import Path

import pytest

from motionweave.errors import WorkflowError
from motionweave.host import export_prompt, known_nodes

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

SHOWN = ["preview", "previewMode"]
"""What the page of ComfyUI 0.8.0 adds to its own Preview as Text, to show what that got."""
FILMSTRIP_PX = 500
"""By how much Weave grows when it shows its chunks, the lines of drift and a picture."""
TEMPLATES = sorted((Path(__file__).resolve().parents[2] / "workflows").glob("*.json"))


def links_of(canvas) -> set[tuple]:
    """The page's links: which node's output goes to which node's input, by name, as ComfyUI puts inputs in order."""
    found = canvas.page.evaluate(
        """() => [...app.graph.links.values()].map((link) => [Number(link.origin_id), link.origin_slot,
            Number(link.target_id), app.graph.getNodeById(link.target_id).inputs[link.target_slot].name])"""
    )
    return {tuple(link) for link in found}


def links_told(workflow: dict) -> set[tuple]:
    inputs = {node["id"]: [each["name"] for each in node.get("inputs", [])] for node in workflow["nodes"]}
    return {(start, output, end, inputs[end][slot]) for _, start, output, end, slot, _ in workflow["links"]}


def values_of(canvas) -> dict[str, list]:
    """What every node's widgets hold, by the node's id."""
    return canvas.page.evaluate(
        """(shown) => Object.fromEntries(app.graph.nodes.map((node) => [String(node.id), (node.widgets ?? [])
            .filter((widget) => widget.serialize !== false && !shown.includes(widget.name))
            .map((widget) => [widget.name, widget.value])]))""",
        SHOWN,
    )


def covered(canvas) -> list[tuple[str, str]]:
    """Pairs of nodes of which one lies over the other, as ComfyUI draws them, with titles, and Weave after a run."""
    nodes = canvas.page.evaluate(
        """(filmstrip) => app.graph.nodes.map((node) => {
            const [width, height] = node.size.map((side, axis) => Math.max(side, node.computeSize()[axis]));
            const [x, y] = node.pos;
            const grown = node.type === "MotionWeaveWeave" ? filmstrip : 0;
            return [node.type, x, y - LiteGraph.NODE_TITLE_HEIGHT, x + width, y + height + grown];
        })""",
        FILMSTRIP_PX,
    )
    return [
        (name, other)
        for (name, *box), (other, *beside) in combinations(nodes, 2)
        if all(min(box[axis + 2], beside[axis + 2]) > max(box[axis], beside[axis]) for axis in (0, 1))
    ]


def queued(canvas) -> dict[str, dict]:
    """What the page would queue, node by node."""
    nodes = canvas.page.evaluate("async () => (await app.graphToPrompt()).output")
    for node in nodes.values():
        node["inputs"] = {name: value for name, value in node["inputs"].items() if name not in SHOWN}
    return nodes


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.stem for path in TEMPLATES])
def test_a_template_opens_without_a_missing_node_or_link_and_reopens_with_every_widget(canvas, path):
    canvas.render(False)
    told = json.loads(path.read_text(encoding="utf-8"))
    canvas.open(told)
    canvas.look_at(told["nodes"][0]["type"])
    unknown = canvas.page.evaluate(
        """() => app.graph.nodes.map((node) => node.type)
            .filter((type) => !LiteGraph.registered_node_types[type])"""
    )
    assert unknown == []
    assert covered(canvas) == []
    assert canvas.page.evaluate("() => app.graph.nodes.length") == len(told["nodes"])
    assert links_of(canvas) == links_told(told)
    for node in told["nodes"]:
        held = [value for _, value in values_of(canvas)[str(node["id"])]]
        assert held[: len(node.get("widgets_values", []))] == node.get("widgets_values", []), node["type"]
    values, links, prompt = values_of(canvas), links_of(canvas), queued(canvas)
    saved = canvas.page.evaluate("() => JSON.parse(JSON.stringify(app.graph.serialize()))")
    canvas.page.evaluate("() => app.graph.clear()")
    canvas.open(saved)
    assert (values_of(canvas), links_of(canvas), queued(canvas)) == (values, links, prompt)
    assert canvas.errors == []


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.stem for path in TEMPLATES])
def test_a_template_is_exported_without_the_page_as_the_page_exports_it(canvas, server, path):
    canvas.render(False)
    told = json.loads(path.read_text(encoding="utf-8"))
    canvas.open(told)
    made = queued(canvas)
    assert json.loads(export_prompt(path, server.url)) == made
    if {node["class_type"] for node in made.values()} <= set(known_nodes()):
        # Inputs that only a newer ComfyUI's own nodes have are not known without that server; the rest is the same.
        here = json.loads(export_prompt(path))
        assert {id: {**node, "inputs": {**made[id]["inputs"], **node["inputs"]}} for id, node in here.items()} == made
    else:
        with pytest.raises(WorkflowError, match="--server"):
            export_prompt(path)
