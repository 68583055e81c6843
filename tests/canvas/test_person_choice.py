"""Choose Person shows who the last run found, and a click keeps one of them."""

import json

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

LOAD, CHOOSE, DRAW = (f"MotionWeave{name}" for name in ("LoadPoseFile", "ChoosePerson", "DrawPose"))
RUN_LIMIT_MS = 300_000
STANDING = [
    (50, 14), (50, 26), (40, 26), (36, 40), (34, 54), (60, 26), (64, 40), (66, 54), (44, 56), (43, 74), (42, 92),
    (56, 56), (57, 74), (58, 92), (47, 12), (53, 12), (44, 14), (56, 14),
]  # fmt: skip


def frame(*figures: tuple[float, float]) -> dict:
    """One with a figure at each place, of each size."""
    people = [[value for x, y in STANDING for value in (x * size + at, y * size, 1.0)] for at, size in figures]
    return {"people": [{"pose_keypoints_2d": each} for each in people], "canvas_width": 200, "canvas_height": 100}


@pytest.fixture
def chosen(drawn):
    """Two people who were found: a small one on the left, the larger one on the right; at the end one alone."""
    people = [frame((100, 1.0), (10, 0.6)) for _ in range(4)] + [frame((100, 1.0))]
    drawn.page.evaluate(
        """async (people) => {
            const form = new FormData();
            form.append("image", new File([people], "motionweave-people.json"));
            form.append("overwrite", "true");
            await fetch("/upload/image", { method: "POST", body: form });
        }""",
        json.dumps(people),
    )
    drawn.place(LOAD, CHOOSE, DRAW, "PreviewImage")
    drawn.wire((LOAD, 0, CHOOSE, "pose"), (CHOOSE, 0, DRAW, "pose"), (DRAW, 0, "PreviewImage", "images"))
    drawn.set(LOAD, "file", "motionweave-people.json")
    for name in ("width", "height"):
        drawn.set(DRAW, name, 64)
    panel = drawn.panel("motionweave_people")
    panel.get_by_text("The people show when this has run.").wait_for()
    drawn.queue()
    panel.get_by_text("Kept: person 1 of 2, through the clip.").wait_for(timeout=RUN_LIMIT_MS)
    return drawn, panel


def test_the_film_lies_under_the_people_where_a_node_before_has_told_of_it(chosen):
    canvas, panel = chosen
    assert panel.locator("image").count() == 0
    canvas.page.evaluate(
        """(type) => {
            const told = app.nodeOutputs[app.graph.nodes.find((node) => node.type === type).id];
            told.motionweave_footage = [{ frames: [0], pictures: [told.images[0]] }];
        }""",
        LOAD,
    )
    panel.locator("image").wait_for(state="attached")
    assert panel.locator("image").evaluate("(image) => fetch(image.getAttribute('href')).then((reply) => reply.ok)")
    assert panel.get_by_role("radio").count() == 2


def test_a_click_and_the_keys_keep_a_person(chosen):
    canvas, panel = chosen
    people = panel.get_by_role("radio")
    assert [people.nth(i).get_attribute("aria-checked") for i in range(2)] == ["false", "true"]
    canvas.page.mouse.click(*canvas.centre(people.nth(0)))
    panel.get_by_text("Kept: person 2 of 2, through the clip.").wait_for()
    canvas.picture("canvas-people.jpg", CHOOSE)
    assert (canvas.prompt()[CHOOSE]["choice"], canvas.prompt()[CHOOSE]["index"]) == ("track", 1)
    canvas.page.wait_for_timeout(300)
    canvas.page.keyboard.press("ArrowRight")
    assert canvas.prompt()[CHOOSE]["index"] == 0
    canvas.set(CHOOSE, "choice", "all")
    panel.get_by_text("Everybody is kept").wait_for()
    canvas.set(CHOOSE, "choice", "index")
    panel.get_by_text("Kept: number 1 from the left").wait_for()
    canvas.page.mouse.click(*canvas.centre(people.nth(1)))
    assert (canvas.prompt()[CHOOSE]["choice"], canvas.prompt()[CHOOSE]["index"]) == ("index", 1)
    panel.get_by_label("Frame to look at").focus()
    canvas.page.keyboard.press("End")
    panel.get_by_text("Frame 4: 1 of 2 people").wait_for()
    assert [people.nth(i).get_attribute("aria-checked") for i in range(people.count())] == ["false"]
    canvas.set(CHOOSE, "choice", "largest")
    panel.get_by_text("Kept: the largest").wait_for()
    assert people.first.get_attribute("aria-checked") == "true"
    assert len(canvas.values()) == 4, "a key took a node away"
    assert canvas.errors == []
