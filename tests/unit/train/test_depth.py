"""What Mini's depth model learns from, and the files that it becomes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.marionette import FIRST_EVALUATION_SEED
from motionweave.tracks.depth_models import load_depth_folder
from motionweave.train.depth import SCALE, DepthStore, build_model, render_depth, train_depth
from motionweave.train.job import Job
from motionweave.train.loop import LoopOptions
from motionweave.train.recipe import DepthRecipe, read_recipe

RECIPE = DepthRecipe(
    kind="depth", characters=2, views=2, size=28, batch=2, width=12, layers=4, heads=2, mlp_ratio=2, neck=(4, 4, 8, 8),
    fusion=4, loop={"steps": 2, "learning_rate": 0.01},
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("depth")


@pytest.fixture(scope="module")
def store(folder):
    return DepthStore(folder, RECIPE)


def test_pictures_come_with_their_own_depth_and_are_rendered_once(folder, store):
    pictures, nearness = render_depth(1, 2, 28)
    assert np.array_equal(store.pictures[2:], pictures)
    assert np.array_equal(store.nearness[2:], nearness)
    metres = SCALE / nearness.astype(np.float32)
    assert metres.min() > 0.3
    assert metres.max() <= 50.1
    again = DepthStore(folder, RECIPE)
    assert np.array_equal(again.pictures, store.pictures)


def test_a_picture_is_mirrored_together_with_its_depth(store):
    _, found = store.sample(64, torch.Generator().manual_seed(0))
    known = torch.from_numpy(np.asarray(store.nearness, np.float32))
    known = torch.cat([known, known.flip(-1)])
    assert all((known == each).flatten(1).all(1).any() for each in found)


def test_evaluation_seeds_are_never_trained_on(tmp_path):
    with pytest.raises(InputError, match="evaluation"):
        DepthStore(tmp_path, RECIPE.model_copy(update={"characters": FIRST_EVALUATION_SEED + 1}))


def test_what_is_written_loads_as_a_published_model_does(tmp_path, folder, store):
    job = Job(LoopOptions(steps=2, learning_rate=0.01, warmup=1, bf16=False), tmp_path, folder, tmp_path / "run")
    model = load_depth_folder(train_depth(RECIPE, job), torch.float32)
    assert not model.metric
    assert model.inverse_depth(torch.zeros(1, 3, 28, 56, dtype=torch.uint8)).shape == (1, 28, 56)


def test_the_shipped_recipe_is_the_shipped_model():
    recipe = read_recipe(Path(__file__).parents[3] / "recipes" / "mini" / "depth.yaml")
    assert isinstance(recipe, DepthRecipe)
    shipped = load_depth_folder(Path(__file__).parents[3] / "mini" / "depth", torch.float32).module
    built = build_model(recipe)
    assert {k: v.shape for k, v in shipped.state_dict().items()} == {k: v.shape for k, v in built.state_dict().items()}
    assert sum(weight.numel() for weight in built.parameters()) < 1_200_000
