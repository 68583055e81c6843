from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from motionweave.errors import InputError
from motionweave.train.job import Job
from motionweave.train.loop import LoopOptions
from motionweave.train.recipe import LoopRecipe, UpscalerRecipe, read_recipe
from motionweave.train.upscaler import PairStore, render_pair, train_upscaler
from motionweave.types import float_pixels
from motionweave.upscale.model import load_upscale_model

ROOT = Path(__file__).parents[3]
RECIPE = UpscalerRecipe(
    kind="upscaler", vae="svd/vae", characters=2, frames=2, size=32, crop=16, batch=4, width=8, layers=1,
    loop=LoopRecipe(steps=2, learning_rate=0.01),
)  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Pictures that were made already: the large ones repeat the small ones' pixels."""
    folder = tmp_path / "pairs-2x2-32"
    folder.mkdir()
    soft = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    soft.tofile(folder / "soft.u8")
    soft.repeat(2, -1).repeat(2, -2).tofile(folder / "sharp.u8")
    (folder / "done.json").write_text(json.dumps({}))
    return tmp_path


def test_the_same_moment_is_rendered_small_and_large() -> None:
    small, large = (float_pixels(torch.from_numpy(part)) for part in render_pair(5, 2, 64))
    assert (small.shape, large.shape) == ((2, 3, 64, 64), (2, 3, 128, 128))
    assert (F.avg_pool2d(large, 2) - small).abs().mean() < 0.01
    assert (small[0] - small[1]).abs().max() > 0.05


def test_squares_of_both_sizes_show_the_same_place(cache: Path) -> None:
    soft, sharp = PairStore(cache, RECIPE, vae=None).sample(8, 16, torch.Generator().manual_seed(0))
    assert (soft.shape, sharp.shape) == ((8, 3, 16, 16), (8, 3, 32, 32))
    assert torch.equal(F.interpolate(soft, scale_factor=2), sharp)
    assert len(torch.unique(soft.flatten(1), dim=0)) == 8


def test_training_writes_a_small_file_that_spandrel_knows(cache: Path, tmp_path: Path) -> None:
    vae = tmp_path / "out/svd"
    vae.mkdir(parents=True)
    (vae / "vae").symlink_to(ROOT / "mini/svd/vae")
    path = train_upscaler(RECIPE, Job(LoopOptions(2, 0.01), tmp_path / "out", cache, tmp_path / "run"))
    model = load_upscale_model(path)
    assert (model.scale, model.descriptor.architecture.id) == (2, "Compact")
    assert path.stat().st_size < 100_000


def test_seeds_of_the_evaluation_are_refused_and_the_committed_recipe_is_right(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="evaluation range"):
        PairStore(tmp_path, RECIPE.model_copy(update={"characters": 1_000_001}), vae=None)
    recipe = read_recipe(ROOT / "recipes/mini/upscaler.yaml")
    assert isinstance(recipe, UpscalerRecipe) and recipe.crop <= recipe.size
