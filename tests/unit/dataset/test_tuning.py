"""Tuning recipes on prepared films: what learns, what does not, and that a stop changes nothing."""

import copy
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import nn

from motionweave.controls import load_controlnet
from motionweave.controls.adapters import load_adapter, load_reference_net
from motionweave.dataset.prepare import prepare
from motionweave.dataset.windows import Windows, stack_windows
from motionweave.errors import InputError, MissingModelError, UnsupportedError
from motionweave.media import read_clip
from motionweave.runtime import Folders, LocalRuntime
from motionweave.train import tuning_loop
from motionweave.train.recipe import read_recipe
from motionweave.train.run import run_recipe
from motionweave.train.tuning import Tuner, draw, level_weight
from motionweave.train.tuning_build import build_learner
from motionweave.train.tuning_loop import train_tuning, window_spec
from motionweave.train.tuning_recipe import TuningRecipe

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch):
    monkeypatch.setattr(tuning_loop, "HELD_OUT", 2)


def weights(folder):
    return (folder / "diffusion_pytorch_model.safetensors").read_bytes()


@pytest.mark.parametrize("trains", ["pose", "identity", "light", "camera"])
def test_a_training_that_was_stopped_ends_bit_for_bit_as_one_that_was_not(recipe, tmp_path, trains, whole_and_stopped):
    whole, stopped = whole_and_stopped(recipe(trains, loop={"accumulate": 2 if trains == "pose" else 1}))
    assert weights(stopped) == weights(whole)
    first, second = (torch.load(tmp_path / name / "run/state.pt", weights_only=True) for name in ("whole", "stopped"))
    for name, value in first["trained"].items():
        assert torch.equal(value, second["trained"][name]), name


def test_the_loaders_take_what_was_trained_and_held_out_loss_is_in_the_card(recipe, tmp_path, tiny_backbone, job):
    for trains in ("pose", "identity", "light", "camera"):
        made = recipe(trains, loop={"steps": 1})
        folder = train_tuning(made, job(made, tmp_path / trains))
        assert "held-out loss" in (folder / "README.md").read_text()
        assert "held_out" in (tmp_path / trains / "run/losses.csv").read_text()
        if trains == "pose":
            assert load_controlnet(folder).style == "openpose"
            begun = build_learner(tiny_backbone, recipe(begin=str(folder))).net
            assert begun.controlnet_mid_block.weight.any()
        elif trains == "identity":
            assert load_reference_net(folder, tiny_backbone).net.readers
        else:
            net = load_adapter(folder, kind=f"{trains.title()}Encoder").net
            begun = build_learner(tiny_backbone, recipe(trains, begin=str(folder))).net
            assert all(torch.equal(value, begun.state_dict()[name]) for name, value in net.state_dict().items())


def tuner_and_batch(recipe, backbone, made):
    tuner = Tuner(copy.deepcopy(backbone.unet), build_learner(backbone, made), made)
    # As after a first step: silent ends pass nothing back to what comes before them.
    for parameter in tuner.trained().values():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    windows = Windows(Path(made.dataset), window_spec(made, False))
    return tuner, stack_windows([windows[0], windows[1]])


NAMED = {
    "pose": {"conv_in", "down_blocks", "mid_block", "controlnet_cond_embedding", "controlnet_mid_block"},
    "depth": {"conv_in", "down_blocks", "mid_block", "controlnet_cond_embedding", "controlnet_mid_block"},
    "identity": {"conv_in", "readers", "down_blocks", "mid_block", "up_blocks"},
    "light": {"trunk", "to_style", "to_tokens", "norm", "attention"},
    "camera": {"conv_in", "stages", "down", "mid"},
}
"""What each recipe trains, by the first word of its parameters' names."""


