"""StableAnimator's face adapter: who it is, from ArcFace and CLIP, as tokens beside the image's own.

Source: Francis-Rings/StableAnimator, `animation/modules/face_model.py` (`FusionFaceId`) and `attention_processor.py`
(`AnimationIDAttnNormalizedProcessor`); Tu et al., "StableAnimator" (2024), sections 3.2 and 3.3. There the face's
tokens are joined to the image's, and each layer parts them again: its own `to_k` and `to_v` read the image's alone,
`id_to_k` and `id_to_v` the face's, with the same query. Here they never are joined, which is the same arithmetic; so it
is in passes without the image, where the published tokens are zero and the fused part is the zero mean of a zero
result. Otherwise than there: where xformers is missing, the published code attends to the image's tokens once more in
place of the face's; this does what the weights were trained with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from ..weights.tensor_files import Shapes
from .injections import Adapter, AddedTokens, Injections, UNetInputs
from .layer_tokens import spatial_cross_attention

HEAD_WIDTH = 64
"""Channels of a head as published; shapes do not tell it."""

ENCODER = "face_encoder"
"""Where the face encoder's tensors are; those of the attention layers have the published UNet's names."""

KEY = ".processor.id_to_k.weight"
"""What follows a layer's name in the published UNet."""


class PerceiverAttention(nn.Module):
    """Lets latents read a picture's tokens and themselves."""

    def __init__(self, width: int, heads: int) -> None:
        """Build the layer for `width` channels."""
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(width, 2 * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor, latents: Tensor) -> Tensor:
        """Attend from latents (B, L, D) to tokens (B, T, D) and latents."""
        tokens, latents = self.norm1(tokens), self.norm2(latents)
        both = self.to_kv(torch.cat([tokens, latents], 1)).chunk(2, -1)
        query, key, value = (
            each.unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in (self.to_q(latents), *both)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)  # B heads L D
        return self.to_out(mixed.transpose(1, 2).flatten(2))


class FacePerceiver(nn.Module):
    """Lets a face's tokens take what they need from the whole picture's."""

    def __init__(self, width: int, clip_width: int, depth: int, heads: int) -> None:
        """Build `depth` layers of `width` channels."""
        super().__init__()
        self.proj_in, self.proj_out = nn.Linear(clip_width, width), nn.Linear(width, width)
        self.norm_out = nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            nn.ModuleList([PerceiverAttention(width, heads), _feed_forward(width)]) for _ in range(depth)
        )

    def forward(self, latents: Tensor, clip: Tensor) -> Tensor:
        """Refine latents (B, L, D) by CLIP tokens (B, T, E)."""
        tokens = self.proj_in(clip)
        for layer in self.layers:
            attention, feed_forward = cast(nn.ModuleList, layer)
            latents = attention(tokens, latents) + latents
            latents = feed_forward(latents) + latents
        return self.norm_out(self.proj_out(latents))


class FusionFaceId(nn.Module):
    """Turns an ArcFace embedding and a picture's CLIP tokens into a face's tokens."""

    def __init__(
        self, width: int, embedding_width: int, clip_width: int, token_count: int, depth: int, heads: int
    ) -> None:
        """Build it; `width` is the UNet's cross-attention width."""
        super().__init__()
        self.width = width
        self.proj = nn.Sequential(
            nn.Linear(embedding_width, 2 * embedding_width),
            nn.GELU(),
            nn.Linear(2 * embedding_width, width * token_count),
        )
        self.norm = nn.LayerNorm(width)
        self.fusion_model = FacePerceiver(width, clip_width, depth, heads)

    def forward(self, embedding: Tensor, clip: Tensor) -> Tensor:
        """Give tokens (B, L, D) for embeddings (B, E) and CLIP tokens (B, T, C)."""
        latents = self.norm(self.proj(embedding).unflatten(-1, (-1, self.width)))
        return self.fusion_model(latents, clip)


