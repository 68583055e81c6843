"""A single-file SVD loads to the networks that its folder gives, without a network, or says what is wrong with it."""

import json
from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file, save_file

from motionweave.backbones.sgm_tensors import unet_tensors, vae_tensors, vision_tensors
from motionweave.backbones.svd_facts import facts_by_name
from motionweave.backbones.svd_files import load_svd
from motionweave.backbones.svd_single_file import CONFIGS, empty_networks, load_svd_file
from motionweave.errors import InputError, MissingModelError
from motionweave.weights.state_dict import load_state

PARTS = ("unet", "vae", "image_encoder")
IMAGE_VAE = "conditioner.embedders.3."


def configs_of(folder):
    return tuple(json.loads((folder / part / "config.json").read_text()) for part in PARTS)


def rewritten(path, target, change):
    tensors = load_file(path)
    save_file(change(tensors), target)
    return target


def test_a_single_file_gives_the_folders_networks_to_the_bit(tiny_svd_file, tiny_svd_folder, tiny_backbone):
    loaded = load_svd_file(tiny_svd_file, configs=tiny_svd_folder)
    for mine, its in (
        (loaded.unet, tiny_backbone.unet),
        (loaded.vae, tiny_backbone.vae),
        (loaded.vision, tiny_backbone.vision),
    ):
        own, other = mine.state_dict(), its.state_dict()
        assert own.keys() == other.keys()
        assert all(torch.equal(own[name], other[name]) for name in own)
        assert not mine.training
        assert not any(parameter.requires_grad for parameter in mine.parameters())


@torch.inference_mode()
def test_it_draws_and_sees_what_the_folder_does(tiny_svd_file, tiny_svd_folder, tiny_backbone):
    loaded = load_svd_file(tiny_svd_file, configs=tiny_svd_folder)
    torch.manual_seed(0)
    inputs = (torch.randn(1, 4, 8, 8, 8), torch.tensor(0.5), torch.randn(1, 1, 32), torch.tensor([[6.0, 127.0, 0.02]]))
    picture, latents = torch.rand(1, 3, 32, 32), torch.randn(4, 4, 4, 4)

    def outputs(backbone):
        token = backbone.vision(torch.ones(1, 3, 224, 224)).image_embeds
        return backbone.unet(*inputs), token, backbone.encode_clip(picture), backbone.decode_clip(latents)

    # Not to the bit: where in memory a tensor lies decides how torch adds it up.
    for mine, its in zip(outputs(loaded), outputs(tiny_backbone), strict=True):
        assert torch.allclose(mine, its, atol=1e-5)


def test_without_the_image_autoencoder_latents_are_what_the_video_encoder_says(
    tiny_svd_file, tiny_svd_folder, tiny_backbone, tmp_path
):
    def without(tensors):
        return {name: value for name, value in tensors.items() if not name.startswith(IMAGE_VAE)}

    loaded = load_svd_file(rewritten(tiny_svd_file, tmp_path / "svd.safetensors", without), configs=tiny_svd_folder)
    pixels = torch.rand(1, 3, 32, 32)
    moments = tiny_backbone.vae.encoder(pixels)
    assert torch.allclose(loaded.vae.encode(pixels).latent_dist.mean, moments[:, :4], atol=1e-6)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [(torch.float16, torch.float32), (torch.float32, torch.bfloat16), (torch.bfloat16, torch.float16)],
)
def test_every_precision_is_read_into_others(tiny_svd_file, tiny_svd_folder, tmp_path, stored, wanted):
    path = rewritten(
        tiny_svd_file,
        tmp_path / "xt.safetensors",
        lambda held: {name: value.to(stored) for name, value in held.items()},
    )
    loaded = load_svd_file(path, wanted, tiny_svd_folder)
    original = load_file(tiny_svd_file)["model.diffusion_model.input_blocks.0.0.weight"]
    for net in (loaded.unet, loaded.vae, loaded.vision):
        assert {parameter.dtype for parameter in net.parameters()} == {wanted}
    assert torch.equal(loaded.unet.conv_in.weight, original.to(stored).to(wanted))


def test_a_file_that_comfyui_saved_keeps_its_image_encoder_in_transformers_names(
    tiny_svd_file, tiny_svd_folder, tiny_backbone, tmp_path
):
    visual = "conditioner.embedders.0.open_clip.model.visual."

    def as_comfyui_saves(tensors):
        kept = {name: value for name, value in tensors.items() if not name.startswith((visual, IMAGE_VAE))}
        saved = {visual + name: value.clone() for name, value in tiny_backbone.vision.state_dict().items()}
        return kept | saved | {f"{visual}vision_model.embeddings.position_ids": torch.arange(50)[None]}

    path = rewritten(tiny_svd_file, tmp_path / "merge.safetensors", as_comfyui_saves)
    loaded = load_svd_file(path, configs=tiny_svd_folder)
    own, other = loaded.vision.state_dict(), tiny_backbone.vision.state_dict()
    assert all(torch.equal(own[name], other[name]) for name in other)


