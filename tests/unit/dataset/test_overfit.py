"""Recipes learn: on one window under one noise the loss falls below a twentieth."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from overfit import learns_by_heart

from motionweave.dataset.windows import Windows, stack_windows
from motionweave.train.tuning import Tuner, draw
from motionweave.train.tuning_build import build_learner
from motionweave.train.tuning_loop import window_spec
from motionweave.train.tuning_recipe import TuningRecipe

OVERFIT = [
    ("pose", 25, 5e-3),
    ("depth", 25, 5e-3),
    ("identity", 150, 5e-3),
    ("lora", 25, 2e-2),
    ("light", 150, 2e-2),
    ("camera", 150, 2e-2),
]


@pytest.mark.parametrize(("trains", "steps", "rate"), OVERFIT)
def test_one_window_is_learnt_by_heart_under_one_noise(prepared_films, tiny_backbone, trains, steps, rate):
    if trains == "lora":
        pytest.importorskip("peft", reason="peft is not installed")
    recipe = TuningRecipe(
        kind="tuning", trains=trains, name="tiny", dataset=str(prepared_films), frames=2, drop_image=0.0, context=0.0,
        control_widths=(16, 16, 16, 16), lora={"rank": 4, "alpha": 16}, loop={"steps": 1, "learning_rate": 1e-3},
    )  # fmt: skip
    backbone = replace(tiny_backbone, unet=copy.deepcopy(tiny_backbone.unet))
    tuner = Tuner(backbone.unet, build_learner(backbone, recipe), recipe)
    batch = stack_windows([Windows(Path(prepared_films), window_spec(recipe, False))[0]])
    draws = draw(batch, recipe, torch.Generator().manual_seed(0))
    assert learns_by_heart(list(tuner.trained().values()), rate, steps, lambda: tuner(batch, draws))
