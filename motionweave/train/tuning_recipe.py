"""The recipe that trains one adapter on a prepared dataset, beside a backbone that stays as it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self

ROLES = {"pose": "controlnet", "depth": "controlnet", "identity": "reference_net", "lora": "lora"}
"""Roles under which loaders list what recipes train; the others are adapters."""


class TuningLoop(BaseModel):
    """How long and how fast."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    steps: int = Field(gt=0)
    """Optimiser steps."""
    learning_rate: float = Field(gt=0)
    """Peak of the schedule: a linear rise, then a cosine to a twentieth."""
    warmup: int = Field(default=20, ge=1)
    """Steps of the rise."""
    weight_decay: float = Field(default=0.01, ge=0)
    """AdamW's."""
    ema: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the averaged weights, which are what is written in the end."""
    clip_norm: float = Field(default=1.0, gt=0)
    """Longest gradient; longer ones are scaled to it."""
    batch: int = Field(default=1, gt=0)
    """Windows that one process computes together."""
    accumulate: int = Field(default=1, gt=0)
    """Batches whose gradients make one step."""
    save_every: int = Field(default=200, gt=0)
    """Steps between checkpoints."""
    measure_every: int = Field(default=200, gt=0)
    """Steps between looks at held-out windows, where the dataset has `test` clips."""
    sample_every: int = Field(default=500, ge=0)
    """Steps between sample videos, of held-out windows where there are some; 0 makes none."""
    seed: int = Field(default=0, ge=0)
    """Seeds everything random."""


class LoraOptions(BaseModel):
    """What a LoRA is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rank: int = Field(default=16, gt=0)
    """Width of the way through; the LoRA's size grows with it."""
    alpha: float = Field(default=16.0, gt=0)
    """Its strength is alpha / rank."""
    targets: tuple[Literal["to_q", "to_k", "to_v", "to_out"], ...] = ("to_q", "to_k", "to_v", "to_out")
    """Projections of attention layers."""
    layers: Literal["both", "spatial", "temporal"] = "both"
    """Whether it changes how pictures look, how they move, or both."""


class SpeechOptions(BaseModel):
    """What hears, and what is made of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = "mini-wav2vec2"
    """Name of the speech model; Encode Speech must use the same one."""
    hidden: int = Field(default=512, gt=0)
    """Width of the layers that make tokens of what is heard."""
    tokens: int = Field(default=32, gt=0)
    """Tokens that a frame's face reads."""


class LightOptions(BaseModel):
    """What is made of a light."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    hidden: int = Field(default=512, gt=0)
    """Width of the layers that make style and tokens of a light."""
    tokens: int = Field(default=8, gt=0)
    """Tokens that a frame reads."""


class CameraOptions(BaseModel):
    """What is made of a camera."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    hidden: int = Field(default=256, gt=0)
    """Channels of the pyramid that rays go through."""


class TuningRecipe(BaseModel):
    """One adapter, trained on a prepared dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["tuning"]
    trains: Literal["pose", "depth", "identity", "lora", "speech", "light", "camera"]
    """What learns: a ControlNet for pose maps or for depth maps, whole; of a ReferenceNet its first convolution,
    self-attentions and readers; a LoRA on the UNet's attention; a speech projector, a light encoder or a camera
    encoder, whole. The backbone's own weights stay."""
    name: str = Field(pattern=r"^[\w-]+$")
    """Folder of the finished adapter, or file of the LoRA, below the output folder."""
    dataset: str
    """Folder of the dataset, prepared with this backbone; relative to the working folder."""
    backbone: str = "mini-svd"
    """Name or folder of the backbone."""
    begin: str = ""
    """Name or folder (a LoRA's file) of the same kind to go on from; empty to begin from a copy of the backbone, or
    from nothing."""
    frames: int = Field(ge=1)
    """Frames in a window; better the backbone's own number."""
    fps: tuple[int | str, ...] = ()
    """Frame rates, such as 12 or 30000/1001, one drawn for each window; none keeps each film's own."""
    control_widths: tuple[int, ...] = (16, 32, 96, 256)
    """Channels of a new ControlNet's picture encoder, each but the first halving the size; four make SVD's eighth."""
    lora: LoraOptions = LoraOptions()
    """For ``lora``."""
    speech: SpeechOptions = SpeechOptions()
    """For ``speech``."""
    light: LightOptions = LightOptions()
    """For ``light``."""
    camera: CameraOptions = CameraOptions()
    """For ``camera``."""
    weighting: Literal["edm", "min_snr"] = "edm"
    """How noise levels count: as in EDM, or no more than `snr_gamma` (Hang et al., 2023)."""
    snr_gamma: float = Field(default=5.0, gt=0)
    """For ``min_snr``."""
    noise: tuple[float, float] = (0.7, 1.6)
    """Mean and deviation of the logarithm of the noise levels; SVD's by default."""
    drop_image: float = Field(default=0.1, ge=0, le=1)
    """Share of the windows that do not see the reference, so that guidance has something to compare with."""
    context: float = Field(default=0.5, ge=0, le=1)
    """Share of the steps whose windows begin with known frames, as windows of long videos do."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Precision of the computation; weights and optimiser stay in float32."""
    checkpointing: bool = False
    """Whether to compute activations twice rather than keep them: less memory, a third more time. Not for identity,
    speech and light."""
    workers: int = Field(default=0, ge=0)
    """Processes that read windows ahead."""
    trackers: tuple[str, ...] = ()
    """Where to log beside the CSV file: ``tensorboard``, ``wandb`` or another that accelerate knows."""
    loop: TuningLoop

    @property
    def role(self) -> str:
        """The role under which its loader lists it."""
        return ROLES.get(self.trains, "adapter")

    @field_validator("fps")
    @classmethod
    def _rates(cls, rates: tuple[int | str, ...]) -> tuple[int | str, ...]:
        try:
            wrong = [rate for rate in rates if Fraction(rate) <= 0]
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError(f"{error}; expected frame rates such as 12 or 30000/1001") from error
        if wrong:
            raise ValueError(f"a frame rate of {wrong[0]} was given; expected more than 0")
        return rates

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.checkpointing and self.trains in ("identity", "speech", "light"):
            # Tokens that the UNet's attention reads are there in its first pass only.
            raise ValueError(
                f"checkpointing does not go with {self.trains}; set it to false and train on shorter windows"
            )
        return self
