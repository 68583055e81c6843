"""What holds for the manifest that the pack ships, whatever is added to it."""

import re

import pytest

from motionweave.weights.manifest import PACK_ROOT, load_manifest

MODELS = load_manifest().models
BUNDLED = [model for model in MODELS if model.bundled is not None]
FETCHED = [model for model in MODELS if model.repo is not None]
BY_HAND = [model for model in MODELS if model.page is not None]


def test_the_small_models_and_the_published_ones_are_listed():
    assert {"mini-svd", "mini-controlnet-pose", "svd", "svd-xt", "svd-xt-1.1", "temporal-controlnet-depth-svd"} <= {
        model.id for model in MODELS
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_each_model_says_what_may_be_done_with_it(model):
    assert model.licence_note.endswith(".")
    assert model.licence is not None or "all rights reserved" in model.licence_note


PICKLED = {"openpose", "mimicmotion-1", "mimicmotion-1.1", "stableanimator"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_each_model_says_which_node_takes_it_and_what_was_verified_and_how(model):
    assert model.node
    assert model.verified_by.endswith(".")
    assert model.verified == ("images seen" if model.bundled is not None else "layout only")


@pytest.mark.parametrize("model", FETCHED, ids=lambda model: model.id)
def test_weights_are_fetched_as_safetensors_or_onnx_and_as_pickles_only_where_nothing_else_is_published(model):
    suffixes = {file.path.rsplit(".", 1)[-1] for file in model.files}
    assert len(suffixes & {"safetensors", "onnx", "pth"}) == 1
    assert suffixes <= {"safetensors", "json", "onnx"} or model.id in PICKLED


@pytest.mark.parametrize("model", BY_HAND, ids=lambda model: model.id)
def test_a_model_that_is_on_no_hub_says_where_it_is_and_that_it_is_not_for_trade(model):
    assert model.page.startswith("https://")
    assert "non-commercial" in model.licence


@pytest.mark.parametrize("model", BUNDLED, ids=lambda model: model.id)
def test_what_is_said_to_be_bundled_is_there(model):
    if not (PACK_ROOT / "mini").is_dir():
        pytest.skip("this checkout carries no mini/ folder, so nothing is bundled")
    folder = model.bundled_path
    assert folder.is_dir(), f"{model.bundled} is missing"
    if not list(folder.rglob("*.onnx")):  # which is its own config
        assert list(folder.rglob("*.safetensors")), f"{model.bundled} holds no weights"
        # Spandrel reads an upscaler's shape off its weights.
        assert model.role == "upscaler" or list(folder.rglob("*.json")), f"{model.bundled} holds no config"


def test_all_bundled_models_together_stay_within_40_mb():
    folders = [model.bundled_path for model in BUNDLED]
    size = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    assert size <= 40 * 1024 * 1024


@pytest.mark.parametrize("model", BUNDLED, ids=lambda model: model.id)
def test_bundled_files_tell_nothing_of_the_machine_that_made_them(model):
    for file in model.bundled_path.rglob("*"):
        if file.suffix in (".json", ".onnx"):
            assert not re.search(rb"/(home|root|work|Users|tmp)/|site-packages", file.read_bytes()), file.name
