"""A file says what it is by the names and shapes in it, and the message names who takes it."""

import pytest
import torch
from safetensors.torch import save_file

from motionweave.errors import InputError, MissingModelError
from motionweave.weights.identify import identify, identify_shapes, is_kind, wrong_kind

SVD = {
    "model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight": (320,),
    "model.diffusion_model.label_emb.0.0.weight": (1280, 768),
    "conditioner.embedders.0.open_clip.model.visual.class_embedding": (1280,),
    "first_stage_model.decoder.mid.block_1.time_stack.in_layers.0.weight": (512,),
}
ATTENTION = "attentions.0.transformer_blocks.0.attn2"
UNET = {
    "conv_in.weight": (320, 8, 3, 3),
    "down_blocks.0.resnets.0.spatial_res_block.conv1.weight": (320, 320, 3, 3),
    "down_blocks.0.resnets.0.temporal_res_block.conv1.weight": (320, 320, 3, 1, 1),
    "down_blocks.0.attentions.0.temporal_transformer_blocks.0.norm_in.weight": (320,),
    f"down_blocks.0.{ATTENTION}.to_k.weight": (320, 1024),
}
SD = "model.diffusion_model.input_blocks"
POSE_NET = {"conv_layers.0.weight": (3, 3, 3, 3), "final_proj.weight": (320, 128, 1, 1), "scale": (1,)}

FILES = {
    "svd": SVD,
    "svd-image-decoder": {name: shape for name, shape in SVD.items() if not name.startswith("first_stage")},
    "sv3d": SVD | {"model.diffusion_model.label_emb.0.0.weight": (1280, 256)},
    "motionctrl-svd": SVD | {f"{SD}.1.1.time_stack.0.cc_projection.weight": (320, 332)},
    "svd-unet-sgm": {f"{SD}.1.0.time_stack.in_layers.0.weight": (320,)},
    "svd-unet": UNET,
    "svd-unet-part": {"down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q.weight": (320, 320)},
    "mimicmotion": {f"unet.{name}": shape for name, shape in UNET.items()}
    | {f"pose_net.{name}": shape for name, shape in POSE_NET.items()},
    "posenet": POSE_NET,
    "stableanimator-unet": UNET | {f"down_blocks.0.{ATTENTION}.processor.id_to_k.weight": (320, 1024)},
    "sonic-unet": UNET | {f"down_blocks.0.{ATTENTION}.processor.to_k_ip.weight": (320, 1024)},
    "stableanimator-face": {"proj.0.weight": (1024, 512), "fusion_model.proj_in.weight": (1024, 1024)},
    "svd-controlnet": UNET | {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)},
    "controlnext-svd": {"embedding.0.weight": (64, 3, 3, 3), "down_res.1.conv1.weight": (256, 128, 3, 3)}
    | {"mid_convs.1.weight": (320, 256, 1, 1)},
    "controlnext-svd-v1": {"embedding.0.weight": (64, 3, 3, 3), "down_res.2.conv1.weight": (256, 256, 3, 3)},
    "svd-vae": {"decoder.time_conv_out.weight": (3, 3, 3, 1, 1), "decoder.conv_in.weight": (512, 4, 3, 3)},
    "cameractrl-svd": {"pose_encoder_state_dict.encoder_conv_in.weight": (320, 384, 3, 3)},
    "svd-lora": {"unet.down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q.lora.down.weight": (4, 320)},
    "unet-lora": {"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight": (4, 320)},
    "sd-lora": {f"lora_unet_down_blocks_0_{ATTENTION.replace('.', '_')}_to_k.lora_down.weight": (4, 768)},
    "sdxl-lora": {"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 1280)},
    "flux-lora": {"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (4, 3072)},
    "lora": {"diffusion_model.blocks.0.self_attn.q.lora_A.weight": (4, 5120)},
    "sd15": {f"{SD}.0.0.weight": (320, 4, 3, 3), f"{SD}.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768)},
    "sd2": {f"{SD}.0.0.weight": (320, 4, 3, 3), f"{SD}.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 1024)},
    "sdxl": {f"{SD}.0.0.weight": (320, 4, 3, 3), f"{SD}.4.1.transformer_blocks.0.attn2.to_k.weight": (640, 2048)},
    "sd15-unet": {"conv_in.weight": (320, 4, 3, 3), f"down_blocks.0.{ATTENTION}.to_k.weight": (320, 768)},
    "flux": {"double_blocks.0.img_attn.qkv.weight": (9216, 3072)},
    "wan": {"blocks.0.self_attn.q.weight": (5120, 5120)},
    "controlnet": {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)},
    "embedding": {"emb_params": (4, 768)},
    "motion-module": {"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": (320,)},
    "face-restorer": {"quantize.embedding.weight": (1024, 256), "encoder.mid.attn_1.norm2.weight": (512,)}
    | {"decoder.conv_in.weight": (512, 256, 3, 3), "decoder.conv_out.weight": (3, 64, 3, 3)},
    "vae": {"decoder.conv_in.weight": (512, 4, 3, 3)},
    "clip-vision": {"vision_model.embeddings.class_embedding": (1280,)},
    "depth": {"pretrained.cls_token": (1, 1, 384), "depth_head.projects.0.weight": (48, 384, 1, 1)},
    "upscaler": {"conv_first.weight": (64, 3, 3, 3), "conv_last.weight": (3, 64, 3, 3)},
    "unknown": {"layer.weight": (1,)},
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_is_told_from_all_others(kind):
    assert identify_shapes(FILES[kind]).id == kind


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_is_known_by_its_header_in_either_format(tmp_path, suffix):
    path = tmp_path / f"pose_net{suffix}"
    tensors = {name: torch.zeros(shape) for name, shape in POSE_NET.items()}
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    assert identify(path).id == "posenet"
    assert is_kind(path, "svd-unet", "posenet")
    assert str(wrong_kind(path, "an SVD LoRA")) == (
        f"pose_net{suffix} seems to be a PoseNet of MimicMotion or StableAnimator: load it with Load ControlNet (SVD). "
        "Expected here: an SVD LoRA"
    )


def test_a_file_that_was_replaced_is_looked_at_again(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"conv_first.weight": torch.zeros(1), "conv_last.weight": torch.zeros(1)}, path)
    assert identify(path).id == "upscaler"
    save_file({"vision_model.embeddings.class_embedding": torch.zeros(1)}, path)
    assert identify(path).id == "clip-vision"


def test_a_file_that_cannot_be_opened_is_of_no_kind(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"nothing of the kind")
    assert not is_kind(path, "svd")
    with pytest.raises(InputError, match="cut off"):
        identify(path)
    with pytest.raises(MissingModelError):
        identify(tmp_path / "gone.safetensors")


def test_what_nobody_knows_is_said_to_be_so(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file({"layer.weight": torch.zeros(1)}, path)
    assert "of no kind that is known here; expected a backbone" in str(wrong_kind(path, "a backbone"))