class FaceAdapter(Adapter, ModelMixin, ConfigMixin):
    """Adds a face's tokens to the spatial cross-attention layers of the UNet.

    Its parts for the attention layers have the names that they have in the published `unet.pth`. They were trained
    together with the rest of that UNet, which must be loaded too.
    """

    @register_to_config
    def __init__(
        self,
        layers: Mapping[str, int],
        width: int = 1024,
        embedding_width: int = 512,
        clip_width: int = 1024,
        token_count: int = 4,
        depth: int = 4,
        heads: int = 16,
    ) -> None:
        """Build the adapter.

        Args:
            layers: Channels of each attention layer that reads the tokens, by its name in the UNet.
            width: The UNet's cross-attention width.
            embedding_width: Of ArcFace.
            clip_width: Of the image tokens.
            token_count: Tokens for a face.
            depth: Layers of the face encoder.
            heads: Heads of the face encoder.
        """
        super().__init__()
        self.face_encoder = FusionFaceId(width, embedding_width, clip_width, token_count, depth, heads)
        self.layers = tuple(layers)
        for name, channels in layers.items():
            processor = _nested(self, f"{name}.processor")
            processor.id_to_k = nn.Linear(width, channels, bias=False)
            processor.id_to_v = nn.Linear(width, channels, bias=False)

    @classmethod
    def sized(cls, shapes: Shapes) -> FaceAdapter:
        """Build it in the widths of tensors with this class's names."""
        layers = {name.removesuffix(KEY): shape[0] for name, shape in shapes.items() if name.endswith(KEY)}
        width, clip_width = shapes[f"{ENCODER}.fusion_model.proj_in.weight"]
        tokens = shapes[f"{ENCODER}.proj.2.weight"][0] // width
        embedding_width = shapes[f"{ENCODER}.proj.0.weight"][1]
        start = len(f"{ENCODER}.fusion_model.layers.")
        depth = 1 + max(int(name[start:].split(".")[0]) for name in shapes if ".fusion_model.layers." in name)
        heads = max(1, width // HEAD_WIDTH)
        return cls(layers, width, embedding_width, clip_width, tokens, depth, heads)

    @classmethod
    def from_unet(cls, unet: Any, embedding_width: int = 512, **settings: int) -> FaceAdapter:
        """Start from a UNet's own keys and values, as the published adapter was.

        Args:
            unet: An SVD UNet.
            embedding_width: Of the face recogniser.
            settings: `token_count`, `depth` and `heads` of the face encoder.
        """
        width, layers = int(unet.config.cross_attention_dim), spatial_cross_attention(unet)
        net = cls(layers, width, embedding_width, width, **settings)
        for name in layers:
            layer, processor = unet.get_submodule(name), cast(Any, net.get_submodule(f"{name}.processor"))
            processor.id_to_k.load_state_dict(layer.to_k.state_dict())
            processor.id_to_v.load_state_dict(layer.to_v.state_dict())
        return net

    def encode(self, embedding: Tensor, clip: Tensor) -> Injections:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Encode a face; nothing of it changes from step to step.

        Args:
            embedding: (1, E) as the recogniser gives it, not normalised.
            clip: (1, T, C) image tokens, those that the UNet is given.

        Returns:
            What is added to every pass with the image.
        """
        tokens = self.face_encoder(embedding, clip)
        made: dict[str, tuple[AddedTokens, ...]] = {}
        for name in self.layers:
            processor: Any = self.get_submodule(f"{name}.processor")
            key, value = processor.id_to_k(tokens), processor.id_to_v(tokens)
            made[name] = (AddedTokens(key, value, cross_normalised=True),)
        return Injections(attention=made)

    def forward(self, inputs: UNetInputs, features: Injections) -> Injections:  # noqa: ARG002 - no part of it counts
        """Hand the tokens on.

        Args:
            inputs: The UNet's own.
            features: From `encode`.
        """
        return features


def _feed_forward(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, 4 * width, bias=False),
        nn.GELU(),
        nn.Linear(4 * width, width, bias=False),
    )


def _nested(root: nn.Module, path: str) -> Any:
    """Give the module at a dotted path, made of empty modules where there is none."""
    for part in path.split("."):
        if part not in dict(root.named_children()):
            root.add_module(part, nn.Module())
        root = cast(nn.Module, getattr(root, part))
    return root
