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
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

Move = Literal["opening", "yaw", "pitch", "roll"]
"""What can be told of a face: the mouth in [0, 1], the head in radians, as `tracks.speech_motion` defines them."""

LARGEST_ANGLE = math.pi / 4
"""Radians that a head turns at most with a voice."""


class AudioMotionConfig(BaseModel):
    """What ``config.json`` says of a network."""

    # pydantic before 2.10 keeps names with `model_` for itself.
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
    model_type: Literal["motionweave_audio_motion"] = "motionweave_audio_motion"
    """By which it is told from other projects' models."""
    speech_model: str = Field(min_length=1)
    """Name of the speech model on whose states it was trained: a manifest id, or a folder's name."""
    layers: int = Field(gt=0)
    """Hidden states that are mixed: what leaves each of the speech model's layers."""
    features: int = Field(gt=0)
    """Numbers in one of them."""
    attention_s: float | None = Field(default=None, gt=0)
    """How far the speech model's attention saw to either side in training, in seconds; None for all of a sound."""
    width: int = Field(gt=0)
    """Numbers by which a moment is described; a multiple of `heads`."""
    depth: int = Field(gt=0)
    """Transformer layers."""
    heads: int = Field(gt=0)
    """Attention heads of each; they look at moments spread evenly over the reach."""
    feed_forward: int = Field(gt=0)
    """Inner width of a layer's feed-forward part."""
    reach_s: float = Field(gt=0)
    """How far one layer looks to either side, in seconds."""
    outputs: tuple[Move, ...] = Field(min_length=1)
    """What it tells, each once; whatever is missing is left to others."""

    @model_validator(mode="after")
    def _fits_together(self) -> AudioMotionConfig:
        """Refuse heads that do not share the width, and outputs that are told twice."""
        if self.width % self.heads or len(set(self.outputs)) < len(self.outputs):
            raise ValueError(f"{self.heads} heads of {self.width}, telling {', '.join(self.outputs)}, cannot be built")
        return self


class AudioMotionNet(nn.Module):
    """Reads mouth and head from hidden states of speech."""

    def __init__(self, config: AudioMotionConfig) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.config = config
        self.mix = nn.Parameter(torch.zeros(config.layers))
        self.enter = nn.Sequential(nn.LayerNorm(config.features), nn.Linear(config.features, config.width))
        # Not "gelu" nor "relu": with those torch takes a shortcut in inference that reads the bias as a mask of what
        # must not be seen, and gives no numbers at all.
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            config.feed_forward,
            dropout=0.0,
            activation=F.silu,
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(
            layer, config.depth, nn.LayerNorm(config.width), enable_nested_tensor=False
        )
        self.leave = nn.Linear(config.width, len(config.outputs))

    @property
    def halo_s(self) -> float:
        """Seconds to either side that a moment's answer hangs on."""
        return self.config.depth * self.config.reach_s

    def forward(self, states: Tensor, rate_hz: float) -> Tensor:
        """Tell the motion.

        Args:
            states: (B, T, L, D): T moments, L layers of the speech model.
            rate_hz: Moments per second.

        Returns:
            (B, T, M): the config's `outputs` in their order; openings in [0, 1], angles in radians.
        """
        mixed = (states * self.mix.softmax(0)[:, None]).sum(2)
        bias = self._bias(states.shape[1], rate_hz, states.device).to(mixed)
        hidden = self.encoder(self.enter(mixed), bias.repeat(states.shape[0], 1, 1))  # (B heads) T T
        told = self.leave(hidden)
        is_opening = torch.tensor([name == "opening" for name in self.config.outputs], device=told.device)
        return torch.where(is_opening, told.sigmoid(), LARGEST_ANGLE * told.tanh())

    def _bias(self, count: int, rate_hz: float, device: torch.device) -> Tensor:
        """Give what is added to the heads' logits, (heads, T, T): bells about their moments, nothing past the reach."""
        heads, reach_s = self.config.heads, self.config.reach_s
        places = torch.arange(count, device=device)
        # Counted before it is divided: seconds late in a sound would be rounded otherwise than early ones.
        apart = (places - places[:, None]) / rate_hz  # T T: positive for what comes after
        centres = torch.linspace(-0.5, 0.5, heads, device=device)[:, None, None] * reach_s
        bell = -(((apart - centres) / (reach_s / heads)) ** 2) / 2
        # A little more, so that a moment at the very reach is seen whatever the rounding.
        return bell.masked_fill(apart.abs() > reach_s * (1 + 1e-6), -math.inf)
