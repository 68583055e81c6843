"""LoRA by peft: what learns, how large it may be, and that the pack's own loader gives peft's very numbers."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from motionweave.backbones.svd_lora import load_lora
from motionweave.dataset.windows import Windows, stack_windows
from motionweave.errors import InputError, UnsupportedError
from motionweave.train import tuning_loop
from motionweave.train.tuning import Tuner, draw
from motionweave.train.tuning_build import build_learner
from motionweave.train.tuning_loop import train_tuning, window_spec
from motionweave.train.tuning_lora import attention_layers
from motionweave.train.tuning_recipe import LoraOptions
from motionweave.weights.identify import identify

pytest.importorskip("peft", reason="peft is not installed")


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch):
    monkeypatch.setattr(tuning_loop, "HELD_OUT", 1)


@pytest.fixture
def tuner(tiny_backbone):
    """Make tuners, each with a UNet of its own."""

    def make(made):
        backbone = replace(tiny_backbone, unet=copy.deepcopy(tiny_backbone.unet))
        return Tuner(backbone.unet, build_learner(backbone, made), made)

    return make


def window(made):
    return stack_windows([Windows(Path(made.dataset), window_spec(made, False))[0]])


def speaking(tuner):
    """Have every layer say something, as after training."""
    for name, parameter in tuner.trained().items():
        nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(len(name)))
    return tuner


def inputs(frames=2):
    torch.manual_seed(5)
    ids = torch.tensor([[6.0, 127.0, 0.0]])
    return torch.randn(1, frames, 8, 4, 4), torch.tensor(0.3), torch.randn(1, 1, 32), ids


@torch.no_grad()
def test_the_loader_gives_what_peft_gave(recipe, tuner, tiny_backbone, tmp_path):
    trained = speaking(tuner(recipe("lora", lora={"rank": 4, "alpha": 6})))
    path = trained.learner.write(tmp_path / "loras", "mine")
    assert path == tmp_path / "loras/mine.safetensors"
    assert identify(path).loader == "Load LoRA (SVD)"
    loaded = load_lora(tiny_backbone, path)
    expected, plain = trained.unet(*inputs()), tiny_backbone.unet(*inputs())
    torch.testing.assert_close(loaded.unet(*inputs()), expected, atol=1e-5, rtol=1e-5)
    assert (expected - plain).abs().max() > 0.01
    halved = load_lora(tiny_backbone, path, 0.5).unet(*inputs())
    assert not torch.allclose(halved, expected, atol=1e-3) and not torch.allclose(halved, plain, atol=1e-3)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_only_the_layers_of_the_lora_move_and_all_of_them_do(recipe, tuner, checkpointing):
    made = recipe("lora", lora={"rank": 2}, drop_image=0.0, context=0.0, checkpointing=checkpointing)
    learning = speaking(tuner(made))
    before = {name: value.clone() for name, value in learning.unet.state_dict().items()}
    optimizer = torch.optim.SGD(list(learning.trained().values()), 0.1)
    batch = window(made)
    learning(batch, draw(batch, made, torch.Generator().manual_seed(0))).backward()
    optimizer.step()
    moved = {name for name, value in learning.unet.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == set(learning.trained()) and all("lora_" in name for name in moved)
    assert sum(each.numel() for each in learning.trained().values()) < 0.1 * sum(
        each.numel() for each in learning.unet.parameters()
    )


def test_keeping_no_activations_changes_no_gradient(recipe, tuner):
    grads = []
    for checkpointing in (False, True):
        made = recipe("lora", checkpointing=checkpointing)
        learning, batch = speaking(tuner(made)), window(made)
        learning(batch, draw(batch, made, torch.Generator().manual_seed(0))).backward()
        grads.append({name: each.grad for name, each in learning.trained().items()})
    for name, value in grads[0].items():
        torch.testing.assert_close(value, grads[1][name], msg=name)


def test_targets_and_layers_are_the_recipes(tiny_backbone):
    whole = attention_layers(tiny_backbone.unet, LoraOptions())
    space = attention_layers(tiny_backbone.unet, LoraOptions(layers="spatial"))
    time = attention_layers(tiny_backbone.unet, LoraOptions(layers="temporal"))
    assert sorted(whole) == sorted(space + time) and space and not set(space) & set(time)
    assert all("temporal" in name for name in time) and not any("temporal" in name for name in space)
    values = attention_layers(tiny_backbone.unet, LoraOptions(targets=("to_v", "to_out")))
    assert values and all(name.endswith(("to_v", "to_out.0")) for name in values)
    # One token is read whatever is asked of it.
    assert not any(name.endswith(("attn2.to_q", "attn2.to_k")) for name in whole)


def test_a_lora_that_was_stopped_ends_bit_for_bit_as_one_that_was_not(recipe, whole_and_stopped):
    whole, stopped = whole_and_stopped(recipe("lora"))
    assert stopped.read_bytes() == whole.read_bytes()
    assert any(value.any() for name, value in load_file(whole).items() if "lora_B" in name)
    assert "held-out loss" in whole.with_suffix(".md").read_text()


def test_training_goes_on_from_a_lora_of_the_same_layers_alone(recipe, tuner, tmp_path):
    first = speaking(tuner(recipe("lora", lora={"rank": 2})))
    path = first.learner.write(tmp_path, "first")
    again = tuner(recipe("lora", lora={"rank": 2}, begin=str(path)))
    for name, value in first.trained().items():
        assert torch.equal(value, again.trained()[name])
    with pytest.raises(InputError, match="another rank"):
        tuner(recipe("lora", lora={"rank": 3}, begin=str(path)))


def test_what_is_no_small_lora_is_refused(recipe, tuner, monkeypatch):
    with pytest.raises(InputError, match=r"of the UNet's parameters; expected under 10%"):
        tuner(recipe("lora", lora={"rank": 64}))
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(UnsupportedError, match="pip install peft"):
        tuner(recipe("lora"))


def test_bf16_trains_weights_that_stay_in_float32(recipe, tmp_path, job):
    made = recipe("lora", precision="bf16", loop={"steps": 2})
    path = train_tuning(made, job(made, tmp_path))
    state = load_file(path)
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in state.values())
