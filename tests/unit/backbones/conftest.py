"""The other way round: diffusers' tensors by the names of Stability's single files, written down on its own."""

import re

import pytest
import torch

UNET = "model.diffusion_model."
VIDEO_VAE = "first_stage_model."
IMAGE_VAE = "conditioner.embedders.3.encoder."
VISION = "conditioner.embedders.0.open_clip.model.visual."

RESNET = (
    ("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection"),
)  # fmt: skip


def sgm_resnet(inner: str) -> str:
    for name, other in RESNET:
        inner = inner.replace(f"spatial_res_block.{name}.", f"{other}.")
        inner = inner.replace(f"temporal_res_block.{name}.", f"time_stack.{other}.")
    return inner


def sgm_unet_name(name: str, layers: int, attending: tuple[bool, ...]) -> str:
    fixed = {
        "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
        "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
    }  # fmt: skip
    for start, other in fixed.items():
        if name.startswith(f"{start}."):
            return other + name[len(start) :]
    name = name.replace("temporal_transformer_blocks", "time_stack")
    name = name.replace("time_pos_embed.linear_1", "time_pos_embed.0").replace(
        "time_pos_embed.linear_2", "time_pos_embed.2"
    )
    name = sgm_resnet(name)
    block, part, index, rest = re.fullmatch(r"(\w+?_block(?:s\.\d+)?)\.(\w+)\.(\d+)\.(.*)", name).groups()
    index = int(index)
    if block == "mid_block":
        return f"middle_block.{1 if part == 'attentions' else 2 * index}.{rest}"
    level = int(block.split(".")[1])
    if block.startswith("down"):
        if part == "downsamplers":
            return f"input_blocks.{(level + 1) * (layers + 1)}.0.op.{rest.removeprefix('conv.')}"
        return f"input_blocks.{1 + level * (layers + 1) + index}.{int(part == 'attentions')}.{rest}"
    if part == "upsamplers":
        return f"output_blocks.{level * (layers + 1) + layers}.{2 if attending[level] else 1}.{rest}"
    return f"output_blocks.{level * (layers + 1) + index}.{int(part == 'attentions')}.{rest}"


def sgm_vae_name(name: str, levels: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("decoder.time_conv_out", "decoder.conv_out.time_mix_conv")
    name = name.replace("time_mixer.mix_factor", "mix_factor")
    name = re.sub(r"temporal_res_block\.(\w+)\.", lambda found: f"time_stack.{dict(RESNET)[found[1]]}.", name)
    name = name.replace("spatial_res_block.", "").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
    for linear, other in (
        ("group_norm", "norm"),
        ("to_q", "q"),
        ("to_k", "k"),
        ("to_v", "v"),
        ("to_out.0", "proj_out"),
    ):
        name = name.replace(f"mid_block.attentions.0.{linear}.", f"mid.attn_1.{other}.")
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda f: f"up.{levels - 1 - int(f[1])}.block.{f[2]}", name)
    return re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda f: f"up.{levels - 1 - int(f[1])}.upsample", name)


def sgm_vision(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    made, fixed = {}, {
        "vision_model.embeddings.class_embedding": "class_embedding",
        "vision_model.embeddings.patch_embedding.weight": "conv1.weight",
        "vision_model.embeddings.position_embedding.weight": "positional_embedding",
    }  # fmt: skip
    for name, tensor in state.items():
        if name == "visual_projection.weight":
            made["proj"] = tensor.T.contiguous()
        elif "q_proj" in name:
            layer, kind = re.fullmatch(r"vision_model\.encoder\.layers\.(\d+)\.self_attn\.q_proj\.(\w+)", name).groups()
            three = [state[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            made[f"transformer.resblocks.{layer}.attn.in_proj_{kind}"] = torch.cat(three)
        elif not re.search("[kv]_proj", name):
            name = fixed.get(name, name).replace("vision_model.encoder.layers", "transformer.resblocks")
            for ours, theirs in (
                ("vision_model.pre_layrnorm", "ln_pre"), ("vision_model.post_layernorm", "ln_post"),
                ("layer_norm", "ln_"), ("self_attn.", "attn."), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
            ):  # fmt: skip
                name = name.replace(ours, theirs)
            made[name] = tensor
    return made


def sgm_state(unet, vae, vision, with_image_vae: bool) -> dict[str, torch.Tensor]:
    """Give all tensors of diffusers' and transformers' networks as they stand in a single file."""
    layers = unet.config.layers_per_block
    attending = tuple("CrossAttn" in kind for kind in unet.config.up_block_types)
    made = {UNET + sgm_unet_name(name, layers, attending): value for name, value in unet.state_dict().items()}
    levels = len(vae.config.block_out_channels)
    for name, value in vae.state_dict().items():
        old = sgm_vae_name(name, levels)
        if ".attn_1." in old and value.ndim == 2:
            value = value[:, :, None, None]
        if not old.startswith("quant_conv"):
            made[VIDEO_VAE + old] = value
        if with_image_vae and not old.startswith("decoder"):
            made[IMAGE_VAE + old] = value
    if with_image_vae:
        made[IMAGE_VAE + "post_quant_conv.weight"] = torch.zeros(4, 4, 1, 1)
    made |= {VISION + name: value for name, value in sgm_vision(vision.state_dict()).items()}
    made["conditioner.embedders.0.open_clip.model.logit_scale"] = torch.zeros(())
    return made


@pytest.fixture(scope="session")
def to_sgm():
    return sgm_state


@pytest.fixture(scope="session")
def tiny_svd_file(tiny_backbone, tmp_path_factory):
    """The tiny SVD as a single file, float32."""
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("checkpoints") / "svd_xt_1_1.safetensors"
    state = sgm_state(tiny_backbone.unet, tiny_backbone.vae, tiny_backbone.vision, with_image_vae=True)
    save_file({name: value.contiguous().clone() for name, value in state.items()}, path)
    return path
