"""A ControlNet for the SVD UNet, in the layout of svd-temporal-controlnet's published weights.

Source: CiaraStrawberry/svd-temporal-controlnet, `models/controlnet_sdv.py` (names and shapes); Zhang et al., "Adding
Conditional Control to Text-to-Image Diffusion Models" (2023).
"""

from __future__ import annotations

from typing import Any

from diffusers import UNetSpatioTemporalConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding, zero_module
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from ..weights.tensor_files import Shapes
from .injections import Adapter, ControlResiduals, Injections, UNetInputs
from .svd_unet import BlockInputs, run_down_blocks

HEAD_WIDTH = 64
"""Channels of an attention head in SVD; shapes do not tell it, a config.json does."""

TIME_IDS = 3
"""fps, motion bucket, noise augmentation."""


def skip_repeats(layers_per_block: int, block_count: int) -> tuple[int, ...]:
    """Give how many times the published network adds each residual to its skip connection.

    The released weights were trained in a UNet whose down loop adds all residuals so far once for every block, so that
    early skips receive theirs more often. Adding once, as other packs do, gives a weaker control than was trained.

    Args:
        layers_per_block: Resnets in each down block.
        block_count: Down blocks.

    Returns:
        One factor a skip: for four blocks 4 for `conv_in` and block 0, then 3, 2 and 1.
    """
    repeats = [block_count]
    for block in range(block_count):
        downsampler = 1 if block < block_count - 1 else 0
        repeats += [block_count - block] * (layers_per_block + downsampler)
    return tuple(repeats)