@pytest.mark.parametrize("trains", NAMED)
def test_only_what_the_recipe_names_moves(recipe, tiny_backbone, trains):
    made = recipe(trains, drop_image=0.0, context=0.0)
    tuner, batch = tuner_and_batch(recipe, tiny_backbone, made)
    before = {name: value.clone() for name, value in tuner.state_dict().items()}
    optimizer = torch.optim.SGD(list(tuner.trained().values()), 0.1)
    tuner(batch, draw(batch, made, torch.Generator().manual_seed(0))).backward()
    optimizer.step()
    moved = {name for name, value in tuner.state_dict().items() if not torch.equal(value, before[name])}
    assert moved <= {f"net.{name}" for name in tuner.trained()}
    parts = {name.split(".")[1] for name in moved}
    assert parts >= NAMED[trains]
    if trains == "identity":
        assert parts == NAMED[trains]
        assert all("attn1" in name or "conv_in" in name for name in moved if "readers" not in name)
        assert not any("temporal" in name for name in moved)


def test_keeping_no_activations_changes_no_gradient(recipe, tiny_backbone):
    grads = []
    for checkpointing in (False, True):
        made = recipe(checkpointing=checkpointing)
        tuner, batch = tuner_and_batch(recipe, tiny_backbone, made)
        torch.manual_seed(0)
        for parameter in tuner.trained().values():
            nn.init.normal_(parameter, std=0.02)
        tuner(batch, draw(batch, made, torch.Generator().manual_seed(0))).backward()
        grads.append({name: value.grad for name, value in tuner.trained().items()})
    for name, value in grads[0].items():
        if value is not None:
            torch.testing.assert_close(value, grads[1][name], msg=name)


def test_checkpointing_is_refused_where_it_would_be_wrong(recipe):
    for trains in ("identity", "speech", "light"):
        with pytest.raises(ValueError, match=f"does not go with {trains}"):
            recipe(trains, checkpointing=True)


def test_min_snr_counts_noise_levels_as_published(recipe):
    sigma = torch.tensor([0.1, 1.0, 10.0])
    snr = [100.0, 1.0, 0.01]
    expected = torch.tensor([min(each, 5.0) / (each + 1) for each in snr])
    torch.testing.assert_close(level_weight(sigma, recipe(weighting="min_snr")), expected)
    assert level_weight(sigma, recipe()).eq(1).all()


def test_what_does_not_fit_is_refused_before_training(recipe, tmp_path, job, write_film, how, runtime):
    made = recipe(loop={"steps": 1})
    train_tuning(made, job(made, tmp_path))
    other = recipe(loop={"steps": 1, "batch": 2})
    with pytest.raises(InputError, match="another recipe"):
        train_tuning(other, job(other, tmp_path))
    write_film(tmp_path / "plain/videos/a.mp4", [(1.0, 0.1, 0.1)])
    prepare(tmp_path / "plain", how, runtime)
    for trains, advice in (("depth", "--depth"), ("light", "has a light; name light"), ("camera", "has a camera;")):
        plain = recipe(trains, dataset=str(tmp_path / "plain"))
        with pytest.raises(InputError, match=advice):
            train_tuning(plain, job(plain, tmp_path / trains))


def test_the_recipes_that_are_shipped_are_read():
    found = {path.stem: read_recipe(path) for path in (ROOT / "recipes").glob("*.yaml")}
    assert found.keys() == {"pose", "depth", "identity", "lora", "speech", "light", "camera"}
    assert all(isinstance(made, TuningRecipe) and made.trains == name for name, made in found.items())


