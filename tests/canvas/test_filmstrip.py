"""A run as the artist sees it on Weave: chunks, progress, cancelling, going on, and how the picture drifts."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

WORKFLOW = Path(__file__).resolve().parents[2] / "workflows/timeline.json"
WEAVE = "MotionWeaveWeave"
RUN_LIMIT_MS = 900_000
NARROW, ROOM = 320, 1100


def short(workflow: dict) -> dict:
    """The same with three chunks of a few steps."""
    settings = {"MotionWeaveSampleInputs": (5, 1.0), WEAVE: (1, 4)}
    for node in workflow["nodes"]:
        if node["type"] in settings:
            place, value = settings[node["type"]]
            node["widgets_values"][place] = value
    return workflow


def test_a_run_shows_its_chunks_can_be_cancelled_and_goes_on_from_there(canvas):
    canvas.render(False)
    canvas.open(short(json.loads(WORKFLOW.read_text(encoding="utf-8"))))
    canvas.look_at(WEAVE, scale=0.85)
    strip = canvas.panel("motionweave_filmstrip")
    status, frames = strip.locator(".status"), strip.locator(".frames li")
    canvas.queue()
    strip.get_by_text("Chunk 1 of").wait_for(timeout=RUN_LIMIT_MS)
    strip.locator(".now").wait_for(timeout=RUN_LIMIT_MS)
    strip.get_by_text("Chunk 2 of").wait_for(timeout=RUN_LIMIT_MS)
    assert 0 < strip.locator("progress").evaluate("(bar) => bar.value") < 1
    assert " left" in strip.locator(".quiet").first.inner_text()
    assert "Memory: " in strip.locator(".quiet").nth(1).inner_text()
    assert frames.nth(0).get_attribute("data-state") == "finished"
    assert strip.locator(".frames img").count() >= 1
    canvas.picture("canvas-weave.jpg", WEAVE)
    count = frames.count()

    canvas.page.evaluate("() => app.extensionManager.command.execute('Comfy.Interrupt')")
    strip.get_by_text("Cancelled at").wait_for(timeout=RUN_LIMIT_MS)
    assert "kept" in strip.locator(".quiet").first.inner_text()

    canvas.queue()
    strip.get_by_text(f"{count} chunks finished").wait_for(timeout=RUN_LIMIT_MS)
    assert "there already" in strip.locator(".quiet").first.inner_text()
    assert {frames.nth(i).get_attribute("data-state") for i in range(count)} == {"finished"}
    assert strip.locator(".drift svg").count() >= 2
    assert status.inner_text() == f"{count} chunks finished"
    canvas.picture("canvas-drift.jpg", WEAVE)
    plan = canvas.panel("motionweave_plan")
    plan.get_by_text(f"{count} chunks").wait_for()
    assert plan.locator(".fresh").count() == count
    assert canvas.errors == []


def test_a_finished_run_is_seen_whole_on_a_narrow_node(drawn):
    drawn.place(WEAVE)
    rows = [
        {"chunk": at, "key": str(at), "frames": 8, "reused": at == 0, "seconds": 80.0, "lab": [50 + at, 0, 0]}
        | {"identity": 0.97 - at / 100, "seam": 1.7 if at else None}
        for at in range(12)
    ]
    memory = "memory: the host's own memory management; predicted peak 0.6 GiB (encode 0.1, denoise 0.1, decode 0.6)"
    drawn.page.evaluate(
        """([type, width, output]) => {
            const node = app.graph.nodes.find((each) => each.type === type);
            node.setSize([width, node.size[1]]);
            node.onExecuted(output);
        }""",
        [WEAVE, NARROW, {"motionweave": rows, "motionweave_memory": [{"line": memory}]}],
    )
    strip = drawn.panel("motionweave_filmstrip")
    strip.get_by_text("12 chunks finished").wait_for()
    drawn.look_at(WEAVE, scale=0.85)
    assert strip.locator(".frames li").count() == 12
    assert strip.locator(".drift svg").count() == 3
    assert strip.locator(".panel").evaluate("(panel) => panel.scrollHeight <= panel.clientHeight")
    assert drawn.page.evaluate("() => app.graph.nodes[0].size[1]") < ROOM
    assert drawn.errors == []