class SVDControlNet(Adapter, ModelMixin, ConfigMixin):
    """The encoder half of the SVD UNet with a control picture added, giving residuals through zero convolutions."""

    late = True

    @register_to_config
    def __init__(  # noqa: PLR0913 - the published config.json has these fields, and diffusers builds from it
        self,
        sample_size: int | None = None,
        in_channels: int = 8,
        out_channels: int = 4,
        down_block_types: tuple[str, ...] = (*["CrossAttnDownBlockSpatioTemporal"] * 3, "DownBlockSpatioTemporal"),
        up_block_types: tuple[str, ...] = ("UpBlockSpatioTemporal", *["CrossAttnUpBlockSpatioTemporal"] * 3),
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        addition_time_embed_dim: int = 256,
        projection_class_embeddings_input_dim: int = 768,
        layers_per_block: int = 2,
        cross_attention_dim: int = 1024,
        transformer_layers_per_block: int = 1,
        num_attention_heads: int | tuple[int, ...] = (5, 10, 20, 20),
        num_frames: int = 25,
        conditioning_channels: int = 3,
        conditioning_embedding_out_channels: tuple[int, ...] = (16, 32, 96, 256),
    ) -> None:
        """Build the network; arguments are the UNet's, and the widths of the control picture's encoder.

        Args:
            sample_size: Latent size trained on; not used.
            in_channels: Noisy and image latents.
            out_channels: Not used; kept because the published config has it.
            down_block_types: The UNet's.
            up_block_types: Not used; kept because the published config has it.
            block_out_channels: The UNet's.
            addition_time_embed_dim: The UNet's.
            projection_class_embeddings_input_dim: The UNet's.
            layers_per_block: The UNet's.
            cross_attention_dim: The UNet's.
            transformer_layers_per_block: The UNet's.
            num_attention_heads: The UNet's.
            num_frames: The UNet's.
            conditioning_channels: Channels of the control picture.
            conditioning_embedding_out_channels: Widths of its encoder; each but the first halves the size.
        """
        super().__init__()
        half = UNetSpatioTemporalConditionModel(
            sample_size=sample_size,
            in_channels=in_channels,
            out_channels=out_channels,
            down_block_types=down_block_types,
            up_block_types=up_block_types,
            block_out_channels=block_out_channels,
            addition_time_embed_dim=addition_time_embed_dim,
            projection_class_embeddings_input_dim=projection_class_embeddings_input_dim,
            layers_per_block=layers_per_block,
            cross_attention_dim=cross_attention_dim,
            transformer_layers_per_block=transformer_layers_per_block,
            num_attention_heads=num_attention_heads,
            num_frames=num_frames,
        )
        self.conv_in, self.time_proj, self.time_embedding = half.conv_in, half.time_proj, half.time_embedding
        self.add_time_proj, self.add_embedding = half.add_time_proj, half.add_embedding
        self.down_blocks, self.mid_block = half.down_blocks, half.mid_block
        self.controlnet_cond_embedding = ControlNetConditioningEmbedding(
            block_out_channels[0], conditioning_channels, conditioning_embedding_out_channels
        )
        widths = [block_out_channels[0]]
        for index, width in enumerate(block_out_channels):
            widths += [width] * (layers_per_block + (index < len(block_out_channels) - 1))
        self.controlnet_down_blocks = nn.ModuleList(zero_module(nn.Conv2d(width, width, 1)) for width in widths)
        last = block_out_channels[-1]
        self.controlnet_mid_block = zero_module(nn.Conv2d(last, last, 1))
        self.repeats = skip_repeats(layers_per_block, len(block_out_channels))

    @classmethod
    def sized(cls, shapes: Shapes) -> SVDControlNet:
        """Build it in the widths of published tensors; heads have 64 channels, as SVD's have."""
        count = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("down_blocks."))
        blocks = [f"down_blocks.{index}" for index in range(count)]
        attending = [f"{block}.attentions.0.proj_in.weight" in shapes for block in blocks]
        widths = tuple(shapes[f"{block}.resnets.0.spatial_res_block.conv1.weight"][0] for block in blocks)
        layers = 1 + max(int(name.split(".")[3]) for name in shapes if name.startswith("down_blocks.0.resnets."))
        added = shapes["add_embedding.linear_1.weight"][1]
        picture = "controlnet_cond_embedding"
        halved = sum(name.startswith(f"{picture}.blocks.") and name.endswith(".weight") for name in shapes) // 2
        stem = shapes[f"{picture}.conv_in.weight"]
        return cls(
            in_channels=shapes["conv_in.weight"][1],
            down_block_types=tuple("CrossAttn" * each + "DownBlockSpatioTemporal" for each in attending),
            up_block_types=tuple("CrossAttn" * each + "UpBlockSpatioTemporal" for each in reversed(attending)),
            block_out_channels=widths,
            addition_time_embed_dim=added // TIME_IDS,
            projection_class_embeddings_input_dim=added,
            layers_per_block=layers,
            cross_attention_dim=shapes["mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"][1],
            num_attention_heads=tuple(max(1, width // HEAD_WIDTH) for width in widths),
            conditioning_channels=stem[1],
            conditioning_embedding_out_channels=(
                stem[0],
                *(shapes[f"{picture}.blocks.{2 * index + 1}.weight"][0] for index in range(halved)),
            ),
        )

    @classmethod
    def from_unet(cls, unet: UNetSpatioTemporalConditionModel, widths: tuple[int, ...]) -> SVDControlNet:
        """Start from a UNet's encoder half, as ControlNets are trained.

        Args:
            unet: Whose config and weights to take.
            widths: Widths of the control picture's encoder.
        """
        config: dict[str, Any] = {name: value for name, value in unet.config.items() if not name.startswith("_")}
        net = cls(**config, conditioning_embedding_out_channels=widths)
        for name in ("conv_in", "time_embedding", "add_embedding", "down_blocks", "mid_block"):
            getattr(net, name).load_state_dict(getattr(unet, name).state_dict())
        return net

    def encode(self, pictures: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Embed control pictures.

        Args:
            pictures: (F, 3, H, W), poses, depth or any other map, in the range that these weights were trained on:
                the published pipeline's is [-1, 1], though its training loader gave [0, 1].

        Returns:
            (F, C, H / 8, W / 8).
        """
        return self.controlnet_cond_embedding(pictures)

    def forward(self, inputs: UNetInputs, features: Tensor) -> Injections:
        """Give the residuals of a window.

        Args:
            inputs: The UNet's own.
            features: From `encode`.

        Returns:
            The residuals at full strength.
        """
        block = BlockInputs.embed(self, inputs.sample, inputs.timestep, inputs.tokens, inputs.time_ids)
        hidden = self.conv_in(inputs.sample.flatten(0, 1)) + inputs.rows(features)
        hidden, skips = run_down_blocks(self, hidden, block)
        hidden = self.mid_block(
            hidden_states=hidden,
            temb=block.time,
            encoder_hidden_states=block.context,
            image_only_indicator=block.image_only,
        )
        down = tuple(
            count * zero(skip)
            for count, zero, skip in zip(self.repeats, self.controlnet_down_blocks, skips, strict=True)
        )
        return Injections(residuals=ControlResiduals(down, self.controlnet_mid_block(hidden)))
