"""Training from the canvas: what the lists offer, what is refused, and that a queued training comes through."""

import shutil
from dataclasses import replace

import pytest
import torch
import yaml

from motionweave.controls import load_controlnet
from motionweave.errors import InputError
from motionweave.host import load_pack
from motionweave.host.context import running_on
from motionweave.runtime import Folders, LocalRuntime
from motionweave.train import tuning_loop
from motionweave.train.tune import TuneRequest, prepared_datasets, train_adapter, tuning_recipes


@pytest.fixture
def here(tmp_path, prepared_films, tiny_svd_folder, recipe, monkeypatch):
    """A host whose input folder has the films and a recipe, and whose models folder has the tiny backbone."""
    monkeypatch.setattr(tuning_loop, "HELD_OUT", 1)
    shutil.copytree(prepared_films, tmp_path / "input/films")
    shutil.copytree(tiny_svd_folder, tmp_path / "models/diffusers/tiny")
    made = recipe(loop={"steps": 2, "sample_every": 2}, dataset="films", backbone="tiny")
    (tmp_path / "input/mine.yaml").write_text(yaml.safe_dump(made.model_dump(mode="json"), sort_keys=False))
    (tmp_path / "input/vae.yaml").write_text("kind: vae\n")
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp", (tmp_path / "models",)))


def test_lists_offer_recipes_that_train_adapters_and_datasets_that_are_ready(here):
    found = tuning_recipes(here.folders)
    assert {"pose.yaml", "lora.yaml", "mini/own_pose.yaml", "input/mine.yaml"} <= set(found)
    assert not {"mini/vae.yaml", "input/vae.yaml"} & set(found)
    assert prepared_datasets(here.folders) == ("films",)


def test_a_training_queued_in_inference_mode_ends_where_the_loader_looks(here):
    seen = []
    with torch.inference_mode():
        made = train_adapter(
            TuneRequest("input/mine.yaml", name="queued", steps=3), replace(here, on_progress=seen.append)
        )
    assert made.path == here.folders.models[0] / "controlnet/queued"
    assert load_controlnet(made.path).net.controlnet_mid_block.weight.any()
    assert [each.step for each in seen] == [1, 2, 3]
    assert made.chart.shape[:2] == (1, 3) and made.samples.shape == (2, 3, 32, 64)
    assert made.report.startswith("# queued\n") and "Load ControlNet" in made.report
    assert (here.folders.output / "motionweave-training/queued/losses.csv").is_file()


def test_what_is_not_in_the_hosts_folders_is_refused_with_what_is(here):
    def refuses(match, **fields):
        with pytest.raises(InputError, match=match):
            train_adapter(TuneRequest(**{"recipe": "input/mine.yaml", **fields}), here)

    refuses("no recipe '../mine.yaml'; give one of .*lora.yaml", recipe="../mine.yaml")
    refuses("no dataset '../films', only films; .*dataset prepare", dataset="../films")
    refuses("no backbone 'svd', only .*tiny", backbone="svd")
    refuses("cannot be called '../out'", name="../out")
    text = (here.folders.input / "mine.yaml").read_text().replace("begin: ''", "begin: /etc/passwd")
    (here.folders.input / "mine.yaml").write_text(text)
    refuses("absolute path")


def test_the_node_offers_them_trains_and_shows_chart_samples_and_card(here):
    node = load_pack()["MotionWeaveTrainAdapter"]
    with running_on(here):
        recipe, dataset, backbone = node.GET_SCHEMA().inputs[:3]
        assert "input/mine.yaml" in recipe.options
        assert dataset.options == ["as the recipe says", "films"] and "tiny" in backbone.options
        made = node.execute("input/mine.yaml", "films", "as the recipe says", "", 1)
    name, chart, samples, report = made.result
    assert name == "tiny-pose" and (here.folders.models[0] / "controlnet" / name).is_dir()
    assert chart.shape[-1] == samples.shape[-1] == 3
    assert made.ui["text"] == (report,) and len(made.ui["images"]) == 3
