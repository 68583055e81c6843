"""A LoRA does what its factors say, in every key format, and leaves the backbone it was given as it was."""

import json
import re

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from motionweave.backbones.svd_lora import load_lora
from motionweave.errors import InputError, UnsupportedError

SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
TEMPORAL = "up_blocks.1.attentions.1.temporal_transformer_blocks.0.attn2.to_out.0"
CONVOLUTION = "down_blocks.0.resnets.0.temporal_res_block.conv1"
RANK = 2


@pytest.fixture(scope="module")
def factors(tiny_backbone):
    """Down and up of three layers: attention in space, attention in time, and a convolution over time."""
    torch.manual_seed(0)
    made = {}
    for layer in (SPATIAL, TEMPORAL, CONVOLUTION):
        shape = tiny_backbone.unet.get_submodule(layer).weight.shape
        kernel = (1,) * (len(shape) - 2)
        made[layer] = (torch.randn(RANK, *shape[1:]), torch.randn(shape[0], RANK, *kernel))
    return made


def peft(factors):
    return {
        f"{layer}.lora_{letter}.weight": value
        for layer, pair in factors.items()
        for letter, value in zip("AB", pair, strict=True)
    }


def in_unet(factors):
    return {f"unet.{name}": value for name, value in peft(factors).items()}


def of_a_wrapped_model(factors):
    return {f"base_model.model.{name}": value for name, value in peft(factors).items()}


def of_svd_xtend(factors):
    return {
        f"unet.{layer}.lora.{way}.weight": value
        for layer, pair in factors.items()
        for way, value in zip(("down", "up"), pair, strict=True)
    }


def of_kohya(factors):
    made = {
        f"lora_unet_{layer.replace('.', '_')}.lora_{way}.weight": value
        for layer, pair in factors.items()
        for way, value in zip(("down", "up"), pair, strict=True)
    }
    return made | {
        name.replace("lora_down.weight", "alpha"): torch.tensor(float(RANK)) for name in made if "lora_down" in name
    }


def of_processors(factors):
    """Older diffusers kept attention's LoRAs in its processors; convolutions had none there."""
    made = {}
    for layer, pair in factors.items():
        if layer == CONVOLUTION:
            made |= peft({layer: pair})
            continue
        old = re.sub(r"\.(to_\w+)(\.0)?$", r".processor.\1_lora", layer)
        made |= {f"{old}.{way}.weight": value for way, value in zip(("down", "up"), pair, strict=True)}
    return made


def by_sgm_names(factors):
    names = {
        SPATIAL: "input_blocks.1.1.transformer_blocks.0.attn1.to_q",
        TEMPORAL: "output_blocks.3.1.time_stack.0.attn2.to_out.0",
        CONVOLUTION: "input_blocks.1.0.time_stack.in_layers.2",
    }
    return {
        f"diffusion_model.{name}": value
        for name, value in peft({names[layer]: pair for layer, pair in factors.items()}).items()
    }


FORMATS = (peft, in_unet, of_a_wrapped_model, of_svd_xtend, of_kohya, of_processors, by_sgm_names)


@pytest.fixture
def saved(factors, tmp_path):
    def save(form=peft, metadata=None, extra=None):
        path = tmp_path / "motion.safetensors"
        save_file(form(factors) | (extra or {}), path, metadata)
        return path

    return save


def weight(backbone, layer):
    return backbone.unet.get_submodule(layer).weight


@pytest.mark.parametrize("form", FORMATS)
def test_every_key_format_changes_the_weights_by_up_times_down(tiny_backbone, factors, saved, form):
    loaded = load_lora(tiny_backbone, saved(form), 0.5)
    for layer, (down, up) in factors.items():
        before = weight(tiny_backbone, layer)
        change = 0.5 * (up.flatten(1) @ down.flatten(1)).view(before.shape)
        assert torch.allclose(weight(loaded, layer), before + change, atol=1e-6)


def test_layers_answer_as_if_the_factors_ran_beside_them(tiny_backbone, factors, saved):
    loaded = load_lora(tiny_backbone, saved(), 0.7)
    down, up = factors[SPATIAL]
    tokens = torch.randn(3, down.shape[1])
    expected = tiny_backbone.unet.get_submodule(SPATIAL)(tokens) + 0.7 * tokens @ down.T @ up.T
    assert torch.allclose(loaded.unet.get_submodule(SPATIAL)(tokens), expected, atol=1e-5)
    down, up = factors[CONVOLUTION]
    frames = torch.randn(1, down.shape[1], 4, 2, 2)
    beside = F.conv3d(F.conv3d(frames, down, padding=(1, 0, 0)), up)
    expected = tiny_backbone.unet.get_submodule(CONVOLUTION)(frames) + 0.7 * beside
    assert torch.allclose(loaded.unet.get_submodule(CONVOLUTION)(frames), expected, atol=1e-4)


def test_the_given_backbone_stays_and_what_is_not_changed_is_shared(tiny_backbone, factors, saved):
    before = {name: value.clone() for name, value in tiny_backbone.unet.state_dict().items()}
    loaded = load_lora(tiny_backbone, saved(), 1.0)
    after = tiny_backbone.unet.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    for name, value in loaded.unet.state_dict().items():
        shared = value.data_ptr() == after[name].data_ptr()
        assert shared != (name.removesuffix(".weight") in factors), name
    assert (loaded.vae, loaded.vision) == (tiny_backbone.vae, tiny_backbone.vision)
    assert loaded.features is not tiny_backbone.features
    assert not loaded.unet.training