def test_missing_surplus_and_misshaped_tensors_are_listed(tiny_svd_file, tiny_svd_folder, tmp_path):
    unet = "model.diffusion_model."

    def damaged(tensors):
        tensors.pop(f"{unet}out.2.weight")
        tensors[f"{unet}input_blocks.0.0.weight"] = torch.zeros(3, 3)
        return tensors | {f"{unet}surprise.weight": torch.zeros(1)}

    path = rewritten(tiny_svd_file, tmp_path / "xt.safetensors", damaged)
    with pytest.raises(InputError) as error:
        load_svd_file(path, configs=tiny_svd_folder)
    message = str(error.value)
    assert "1 missing: conv_out.weight" in message
    assert "1 not expected: surprise.weight" in message
    assert "1 of another shape: conv_in.weight (3, 3) instead of (32, 8, 3, 3)" in message


def test_a_checkpoint_of_another_model_is_called_by_its_name(tmp_path):
    path = tmp_path / "sd_xl_base_1.0.safetensors"
    attention = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"
    save_file({attention: torch.zeros(1, 2048), "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="Stable Diffusion XL checkpoint: load it with ComfyUI's own Load Checkpoint"):
        load_svd(path)


def test_a_file_that_was_cut_off_is_said(tiny_svd_file, tmp_path):
    path = tmp_path / "svd_xt.safetensors"
    path.write_bytes(tiny_svd_file.read_bytes()[:-100])
    with pytest.raises(InputError, match="cut off"):
        load_svd(path)
    with pytest.raises(MissingModelError, match="gone"):
        load_svd_file(tmp_path / "gone.safetensors")


def test_its_name_says_which_sibling_a_file_is():
    frames = {
        name: facts_by_name(name).window
        for name in ("svd", "svd_xt", "SVD-XT-1.1-fp16", "svd_image_decoder", "my merge")
    }
    assert frames == {"svd": 14, "svd_xt": 25, "SVD-XT-1.1-fp16": 25, "svd_image_decoder": 14, "my merge": 25}
    assert {name: facts_by_name(name).fps for name in ("svd_xt", "svd_xt_1_1")} == {
        "svd_xt": 7,
        "svd_xt_1_1": Fraction(6),
    }
    assert facts_by_name("svd").chunk_frames + facts_by_name("svd").overlap == 14


def test_at_full_size_the_published_layout_loads_with_nothing_missing_and_nothing_left_over(to_sgm):
    configs = configs_of(CONFIGS)
    full = to_sgm(*empty_networks(*configs), with_image_vae=True)
    unet = {name: value for name, value in full.items() if name.startswith("model.diffusion_model.")}
    assert len(unet) == 1428
    assert sum(value.numel() for value in unet.values()) == 1_524_623_082
    assert sum(name.startswith("first_stage_model.") for name in full) == 372
    published = {
        "model.diffusion_model.input_blocks.3.0.op.weight": (320, 320, 3, 3),
        "model.diffusion_model.label_emb.0.0.weight": (1280, 768),
        "model.diffusion_model.input_blocks.4.1.time_stack.0.attn2.to_k.weight": (640, 1024),
        "model.diffusion_model.output_blocks.2.1.conv.weight": (1280, 1280, 3, 3),
        "model.diffusion_model.output_blocks.8.2.conv.weight": (640, 640, 3, 3),
        "model.diffusion_model.middle_block.0.time_stack.in_layers.2.weight": (1280, 1280, 3, 1, 1),
        "first_stage_model.decoder.up.3.block.0.time_stack.in_layers.2.weight": (512, 512, 3, 1, 1),
        "first_stage_model.decoder.conv_out.time_mix_conv.weight": (3, 3, 3, 1, 1),
        "first_stage_model.encoder.mid.attn_1.q.weight": (512, 512, 1, 1),
        "conditioner.embedders.3.encoder.quant_conv.weight": (8, 8, 1, 1),
        "conditioner.embedders.0.open_clip.model.visual.proj": (1280, 1024),
        "conditioner.embedders.0.open_clip.model.visual.conv1.weight": (1280, 3, 14, 14),
        "conditioner.embedders.0.open_clip.model.visual.positional_embedding": (257, 1280),
        "conditioner.embedders.0.open_clip.model.visual.transformer.resblocks.31.attn.in_proj_weight": (3840, 1280),
    }
    assert {name: tuple(full[name].shape) for name in published} == published
    loaded = empty_networks(*configs)
    for net, convert, config in zip(loaded, (unet_tensors, vae_tensors, vision_tensors), configs, strict=True):
        load_state(net, convert(full, config), "published")
    counts = [(len(net.state_dict()), sum(value.numel() for value in net.parameters())) for net in loaded]
    assert counts == [(1428, 1_524_623_082), (374, 97_742_847), (520, 632_076_800)]


def test_the_configs_that_come_with_the_pack_are_those_of_svd_xt():
    from diffusers import EulerDiscreteScheduler

    scheduler = EulerDiscreteScheduler.from_config(
        json.loads((CONFIGS / "scheduler/scheduler_config.json").read_text())
    )
    scheduler.set_timesteps(5)
    assert scheduler.sigmas.tolist() == pytest.approx([700, 134.85, 15.590, 0.67815, 0.002, 0], rel=1e-4)
    assert scheduler.timesteps.tolist() == pytest.approx([1.6378, 1.2260, 0.6867, -0.0971, -1.5537], rel=1e-3)
    vae = json.loads((CONFIGS / "vae/config.json").read_text())
    assert (vae["scaling_factor"], vae["force_upcast"]) == (0.18215, True)
