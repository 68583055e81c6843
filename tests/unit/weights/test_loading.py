"""Weights come from the right folder, whole, or not at all."""

import json
import shutil

import pytest
import torch

from motionweave.backbones.svd_facts import SVD_XT_FACTS, read_facts
from motionweave.backbones.svd_files import load_svd
from motionweave.errors import InputError, MissingModelError
from motionweave.types import Size
from motionweave.weights.loading import FINGERPRINT_BYTES, fingerprint


@pytest.fixture
def copy(tiny_svd_folder, tmp_path):
    return shutil.copytree(tiny_svd_folder, tmp_path / "svd")


def test_what_is_loaded_is_what_was_saved_and_is_not_for_training(tiny_backbone, tiny_svd_folder):
    from safetensors.torch import load_file

    saved = load_file(tiny_svd_folder / "unet/diffusion_pytorch_model.safetensors")
    state = tiny_backbone.unet.state_dict()
    assert state.keys() == saved.keys()
    assert all(torch.equal(state[name], value) for name, value in saved.items())
    for module in (tiny_backbone.denoiser, tiny_backbone.autoencoder, tiny_backbone.image_encoder):
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())


def test_precision_is_part_of_the_digest(tiny_backbone, tiny_svd_folder):
    half = load_svd(tiny_svd_folder, torch.bfloat16)
    assert half.unet.dtype == torch.bfloat16
    assert half.digest != tiny_backbone.digest
    assert load_svd(tiny_svd_folder).digest == tiny_backbone.digest


@pytest.mark.parametrize(
    "part", ["unet/config.json", "feature_extractor/preprocessor_config.json", "scheduler/scheduler_config.json"]
)
def test_a_missing_part_is_named(copy, part):
    (copy / part).unlink()
    with pytest.raises(MissingModelError, match=part):
        load_svd(copy)


def test_missing_weights_are_said(copy):
    (copy / "unet/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(MissingModelError, match="SVDUNet could not be loaded"):
        load_svd(copy)


@pytest.mark.parametrize(
    ("part", "kept"),
    [("unet/diffusion_pytorch_model", "conv_in.weight"), ("image_encoder/model", "visual_projection.weight")],
)
def test_weights_that_are_missing_or_left_over_are_listed_and_never_random(copy, part, kept):
    from safetensors.torch import load_file, save_file

    path = copy / f"{part}.safetensors"
    tensors = load_file(path)
    tensors["surprise.weight"] = tensors.pop(kept)
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(InputError, match=rf"1 missing: {kept}; 1 not expected: surprise.weight"):
        load_svd(copy)


def test_half_precision_files_of_a_variant_are_found(copy, tiny_backbone):
    for path in copy.rglob("*.safetensors"):
        path.rename(path.with_suffix(".fp16.safetensors"))
    loaded = load_svd(copy).unet.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in tiny_backbone.unet.state_dict().items())


@pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "image_encoder/model"])
def test_weights_that_were_cut_off_are_said(copy, part):
    path = copy / f"{part}.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises((InputError, MissingModelError), match=path.parent.name):
        load_svd(copy)


def test_a_config_of_other_sizes_is_said(copy):
    path = copy / "unet/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cross_attention_dim": 64}))
    with pytest.raises(InputError, match=r"config\.json"):
        load_svd(copy)


def test_another_kind_of_unet_is_named(copy):
    path = copy / "unet/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"_class_name": "UNet2DConditionModel"}))
    shutil.rmtree(copy / "image_encoder")  # which such models lack: that would say nothing to a person
    with pytest.raises(InputError, match=r"UNet2DConditionModel.*ComfyUI's own"):
        load_svd(copy)


def test_facts_of_a_folder_overrule_those_of_svd_xt(copy):
    facts = read_facts(copy)
    assert (facts.name, facts.window, facts.size) == ("tiny", 4, Size(32, 32))
    assert facts.latent_channels == SVD_XT_FACTS.latent_channels
    (copy / "motionweave.json").unlink()
    assert read_facts(copy) == SVD_XT_FACTS
    (copy / "motionweave.json").write_text('{"windoe": 3}')
    with pytest.raises(InputError, match="windoe"):
        read_facts(copy)


@pytest.mark.parametrize("place", [0, 3_000_000, -1])
def test_a_changed_weights_file_has_another_fingerprint(tmp_path, place):
    data = bytearray(4 << 20)
    data[place] = 1
    (tmp_path / "a.safetensors").write_bytes(bytes(4 << 20) + b"\0")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    if abs(place) < FINGERPRINT_BYTES:
        (tmp_path / "a.safetensors").write_bytes(bytes(data) + b"\0")
        assert fingerprint(tmp_path) != before
    (tmp_path / "a.safetensors").write_bytes(data)
    assert fingerprint(tmp_path) != before


def test_names_and_configs_count_and_other_files_do_not(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    before = fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert fingerprint(tmp_path) == before
    (tmp_path / "config.json").write_text('{"a": 1}')
    assert fingerprint(tmp_path) != before
