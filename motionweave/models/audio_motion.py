"""The audio-motion transformer: from what a speech model hears to what a face does, moment by moment.

A mix of the speech model's layers goes through a few transformer layers whose heads look at fixed moments before and
after their own, in seconds, and never further than `reach_s`. So it knows no frame rate and no place in the sound, and
what it says of a moment hangs on `halo_s` to either side and on nothing else: a sound cut into pieces with that much
overlap gives the numbers of the whole.

Source: the mix of all layers is that of Peters et al., "Deep Contextualized Word Representations" (2018), section 3.2;
distances in place of positions, added to the attention's logits, are those of Press et al., "Train Short, Test Long:
Attention with Linear Biases" (2022), here a bell about a moment of each head's own rather than a slope, so that heads
tell before from after; a transformer over Wav2Vec2 that moves a face, Fan et al., "FaceFormer" (2022), which draws
frame after frame where this one reads all of them at once, because nothing is drawn at random.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from torch import Tensor, nn

from ..errors import InputError

MOVES = ("opening", "yaw", "pitch", "roll")
"""What can be told of a face: the mouth in [0, 1], the head in radians, as `tracks.speech_motion` defines them."""
LARGEST_ANGLE = math.pi / 4
"""Radians that a head turns at most with a voice."""


class AudioMotionNet(nn.Module, ConfigMixin):
    """Reads mouth and head from hidden states of speech."""

    config_name = "config.json"

    @register_to_config
    def __init__(
        self,
        layers: int,
        features: int,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        feed_forward: int = 128,
        reach_s: float = 0.2,
        outputs: tuple[str, ...] = ("opening",),
        speech_model: str = "",
        attention_s: float | None = None,
    ) -> None:
        """Build the network with random weights.

        Args:
            layers: Hidden states of the speech model that are mixed: what leaves each of its layers.
            features: Numbers in one of them.
            width: Numbers by which a moment is described.
            depth: Transformer layers.
            heads: Attention heads of each; they look at moments spread evenly over the reach.
            feed_forward: Inner width of a layer's feed-forward part.
            reach_s: How far one layer looks to either side, in seconds.
            outputs: What it tells, of `MOVES`; whatever is missing is left to others.
            speech_model: Name of the speech model whose states it was trained on.
            attention_s: How far that model's attention saw to either side in training, in seconds; None for all.

        Raises:
            InputError: If it is to tell nothing, something twice, or what is not known.
        """
        super().__init__()
        if not outputs or len(set(outputs)) < len(outputs) or not set(outputs) <= set(MOVES):
            raise InputError(f"outputs {list(outputs)} were asked for; expected some of {', '.join(MOVES)}, each once")
        del speech_model, attention_s  # of which the config tells
        self.mix = nn.Parameter(torch.zeros(layers))
        self.enter = nn.Sequential(nn.LayerNorm(features), nn.Linear(features, width))
        # Not "gelu" nor "relu": with those torch takes a shortcut in inference that reads the bias as a mask of what
        # must not be seen, and gives no numbers at all.
        layer = nn.TransformerEncoderLayer(
            width, heads, feed_forward, dropout=0.0, activation=F.silu, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.leave = nn.Linear(width, len(outputs))
        self._heads, self._depth, self._reach_s, self._outputs = heads, depth, float(reach_s), tuple(outputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What it tells, of `MOVES`."""
        return self._outputs

    @property
    def halo_s(self) -> float:
        """Seconds to either side that a moment's answer hangs on."""
        return self._depth * self._reach_s

    def forward(self, states: Tensor, rate_hz: float) -> Tensor:
        """Tell the motion.

        Args:
            states: (B, T, L, D): T moments, L layers of the speech model.
            rate_hz: Moments per second.

        Returns:
            (B, T, M): the `outputs` in their order; openings in [0, 1], angles in radians.
        """
        mixed = (states * self.mix.softmax(0)[:, None]).sum(2)
        bias = self._bias(states.shape[1], rate_hz, states.device).to(mixed)
        hidden = self.encoder(self.enter(mixed), bias.repeat(states.shape[0], 1, 1))  # (B heads) T T
        told = self.leave(hidden)
        is_opening = torch.tensor([name == "opening" for name in self._outputs], device=told.device)
        return torch.where(is_opening, told.sigmoid(), LARGEST_ANGLE * told.tanh())

    def _bias(self, count: int, rate_hz: float, device: torch.device) -> Tensor:
        """Give what is added to each head's logits, (heads, T, T): a bell about its moment, nothing beyond the reach."""
        places = torch.arange(count, device=device)
        # Counted before it is divided: seconds late in a sound would be rounded otherwise than early ones.
        apart = (places - places[:, None]) / rate_hz  # T T: positive for what comes after
        centres = torch.linspace(-0.5, 0.5, self._heads, device=device)[:, None, None] * self._reach_s
        bell = -(((apart - centres) / (self._reach_s / self._heads)) ** 2) / 2
        # A little more, so that a moment at the very reach is seen whatever the rounding.
        return bell.masked_fill(apart.abs() > self._reach_s * (1 + 1e-6), -math.inf)
