"""What is rendered is made once, and from seeds for training alone; every shipped recipe can be read."""

from pathlib import Path

import numpy as np
import pytest

from motionweave.errors import InputError
from motionweave.train.data import ClipStore, render_sample
from motionweave.train.recipe import DataRecipe, read_recipe
from motionweave.train.rendered import kept, training_seeds

FILES = {"pairs.f32": (2,), "numbers.u8": ()}


def parts(count):
    yield from ((np.full((2, 2), part), [part, part + 1]) for part in range(count))


def broken():
    yield next(parts(1))
    raise MemoryError


def test_what_was_not_finished_is_made_again_and_what_was_is_only_read(tmp_path):
    folder = tmp_path / "made"
    with pytest.raises(MemoryError):
        kept(folder, 4, FILES, broken())
    pairs, numbers = kept(folder, 4, FILES, parts(2))
    again = kept(folder, 4, FILES, broken())
    for pair, number in ((pairs, numbers), again):
        assert pair.tolist() == [[0, 0], [0, 0], [1, 1], [1, 1]]
        assert number.tolist() == [0, 1, 1, 2]
    assert not again[0].flags.writeable


def test_too_little_is_not_taken_for_everything(tmp_path):
    with pytest.raises(AssertionError):
        kept(tmp_path, 6, FILES, parts(2))
    assert not (tmp_path / "done.json").exists()


def test_the_last_seed_before_those_of_the_evaluation_is_the_last_for_training():
    assert training_seeds(2, 999_998) == range(999_998, 1_000_000)
    with pytest.raises(InputError, match="999999 to 1000000 reach into the evaluation range"):
        training_seeds(2, 999_999)


def test_a_clip_is_kept_with_its_poses_and_its_rate(tmp_path):
    store = ClipStore(tmp_path, DataRecipe(clips=2, frames=2, size=16, first_seed=3))
    for index in range(2):
        pictures, poses, fps = render_sample(3 + index, 2, 16)
        assert np.array_equal(store.pictures[index], pictures)
        assert np.array_equal(store.poses[index], poses)
        assert store.fps[index] == fps
    with pytest.raises(InputError, match="evaluation range"):
        ClipStore(tmp_path, DataRecipe(clips=2, frames=2, size=16, first_seed=999_999))


def test_every_shipped_recipe_can_be_read():
    folder = Path(__file__).parents[3] / "recipes" / "mini"
    kinds = {path.stem: read_recipe(path).kind for path in folder.glob("*.yaml")}
    assert kinds["upscaler"] == "upscaler"
    assert len(kinds) >= 14
