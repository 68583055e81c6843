"""The canvas draws a curve as Python reads it, and writes what Python reads."""

import random

import pytest

from motionweave import parse_curve
from motionweave.errors import InputError
from motionweave.tracks.timeline import EASINGS

CURVE = "curve/curve.js"


def random_text(draw: random.Random) -> str:
    times = sorted(draw.sample(range(1000), draw.randint(1, 6)))
    keys = [f"{time / 100}: {draw.uniform(-3, 3):.3f} {draw.choice([*EASINGS, ''])}" for time in times]
    return draw.choice([", ", "; ", "\n"]).join(keys)


def test_curves_have_the_values_that_python_gives_them_and_survive_being_written(javascript):
    draw = random.Random(11)
    texts = [random_text(draw) for _ in range(100)] + ["0.5", "0: 1,"]
    moments = [i * 0.11 for i in range(100)]
    body = """answer(given.texts.map((text) => { const { keys } = parseCurve(text);
    return [given.moments.map((t) => valueAt(keys, t)), writeCurve(keys)]; }));"""
    found = javascript({CURVE: "parseCurve, valueAt, writeCurve"}, body, {"texts": texts, "moments": moments})
    for text, (values, written) in zip(texts, found, strict=True):
        curve = parse_curve(text)
        assert values == pytest.approx([curve.at(t) for t in moments], abs=1e-9)
        assert parse_curve(written) == curve


def test_what_python_refuses_the_canvas_refuses(javascript):
    texts = ["", "a", "0: a", "0 1, 2", "0: 1 bounce", "1: 0, 1: 1", "2: 0, 1: 1", "-1: 0", "0: 1 ease ease"]
    found = javascript({CURVE: "parseCurve"}, "answer(given.map(parseCurve));", texts)
    for text, read in zip(texts, found, strict=True):
        assert read.get("error"), text
        with pytest.raises(InputError):
            parse_curve(text)
