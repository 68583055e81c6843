"""What SVD's tensors are called in Stability's single files, and in diffusers' folders.

A table maps the beginning of a name to another beginning; of those that fit, the longest counts, and what follows it
stays. Tables are written out for a network's own numbers of levels and layers.

Source: generative-models' `VideoUNet`, `VideoDecoder` and OpenCLIP's `VisionTransformer` against diffusers'
`UNetSpatioTemporalConditionModel`, `AutoencoderKLTemporalDecoder` and transformers' `CLIPVisionModelWithProjection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Table = Mapping[str, str]

_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
"""A residual block of the UNet; the temporal one of both UNet and decoder."""

_VISION_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def renamed(name: str, table: Table) -> str | None:
    """Give a tensor's other name, or None if the table has none.

    Args:
        name: Its name; any part of it that ends at a dot, or the whole, may stand in the table.
        table: Beginnings of names.
    """
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        start = ".".join(parts[:count])
        if start in table:
            return ".".join([table[start], *parts[count:]])
    return None


def reversed_table(table: Table) -> Table:
    """Give the table for the other direction."""
    return {other: name for name, other in table.items()}


def unet_table(config: Mapping[str, Any]) -> Table:
    """Write out the UNet's names, sgm's to diffusers'.

    Args:
        config: The UNet's; `block_out_channels`, `layers_per_block` and the block types count.
    """
    layers, levels = config["layers_per_block"], len(config["block_out_channels"])
    table = {
        "time_embed.0": "time_embedding.linear_1",
        "time_embed.2": "time_embedding.linear_2",
        "label_emb.0.0": "add_embedding.linear_1",
        "label_emb.0.2": "add_embedding.linear_2",
        "input_blocks.0.0": "conv_in",
        "out.0": "conv_norm_out",
        "out.2": "conv_out",
    }
    table |= _unet_resnet("middle_block.0", "mid_block.resnets.0")
    table |= _unet_attention("middle_block.1", "mid_block.attentions.0")
    table |= _unet_resnet("middle_block.2", "mid_block.resnets.1")
    for level in range(levels):
        down = f"down_blocks.{level}"
        for layer in range(layers):
            block = f"input_blocks.{1 + level * (layers + 1) + layer}"
            table |= _unet_resnet(f"{block}.0", f"{down}.resnets.{layer}")
            if config["down_block_types"][level].startswith("CrossAttn"):
                table |= _unet_attention(f"{block}.1", f"{down}.attentions.{layer}")
        table[f"input_blocks.{(level + 1) * (layers + 1)}.0.op"] = f"{down}.downsamplers.0.conv"
        up, attends = f"up_blocks.{level}", config["up_block_types"][level].startswith("CrossAttn")
        for layer in range(layers + 1):
            block = f"output_blocks.{level * (layers + 1) + layer}"
            table |= _unet_resnet(f"{block}.0", f"{up}.resnets.{layer}")
            if attends:
                table |= _unet_attention(f"{block}.1", f"{up}.attentions.{layer}")
        table[f"output_blocks.{level * (layers + 1) + layers}.{1 + attends}.conv"] = f"{up}.upsamplers.0.conv"
    return table


def vae_table(config: Mapping[str, Any]) -> Table:
    """Write out the VAE's names, sgm's to diffusers'.

    Args:
        config: The VAE's; `block_out_channels` and `layers_per_block` count.
    """
    layers, levels = config["layers_per_block"], len(config["block_out_channels"])
    table = {
        "quant_conv": "quant_conv",
        "decoder.conv_out.time_mix_conv": "decoder.time_conv_out",
    }
    for half in ("encoder", "decoder"):
        table |= {f"{half}.conv_in": f"{half}.conv_in", f"{half}.conv_out": f"{half}.conv_out"}
        table[f"{half}.norm_out"] = f"{half}.conv_norm_out"
        attention, other = f"{half}.mid.attn_1", f"{half}.mid_block.attentions.0"
        for name, new in (
            ("norm", "group_norm"),
            ("q", "to_q"),
            ("k", "to_k"),
            ("v", "to_v"),
            ("proj_out", "to_out.0"),
        ):
            table[f"{attention}.{name}"] = f"{other}.{new}"
    for index in range(2):
        table |= _encoder_resnet(f"encoder.mid.block_{index + 1}", f"encoder.mid_block.resnets.{index}")
        table |= _decoder_resnet(f"decoder.mid.block_{index + 1}", f"decoder.mid_block.resnets.{index}")
    for level in range(levels):
        down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{level}"
        old_up = f"decoder.up.{levels - 1 - level}"  # counted from the last one there
        for layer in range(layers):
            table |= _encoder_resnet(f"encoder.down.{level}.block.{layer}", f"{down}.resnets.{layer}")
        for layer in range(layers + 1):
            table |= _decoder_resnet(f"{old_up}.block.{layer}", f"{up}.resnets.{layer}")
        table[f"encoder.down.{level}.downsample.conv"] = f"{down}.downsamplers.0.conv"
        table[f"{old_up}.upsample.conv"] = f"{up}.upsamplers.0.conv"
    return table


def vision_table(config: Mapping[str, Any]) -> Table:
    """Write out the image encoder's names, OpenCLIP's to transformers'.

    Not in it are what is more than renamed: `attn.in_proj_*`, three layers in one, and `proj`, which is transposed.
    ComfyUI saves this part in transformers' names, so these are in it too.

    Args:
        config: The encoder's; `num_hidden_layers` counts.
    """
    table = {
        "vision_model": "vision_model",
        "visual_projection": "visual_projection",
        "class_embedding": "vision_model.embeddings.class_embedding",
        "conv1": "vision_model.embeddings.patch_embedding",
        "positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "ln_pre": "vision_model.pre_layrnorm",
        "ln_post": "vision_model.post_layernorm",
    }
    for layer in range(config["num_hidden_layers"]):
        old, new = f"transformer.resblocks.{layer}", f"vision_model.encoder.layers.{layer}"
        table |= {f"{old}.{name}": f"{new}.{other}" for name, other in _VISION_LAYER.items()}
    return table


def _unet_resnet(old: str, new: str) -> dict[str, str]:
    table = {f"{old}.time_mixer": f"{new}.time_mixer"}
    for name, other in _RESNET.items():
        table[f"{old}.{name}"] = f"{new}.spatial_res_block.{other}"
        table[f"{old}.time_stack.{name}"] = f"{new}.temporal_res_block.{other}"
    return table


def _unet_attention(old: str, new: str) -> dict[str, str]:
    return {
        old: new,
        f"{old}.time_stack": f"{new}.temporal_transformer_blocks",
        f"{old}.time_pos_embed.0": f"{new}.time_pos_embed.linear_1",
        f"{old}.time_pos_embed.2": f"{new}.time_pos_embed.linear_2",
    }


def _encoder_resnet(old: str, new: str) -> dict[str, str]:
    return {old: new, f"{old}.nin_shortcut": f"{new}.conv_shortcut"}


def _decoder_resnet(old: str, new: str) -> dict[str, str]:
    table = _encoder_resnet(old, f"{new}.spatial_res_block") | {f"{old}.mix_factor": f"{new}.time_mixer.mix_factor"}
    return table | {f"{old}.time_stack.{name}": f"{new}.temporal_res_block.{other}" for name, other in _RESNET.items()}
