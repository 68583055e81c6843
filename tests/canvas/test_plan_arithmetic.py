"""The canvas cuts the video into the chunks that the node cuts it into."""

import json
import random
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import pytest

from motionweave import BLENDS, CONTEXTS, Joining, plan_chunks
from motionweave.backbones.svd_facts import SVD_FACTS, SVD_XT_FACTS, facts_by_name, read_facts
from motionweave.errors import InputError

WINDOWS = "plan/windows.js"
MINI = Path(__file__).resolve().parents[2] / "mini/svd"
FACTS = {"svd": SVD_FACTS, "svd_xt": SVD_XT_FACTS, "mini-svd": read_facts(MINI)}
CUT = "return plan.error ? null : windowsOf(plan).map(({ start, stop, context }) => [start, stop, context]);"


def random_inputs(draw: random.Random) -> dict:
    return {
        "backbone": draw.choice(list(FACTS)), "frames": draw.randint(1, 300), "fps": draw.choice([0, 24, 12.5]),
        "chunk_frames": draw.choice([0, 0, draw.randint(1, 40)]), "overlap": draw.choice([-1, -1, draw.randint(0, 12)]),
        "context": draw.choice(["sequential", *CONTEXTS]), "blend": draw.choice(["auto", *BLENDS]),
        "fade": draw.choice([0, 0, 2, 9]), "reinject_every": draw.choice([0, 0, 3]),
        "border_reach": draw.choice([0, 2]),
    }  # fmt: skip


def planned(inputs: dict):
    """What nodes/weave.py makes of its inputs; None where they make no plan."""
    facts = FACTS[inputs["backbone"]]
    rate = Fraction(inputs["fps"]).limit_denominator(1001) if inputs["fps"] else facts.fps
    overlap = None if inputs["overlap"] < 0 else inputs["overlap"]
    joining = Joining(
        inputs["context"],
        inputs["blend"],
        inputs["fade"],
        inputs["reinject_every"],
        border_reach=inputs["border_reach"],
    )
    try:
        return plan_chunks(facts, inputs["frames"], rate, inputs["chunk_frames"], overlap, joining)
    except InputError:
        return None


def cut(plan) -> list[list[int]]:
    return [[window.start, window.stop, window.context] for window in plan.windows()]


def test_windows_are_those_of_python_and_what_makes_no_plan_there_makes_none_here(javascript):
    draw = random.Random(5)
    inputs = [random_inputs(draw) for _ in range(400)]
    body = f"answer(given.map((each) => {{ const plan = planOf(each, factsByName(each.backbone)); {CUT} }}));"
    found = javascript({WINDOWS: "planOf, windowsOf, factsByName"}, body, inputs)
    wanted = [None if (plan := planned(each)) is None else cut(plan) for each in inputs]
    assert sum(each is None for each in wanted) in range(20, 380)
    assert found == wanted


def test_a_plan_that_has_run_is_drawn_with_its_moved_borders(javascript):
    from dataclasses import replace

    even = plan_chunks(SVD_FACTS, 40, Fraction(30000, 1001), joining=Joining(border_reach=2))
    plan = replace(even, borders=(9, 20, 28))
    told = {**asdict(plan), "fps": str(plan.fps)}
    body = f"answer(((told) => {{ const plan = readPlan(told); {CUT} }})(given));"
    assert javascript({WINDOWS: "readPlan, windowsOf"}, body, told) == cut(plan)


def test_the_node_tells_the_canvas_what_it_planned(javascript):
    import torch

    from motionweave import load_backbone
    from motionweave.host import load_pack

    backbone = load_backbone(MINI, torch.float32)
    output = load_pack()["MotionWeavePlanChunks"].execute(backbone, 45, 0.0, 0, -1, context="fused", blend="cosine")
    told = json.loads(json.dumps(output.ui["motionweave_plan"][0]))
    body = f"answer(((told) => {{ const plan = readPlan(told); {CUT} }})(given));"
    assert javascript({WINDOWS: "readPlan, windowsOf"}, body, told) == cut(output.args[0])


@pytest.mark.parametrize("name", ["svd.safetensors", "svd_xt.safetensors", "sub/svd_xt_1_1.safetensors", "other.ckpt"])
def test_backbones_are_told_apart_by_name_as_in_python(javascript, name):
    found = javascript({WINDOWS: "factsByName"}, "answer(factsByName(given));", name)
    facts = facts_by_name(Path(name).stem)
    told = (found["window"], found["chunkFrames"], found["overlap"])
    assert told == (facts.window, facts.chunk_frames, facts.overlap)
    assert found["fps"] == facts.fps
