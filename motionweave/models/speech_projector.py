"""Speech tokens: what is heard around a frame, read by the cross-attention layers where the face is.

Source: the audio projection of Hallo (fudan-generative-vision/hallo, `hallo/models/audio_proj.py`) and Sonic (Ji et
al., 2024, `audio2token`): hidden states of several layers and moments through three linear layers into a few tokens.
Otherwise than there: moments are seconds, not frames of one rate, and the result is added only inside the face.
"""

from __future__ import annotations

from collections.abc import Mapping

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from .injections import Adapter, Injections, UNetInputs
from .layer_tokens import KeysAndValues, LayerTokens, added_tokens


class SpeechProjector(Adapter, ModelMixin, ConfigMixin):
    """An MLP from speech states to tokens, and their way into the UNet."""

    @register_to_config
    def __init__(
        self,
        layers: Mapping[str, int],
        moments: int = 5,
        states: int = 12,
        channels: int = 768,
        hidden: int = 512,
        width: int = 1024,
        token_count: int = 32,
    ) -> None:
        """Build the projector.

        Args:
            layers: Channels of each attention layer that reads the tokens, by its name in the UNet.
            moments: Moments heard around a frame.
            states: Layers of the speech model that are heard.
            channels: Channels of each.
            hidden: Width of the MLP.
            width: Channels of a token.
            token_count: Tokens for a frame.
        """
        super().__init__()
        self.proj1, self.proj2 = nn.Linear(moments * states * channels, hidden), nn.Linear(hidden, hidden)
        self.proj3, self.norm = nn.Linear(hidden, token_count * width), nn.LayerNorm(width)
        self.width, self.act = width, nn.ReLU()
        self.attention = LayerTokens(layers, width)

    def encode(self, heard: Tensor, region: Tensor) -> tuple[KeysAndValues, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Turn a window's speech into tokens.

        Args:
            heard: (F, W, L, D): W moments of L layers around each frame.
            region: (F, h, w) in [0, 1]: where the face is.

        Returns:
            Keys and values of each layer, and the region.
        """
        hidden = self.act(self.proj2(self.act(self.proj1(heard.flatten(1)))))
        tokens = self.norm(self.proj3(hidden).unflatten(-1, (-1, self.width)))
        return self.attention(tokens), region

    def forward(self, inputs: UNetInputs, features: tuple[KeysAndValues, Tensor]) -> Injections:
        """Add the tokens where the face is.

        Args:
            inputs: The UNet's own.
            features: From `encode`.
        """
        made, region = features
        return Injections(attention=added_tokens(inputs, made, region))
