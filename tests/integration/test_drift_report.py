"""Every run tells what its chunks look like, and takes drift back without making anything again."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.controls import PoseControl
from motionweave.engine import MotionWeaveEngine
from motionweave.longform.drift import DriftSettings
from motionweave.longform.drift_rows import FILE
from motionweave.longform.plan import ChunkPlan
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size

SIZE, FPS = Size(32, 32), Fraction(7)


@pytest.fixture
def request_(tiny_backbone, tiny_controlnet, tmp_path):
    generator = torch.Generator().manual_seed(2)
    with torch.inference_mode():
        identity = tiny_backbone.encode_image(torch.rand(1, 3, 32, 32, generator=generator), SIZE, 0.0, 0)
    maps = torch.rand(9, 3, 32, 32, generator=generator)
    return Request(
        backbone=tiny_backbone,
        identity=identity,
        controls=(PoseControl(tiny_controlnet, PoseMapFrames(maps, FPS)),),
        plan=ChunkPlan(9, FPS, 3, 1, 4),
        options=DenoiseOptions(2, Guidance(1.0)),
        seed=1,
        folder=tmp_path / "run",
    )


def walk(request, tmp_path):
    engine = MotionWeaveEngine(request, LocalRuntime(Folders(tmp_path, tmp_path, tmp_path)))
    return engine, list(engine.generate())


def test_each_chunk_tells_colour_sharpness_likeness_and_seam(request_, tmp_path):
    engine, made = walk(request_, tmp_path)
    rows = [each.looks() for each in made]
    assert [set(row) for row in rows] == [{"lab", "deviation", "sharpness", "identity", "seam"}] * 3
    assert [row["seam"] is None for row in rows] == [True, False, False]
    assert all(-1 <= row["identity"] <= 1 for row in rows)
    assert json.loads(json.dumps(rows)) == rows
    assert len(engine.drift.rows()) == 3


def test_a_second_walk_makes_and_measures_nothing_and_tells_the_same(request_, tmp_path):
    _, first = walk(request_, tmp_path)
    before = (request_.folder / FILE).stat().st_mtime_ns
    _, second = walk(request_, tmp_path)
    assert all(each.reused for each in second)
    assert [each.measures for each in second] == [each.measures for each in first]
    told = json.loads((request_.folder / FILE).read_text())
    assert told["settings"] == {"strength": 0.0, "threshold": 1.0}
    assert before <= (request_.folder / FILE).stat().st_mtime_ns


def test_correction_is_switched_on_and_off_without_making_a_chunk_again(request_, tmp_path):
    engine, _ = walk(request_, tmp_path)
    plain = list(engine.store.frames())
    corrected, made = walk(replace(request_, drift=DriftSettings(1.0, 0.0)), tmp_path)
    assert all(each.reused for each in made)
    assert any(not torch.equal(*pair) for pair in zip(plain, corrected.store.frames(), strict=True))
    again, made = walk(request_, tmp_path)
    assert all(each.reused for each in made)
    assert all(torch.equal(*pair) for pair in zip(plain, again.store.frames(), strict=True))
