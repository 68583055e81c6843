"""Camera Path draws the cameras that it gives, and the run's own where only the run knows them."""

import re

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

CAMERA, TIMELINE, WARP = (f"MotionWeave{name}" for name in ("CameraPath", "Timeline", "WarpByCamera"))
RUN_LIMIT_MS = 300_000


def path_of(panel) -> list[str]:
    return [panel.locator(".line").nth(i).get_attribute("d") for i in range(2)]


def test_the_path_is_seen_from_two_sides_and_follows_the_inputs(drawn):
    drawn.place(CAMERA)
    panel = drawn.panel("motionweave_camera")
    panel.get_by_text("96 cameras, 4 s").wait_for()
    assert panel.locator(".frustum.start").count() == panel.locator(".frustum.end").count() == 2
    assert panel.locator(".dot").count() == 2 * 96
    pushed = path_of(panel)
    drawn.set(CAMERA, "preset", "orbit left")
    drawn.set(CAMERA, "seconds", 2)
    panel.get_by_text("48 cameras, 2 s").wait_for()
    assert path_of(panel) != pushed
    drawn.set(CAMERA, "moves", "pan 0: 0, 1: 30")
    drawn.page.wait_for_timeout(600)
    drawn.picture("canvas-camera.jpg", CAMERA)
    drawn.set(CAMERA, "moves", "dolly 0: 1")
    panel.get_by_text("dolly goes to 1").wait_for()
    assert drawn.errors == []


def test_any_moment_is_looked_at_by_keyboard_and_by_pointer_and_nothing_is_changed_by_it(drawn):
    drawn.place(CAMERA)
    panel = drawn.panel("motionweave_camera")
    before = drawn.prompt()
    drawn.set(CAMERA, "preset", "pan right")
    drawn.set(CAMERA, "preset", "arc in")
    panel.get_by_text("Frame 0, 0 s: 1.00 from the subject, looks 0° right and 0° up, sees 39°").wait_for()
    panel.get_by_label("Moment of the path").focus()
    drawn.page.keyboard.press("End")
    panel.get_by_text("Frame 95, 3.96 s: 0.75 from the subject").wait_for()
    drawn.page.mouse.click(*drawn.centre(panel.locator(".dot").first))
    panel.get_by_text(re.compile(r"^Frame \d, ")).wait_for()  # the first ones lie on top of each other
    drawn.set(CAMERA, "preset", "push in")
    assert drawn.prompt() == before
    assert len(drawn.values()) == 1


def test_a_curve_from_timeline_moves_the_camera(canvas):
    canvas.render(False)
    canvas.place(TIMELINE, CAMERA)
    canvas.wire((TIMELINE, 0, CAMERA, "amount_curve"))
    canvas.set(TIMELINE, "keyframes", "0: 0, 1: 1, 2: 0")
    panel = canvas.panel("motionweave_camera")
    panel.get_by_label("Moment of the path").focus()
    canvas.page.keyboard.press("End")
    panel.get_by_text("Frame 95, 3.96 s: 1.00 from the subject").wait_for()


def test_a_hands_trembling_is_drawn_as_the_run_drew_it(canvas):
    canvas.render(False)
    canvas.place("EmptyImage", CAMERA, WARP, "PreviewImage")
    canvas.wire(("EmptyImage", 0, WARP, "image"), (CAMERA, 0, WARP, "camera"), (WARP, 0, "PreviewImage", "images"))
    for name in ("width", "height"):
        canvas.set("EmptyImage", name, 64)
    canvas.set(CAMERA, "preset", "handheld")
    canvas.set(CAMERA, "seconds", 0.5)
    panel = canvas.panel("motionweave_camera")
    panel.get_by_text("The trembling shows when this has run.").wait_for()
    canvas.queue()
    panel.get_by_text("12 cameras, 0.5 s").wait_for(timeout=RUN_LIMIT_MS)
    assert panel.locator(".dot").count() == 2 * 12
    canvas.set(CAMERA, "seed", 1)
    panel.get_by_text("The trembling shows when this has run.").wait_for()
    canvas.set(CAMERA, "seed", 0)
    panel.get_by_text("12 cameras, 0.5 s").wait_for()
    assert canvas.errors == []