def test_strength_0_is_the_backbone_itself_and_every_other_one_has_its_own_digest(tiny_backbone, saved):
    path = saved()
    assert load_lora(tiny_backbone, path, 0.0) is tiny_backbone
    digests = {
        tiny_backbone.digest,
        *(load_lora(tiny_backbone, path, strength).digest for strength in (0.5, 1.0, -1.0)),
    }
    assert len(digests) == 4
    with pytest.raises(InputError, match="nan"):
        load_lora(tiny_backbone, path, float("nan"))


def test_loras_go_on_top_of_one_another_and_a_negative_one_takes_its_own_back(tiny_backbone, saved):
    path = saved()
    back = load_lora(load_lora(tiny_backbone, path, 0.5), path, -0.5)
    assert torch.allclose(weight(back, SPATIAL), weight(tiny_backbone, SPATIAL), atol=1e-6)


def test_alpha_over_rank_scales_it_wherever_alpha_is_told(tiny_backbone, factors, saved):
    down, up = factors[SPATIAL]
    half = weight(tiny_backbone, SPATIAL) + 0.5 * up @ down
    told = {f"{SPATIAL}.alpha": torch.tensor(RANK / 2)}
    assert torch.allclose(weight(load_lora(tiny_backbone, saved(extra=told)), SPATIAL), half, atol=1e-6)
    metadata = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": RANK / 2, "unet.r": RANK})}
    assert torch.allclose(weight(load_lora(tiny_backbone, saved(metadata=metadata)), SPATIAL), half, atol=1e-6)
    beside = saved().rename(saved().with_name("adapter_model.safetensors"))
    beside.with_name("adapter_config.json").write_text(json.dumps({"lora_alpha": RANK / 2}))
    assert torch.allclose(weight(load_lora(tiny_backbone, beside), SPATIAL), half, atol=1e-6)
    beside.with_name("adapter_config.json").write_text(json.dumps({"lora_alpha": 1, "use_rslora": True}))
    with pytest.raises(UnsupportedError, match="use_rslora"):
        load_lora(tiny_backbone, beside)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held.pop(f"{SPATIAL}.lora_B.weight"), rf"1 missing: {SPATIAL}'s up"),
        (
            lambda held: held.update({"mid_block.lora_magnitude_vector": torch.ones(1)}),
            "1 not expected: mid_block.lora_mag",
        ),
        (
            lambda held: held.update(peft({"other.layer": (torch.ones(2, 3), torch.ones(3, 2))})),
            "1 not expected: other.layer",
        ),
        (lambda held: held.update({f"{SPATIAL}.lora_A.weight": torch.ones(2, 5)}), f"1 of another shape: {SPATIAL}"),
        (lambda held: held.update({f"{SPATIAL}.lora_A.weight": torch.ones(2)}), f"1 of another shape: {SPATIAL}"),
    ],
)
def test_what_does_not_fit_is_listed(tiny_backbone, factors, tmp_path, change, message):
    held = peft(factors)
    change(held)
    save_file(held, tmp_path / "motion.safetensors")
    with pytest.raises(InputError, match=message):
        load_lora(tiny_backbone, tmp_path / "motion.safetensors")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("transformer.single_transformer_blocks.0.attn.to_q", "a LoRA for Flux"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1", "a LoRA for Stable Diffusion XL"),
        ("diffusion_model.blocks.0.self_attn.q", "a LoRA for another model"),
    ],
)
def test_a_lora_of_another_model_is_called_by_its_name(tiny_backbone, tmp_path, name, title):
    path = tmp_path / "style.safetensors"
    save_file({f"{name}.lora_down.weight": torch.ones(2, 4), f"{name}.lora_up.weight": torch.ones(4, 2)}, path)
    with pytest.raises(InputError, match=f"{title}: load it with ComfyUI's own Load LoRA"):
        load_lora(tiny_backbone, path)


def test_a_lora_whose_layers_only_share_their_names_is_called_by_its_own(tiny_backbone, tmp_path):
    """Stable Diffusion 1.5 has layers of SVD's names, in other sizes."""
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    path = tmp_path / "style.safetensors"
    save_file({f"{layer}.lora_down.weight": torch.ones(2, 768), f"{layer}.lora_up.weight": torch.ones(32, 2)}, path)
    with pytest.raises(InputError, match=r"a LoRA for Stable Diffusion 1\.5: load it with ComfyUI's own Load LoRA"):
        load_lora(tiny_backbone, path)


def test_half_precision_weights_are_merged_in_full_precision(tiny_svd_folder, factors, saved):
    from motionweave.backbones.svd_files import load_svd

    backbone = load_svd(tiny_svd_folder, torch.bfloat16)
    down, up = factors[SPATIAL]
    exact = weight(backbone, SPATIAL).float() + up @ down
    merged = weight(load_lora(backbone, saved()), SPATIAL)
    assert merged.dtype == torch.bfloat16
    assert torch.equal(merged, exact.to(torch.bfloat16))
