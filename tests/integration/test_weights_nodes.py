"""Single files, LoRAs and fine-tuned UNets, from the folders where artists have them to the backbone that draws."""

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.errors import InputError
from motionweave.host import load_pack
from motionweave.host.context import local_runtime, running_on
from motionweave.runtime import Folders

QUERY = "down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    files = {
        "loras/dance.safetensors": {
            f"unet.{QUERY}.lora_A.weight": torch.ones(2, 64),
            f"unet.{QUERY}.lora_B.weight": torch.ones(64, 2),
        },
        "loras/style.safetensors": {"lora_te_text_model.lora_down.weight": torch.zeros(1)},
        "unet/dance.safetensors": {f"{QUERY}.weight": torch.zeros(64, 64)},
        "checkpoints/sd.safetensors": {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1)},
    }  # fmt: skip
    for name, tensors in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        save_file(tensors, folder / name)
    return folder


@pytest.fixture(scope="module")
def run(models):
    nodes = load_pack()

    def execute(name, **inputs):
        with running_on(local_runtime(Folders(models, models, models, (models,)))):
            return nodes[f"MotionWeave{name}"].execute(**inputs)[0]

    return execute


@pytest.fixture(scope="module")
def backbone(run):
    return run("LoadBackbone", model="mini-svd")


def query(backbone):
    return backbone.unet.get_submodule(QUERY).weight


def test_the_lists_offer_what_fits_and_nothing_else(models):
    nodes = load_pack()
    with running_on(local_runtime(Folders(models, models, models, (models,)))):
        offered = {
            name: next(each.options for each in nodes[f"MotionWeave{name}"].GET_SCHEMA().inputs if each.id == input)
            for name, input in (("LoadLora", "lora"), ("LoadUNet", "model"), ("LoadBackbone", "model"))
        }
    assert offered["LoadLora"] == ["dance.safetensors"]
    assert offered["LoadUNet"] == ["dance.safetensors"]
    assert "mini-svd" in offered["LoadBackbone"]
    assert "sd.safetensors" not in offered["LoadBackbone"]


def test_a_lora_changes_the_weights_that_it_names_and_strength_0_changes_nothing(run, backbone):
    changed = run("LoadLora", backbone=backbone, lora="dance.safetensors", strength=0.5)
    assert torch.allclose(query(changed), query(backbone) + 1.0)
    assert changed.digest != backbone.digest
    assert run("LoadLora", backbone=backbone, lora="dance.safetensors", strength=0.0) is backbone


def test_a_fine_tuned_unet_brings_its_weights_and_what_it_takes_the_picture_for(run, backbone):
    changed = run("LoadUNet", backbone=backbone, model="dance.safetensors", image="first_frame", window=9)
    assert query(changed).abs().max() == 0
    assert query(backbone).abs().max() > 0
    assert (changed.facts.image_role, changed.facts.window) == ("first_frame", 9)
    same = run("LoadUNet", backbone=backbone, model="dance.safetensors", image="as the backbone", window=0)
    assert same.facts == backbone.facts


def test_a_file_of_another_kind_is_named_with_the_node_that_takes_it(run, backbone):
    with pytest.raises(InputError, match=r"sd\.safetensors seems to be .*ComfyUI's own Load Checkpoint"):
        run("LoadBackbone", model="sd.safetensors")
    with pytest.raises(InputError, match=r"style\.safetensors seems to be .*ComfyUI's own Load LoRA"):
        run("LoadLora", backbone=backbone, lora="style.safetensors", strength=1.0)


def test_the_command_line_says_what_a_file_is(models):
    done = CliRunner().invoke(app, ["models", "identify", str(models / "loras/dance.safetensors")])
    assert (done.exit_code, done.output) == (0, "dance.safetensors: a LoRA for SVD; Load LoRA (SVD)\n")
    gone = CliRunner().invoke(app, ["models", "identify", str(models / "gone.safetensors")])
    assert gone.exit_code == 2