def test_every_line_of_the_recipes_for_own_footage_says_what_it_does():
    for path in (ROOT / "recipes").glob("*.yaml"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        assert all("  # " in line for line in lines), path.name


def test_frame_rates_are_checked_with_the_recipe(recipe):
    assert window_spec(recipe(fps=(12, "30000/1001")), True).fps == (12, Fraction(30000, 1001))
    for wrong in ("fast", 0, "1/0"):
        with pytest.raises(ValueError, match="frame rate"):
            recipe(fps=(wrong,))


def test_a_recipe_is_run_from_its_file(recipe, tmp_path):
    made = recipe(loop={"steps": 9})
    path = tmp_path / "mine.yaml"
    path.write_text(made.model_dump_json())  # JSON is YAML
    folder = run_recipe(path, tmp_path / "out", tmp_path / "cache", steps=1)
    assert folder == tmp_path / "out/tiny-pose" and (tmp_path / "cache/run-mine/state.pt").is_file()


def test_samples_beside_the_truth_and_figures_of_them_are_kept(recipe, tmp_path, job, runtime):
    seen = []
    for trains in ("pose", "camera"):
        made = recipe(trains, loop={"steps": 2, "sample_every": 1})
        given = replace(job(made, tmp_path / trains), runtime=replace(runtime, on_progress=seen.append))
        folder = train_tuning(made, given)
        videos = sorted(path.name for path in (tmp_path / trains / "run/samples").iterdir())
        assert videos == [f"step-{step:06d}-{window}.mp4" for step in (1, 2) for window in (0, 1)]
        frames = read_clip(tmp_path / trains / "run/samples" / videos[0])
        assert frames.shape == (2, 3, 32, 64)
        names = {row.split(",")[1] for row in (tmp_path / trains / "run/losses.csv").read_text().split()}
        assert names == {"loss", "held_out", "psnr_db", "ssim"}
        assert "PSNR" in (folder / "README.md").read_text()
    assert [each.step for each in seen] == [1, 2, 1, 2] and seen[0].step_count == 2
    assert seen[0].preview.shape == (3, 32, 64)


def test_training_goes_on_from_a_model_by_the_name_that_its_loader_lists(recipe, tmp_path, job, tiny_controlnet_folder):
    models = tmp_path / "models"
    shutil.copytree(tiny_controlnet_folder, models / "controlnet/tiny")
    here = LocalRuntime(Folders(tmp_path, tmp_path, tmp_path, (models,)))
    made = recipe(begin="tiny", loop={"steps": 1, "learning_rate": 1e-9})
    folder = train_tuning(made, replace(job(made, tmp_path), runtime=here))
    first, last = (load_controlnet(each).net.state_dict() for each in (tiny_controlnet_folder, folder))
    for name, value in first.items():
        torch.testing.assert_close(last[name], value, atol=1e-2, rtol=1e-2)
    with pytest.raises(MissingModelError, match="Known here are"):
        lost = recipe(begin="lost")
        train_tuning(lost, replace(job(lost, tmp_path / "lost"), runtime=here))


def test_looking_changes_nothing_of_what_is_learnt(recipe, tmp_path, job):
    blind, looking = recipe(loop={"measure_every": 9}), recipe(loop={"measure_every": 1, "sample_every": 2})
    made = [weights(train_tuning(each, job(each, tmp_path / str(i)))) for i, each in enumerate((blind, looking))]
    assert made[0] == made[1]


def test_whoever_stops_a_training_between_two_steps_loses_none(recipe, tmp_path, job, runtime):
    made = recipe(loop={"save_every": 100})

    class StoppedError(Exception):
        pass

    def stop(progress):
        if progress.step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_tuning(made, replace(job(made, tmp_path), runtime=replace(runtime, on_progress=stop)))
    assert torch.load(tmp_path / "run/state.pt", weights_only=True)["step"] == 3
    train_tuning(made, job(made, tmp_path))
    steps = [int(row.split(",")[0]) for row in (tmp_path / "run/losses.csv").read_text().split() if ",loss," in row]
    assert steps == [0, 3]


def test_a_loss_that_is_no_number_ends_the_training_with_its_last_good_step_kept(recipe, tmp_path, job):
    made = recipe(loop={"steps": 9, "save_every": 1, "learning_rate": 1e30, "clip_norm": 1e30, "ema": 0.0})
    with pytest.raises(InputError, match="lower loop"):
        train_tuning(made, job(made, tmp_path))
    assert not (tmp_path / made.name).exists()


def test_trackers_are_told_and_those_that_are_missing_are_named(recipe, tmp_path, job):
    with pytest.raises(InputError, match="accelerate knows"):
        made = recipe(trackers=("tensorbord",))
        train_tuning(made, job(made, tmp_path))
    with pytest.raises(UnsupportedError, match="pip install aim"):
        made = recipe(trackers=("aim",))
        train_tuning(made, job(made, tmp_path))
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    made = recipe(trackers=("tensorboard",), loop={"steps": 1})
    train_tuning(made, job(made, tmp_path / "told"))
    assert list((tmp_path / "told/run/tiny-pose").glob("events.out.tfevents.*"))
