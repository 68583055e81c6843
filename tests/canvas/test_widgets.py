"""The pack's panels in ComfyUI's real page: they show and change ordinary widgets, which are all that is kept."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
LIGHT, PLAN, TIMELINE, WEAVE = (f"MotionWeave{name}" for name in ("Light", "PlanChunks", "Timeline", "Weave"))
CAMERA, PEOPLE = "MotionWeaveCameraPath", "MotionWeaveChoosePerson"
PANELS = {LIGHT: "sphere", PLAN: "plan", TIMELINE: "curve", WEAVE: "filmstrip", CAMERA: "camera", PEOPLE: "people"}


@pytest.mark.parametrize("type", PANELS, ids=PANELS.get)
def test_every_panel_is_in_sight_and_says_what_it_is(drawn, type):
    drawn.place(type)
    panel = drawn.panel(f"motionweave_{PANELS[type]}")
    panel.wait_for(state="visible")
    assert panel.get_attribute("aria-label")
    box = panel.bounding_box()
    assert box["width"] > 150
    assert box["height"] > 20
    assert drawn.errors == []


def test_a_panel_that_is_moved_keeps_its_style_at_every_moment(canvas):
    canvas.render(False)
    canvas.place(LIGHT)
    panel = canvas.panel("motionweave_sphere")
    panel.locator(".stage").wait_for()
    overflow = panel.evaluate(
        """(host) => {
            host.parentElement.append(host);
            return getComputedStyle(host.shadowRoot.querySelector(".panel")).overflow;
        }"""
    )
    assert overflow == "hidden"


def test_a_drag_over_the_sphere_changes_the_light_that_is_queued(drawn):
    drawn.place(LIGHT)
    before = drawn.prompt()[LIGHT]
    assert before["preset"] == "studio"
    panel = drawn.panel("motionweave_sphere")
    stage, handle = panel.locator(".stage"), panel.locator(".handle")
    x, y = drawn.centre(stage)
    drawn.drag(drawn.centre(handle), (x - stage.bounding_box()["width"] * 0.2, y))
    after = drawn.prompt()[LIGHT]
    assert after["preset"] == "custom"
    assert -60 < after["azimuth"] < -20
    assert abs(after["elevation"]) <= 3
    drawn.page.wait_for_timeout(500)
    drawn.picture("canvas-light.jpg", LIGHT)
    assert after["key"] == 0.75  # the named set-up's key light, which was the one in hand
    assert drawn.errors == []


def test_the_sphere_and_its_sliders_work_by_keyboard(drawn):
    drawn.place(LIGHT)
    panel = drawn.panel("motionweave_sphere")
    panel.locator(".handle").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        drawn.page.keyboard.press(key)
    assert (drawn.prompt()[LIGHT]["azimuth"], drawn.prompt()[LIGHT]["elevation"]) == (25, 40)
    panel.get_by_label("Ambient light").focus()
    drawn.page.keyboard.press("ArrowRight")
    assert drawn.prompt()[LIGHT]["ambient"] == pytest.approx(0.2)


def test_the_sphere_follows_the_widgets_and_leaves_a_prompt_alone(canvas):
    canvas.render(False)
    canvas.place(LIGHT)
    panel = canvas.panel("motionweave_sphere")
    seen = panel.locator("canvas").evaluate("(canvas) => canvas.toDataURL()")
    canvas.set(LIGHT, "preset", "neon")
    canvas.page.wait_for_timeout(800)
    assert panel.locator("canvas").evaluate("(canvas) => canvas.toDataURL()") != seen
    canvas.set(LIGHT, "prompt", "golden hour")
    panel.get_by_role("button", name="Use the sphere").wait_for(state="visible")
    canvas.page.mouse.click(*canvas.centre(panel.locator(".stage")))
    assert canvas.prompt()[LIGHT]["preset"] == "neon"
    panel.get_by_role("button", name="Use the sphere").click()
    assert canvas.prompt()[LIGHT]["prompt"] == ""


def test_the_curve_is_edited_by_hand_and_by_keyboard(drawn):
    drawn.place(TIMELINE)
    panel = drawn.panel("motionweave_curve")
    keys, plot = panel.locator(".key"), panel.locator(".plot").bounding_box()
    x, y = drawn.centre(keys.nth(1))
    drawn.drag((x, y), (x + plot["width"] * 0.2, y + plot["height"] * 0.3))
    keyframes = drawn.prompt()[TIMELINE]["keyframes"]
    moved = keyframes.split(", ")[1]
    assert keyframes.startswith("0: 0, ") and moved.endswith(" ease")
    assert 2.5 < float(moved.split(":")[0]) < 3.5
    assert 0.4 < float(moved.split()[1]) < 0.9
    keys.nth(0).focus()
    for key in ("ArrowUp", "e", "e"):
        drawn.page.keyboard.press(key)
    assert drawn.prompt()[TIMELINE]["keyframes"].startswith("0: 0.05 ease, ")
    keys.nth(1).focus()
    drawn.page.keyboard.press("Delete")
    assert drawn.prompt()[TIMELINE]["keyframes"] == "0: 0.05 ease"
    assert len(drawn.values()) == 1, "Delete took the node away"
    drawn.page.mouse.dblclick(plot["x"] + plot["width"] * 0.6, plot["y"] + plot["height"] * 0.3)
    drawn.page.wait_for_timeout(300)
    assert keys.count() == 2
    assert drawn.errors == []


def test_a_curve_that_cannot_be_read_says_so_and_stays_as_it_is(canvas):
    canvas.render(False)
    canvas.place(TIMELINE)
    canvas.set(TIMELINE, "keyframes", "0: 0 bounce")
    canvas.panel("motionweave_curve").get_by_text("there is no easing 'bounce'").wait_for()
    assert canvas.prompt()[TIMELINE]["keyframes"] == "0: 0 bounce"


def test_the_chunks_are_drawn_as_the_plan_changes(canvas):
    canvas.render(False)
    canvas.place("MotionWeaveLoadBackbone", PLAN)
    canvas.wire(("MotionWeaveLoadBackbone", 0, PLAN, "backbone"))
    canvas.set("MotionWeaveLoadBackbone", "model", "mini-svd")
    panel = canvas.panel("motionweave_plan")
    panel.get_by_text("the chunks show when this has run").wait_for()
    ran = {"frame_count": 25, "fps": "30000/1001", "chunk_frames": 8, "overlap": 4, "shortest": 12, "fade": 0,
           "context": "sequential", "reinject_every": 0, "borders": [9, 16]}  # fmt: skip
    canvas.page.evaluate(
        """(plan) => app.graph.nodes.find((node) => node.type === "MotionWeavePlanChunks")
            .onExecuted({ motionweave_plan: [plan] })""",
        ran,
    )
    panel.get_by_text("3 chunks, 0.83 s").wait_for()
    canvas.set(PLAN, "frames", 40)
    panel.get_by_text("5 chunks, 1.33 s").wait_for()
    assert panel.locator(".fresh").count() == 5
    assert panel.locator(".context").count() == 4
    canvas.set(PLAN, "chunk_frames", 20)
    panel.get_by_text("2 chunks").wait_for()
    canvas.set(PLAN, "overlap", 30)
    panel.get_by_text("longer than the 20 new frames").wait_for()
    canvas.set(PLAN, "overlap", -1)
    panel.get_by_text("2 chunks").wait_for()
    panel.locator(".chunks").focus()
    canvas.page.keyboard.press("ArrowRight")
    panel.get_by_text("Chunk 2: frames 20 to 39").wait_for()


@pytest.mark.parametrize("name", ["timeline", "light"])
def test_reopening_a_saved_workflow_restores_every_widget_and_keeps_nothing_of_the_panels(drawn, name):
    drawn.open(json.loads((ROOT / f"workflows/{name}.json").read_text(encoding="utf-8")))
    type = TIMELINE if name == "timeline" else LIGHT
    drawn.look_at(type)
    if name == "light":
        drawn.panel("motionweave_sphere").first.locator(".handle").focus()
        drawn.page.keyboard.press("ArrowLeft")
    before, prompt = drawn.values(), drawn.prompt()
    saved = drawn.page.evaluate("() => JSON.parse(JSON.stringify(app.graph.serialize()))")
    for node in saved["nodes"]:
        assert "motionweave_" not in json.dumps(node.get("widgets_values", []))
    drawn.page.evaluate("() => app.graph.clear()")
    drawn.open(saved)
    assert drawn.values() == before
    assert drawn.prompt() == prompt
    assert drawn.errors == []
