"""Recipes: a YAML file that says what to train, on what, for how long; checked before anything is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Union

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..errors import InputError

_STRICT = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(BaseModel):
    """Which clips to render."""

    model_config = _STRICT
    clips: int = Field(gt=0)
    """How many, each of another character."""
    frames: int = Field(gt=0)
    """Frames in a clip."""
    size: int = Field(gt=0, multiple_of=8)
    """Width and height in pixels."""
    first_seed: int = Field(default=0, ge=0)
    """Seed of the first clip."""


class LoopRecipe(BaseModel):
    """How long and how fast."""

    model_config = _STRICT
    steps: int = Field(gt=0)
    """Optimiser steps."""
    learning_rate: float = Field(gt=0)
    """Peak of the schedule."""
    warmup: int = Field(default=20, ge=1)
    """Steps of linear rise."""
    ema: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the averaged weights that are kept."""
    seed: int = 0
    """Seeds everything random."""


class VAERecipe(BaseModel):
    """Mini's temporal VAE."""

    model_config = _STRICT
    kind: Literal["vae"]
    data: DataRecipe
    loop: LoopRecipe
    widths: tuple[int, ...]
    """Channels from full size to the smallest, multiples of 32; at least 96 at full size."""
    crop: int = Field(multiple_of=8)
    """Pixels of the square that most steps see."""
    clips: int = Field(gt=0)
    """Clips a step."""
    frames: int = Field(ge=3)
    """Frames a clip."""
    whole_from: float = Field(default=0.88, ge=0, le=1)
    """Part of the steps after which whole pictures are seen, one clip a step."""


class ImageEncoderRecipe(BaseModel):
    """Mini's CLIP vision tower."""

    model_config = _STRICT
    kind: Literal["image_encoder"]
    data: DataRecipe
    loop: LoopRecipe
    width: int
    """Hidden size."""
    layers: int
    """Transformer layers."""
    heads: int
    """Attention heads."""
    embedding: int
    """Size of the embedding, the UNet's cross-attention width."""
    patch: int
    """Pixels of a patch, of a picture of 224."""
    batch: int = Field(gt=0)
    """Pictures a step."""


class DenoiserRecipe(BaseModel):
    """Mini's UNet and pose ControlNet."""

    model_config = _STRICT
    kind: Literal["denoiser"]
    data: DataRecipe
    loop: LoopRecipe
    vae: str
    """Folder of the trained VAE, below the output folder."""
    image_encoder: str
    """Folder of the trained vision tower, below the output folder."""
    widths: tuple[int, ...]
    """Channels from the largest latents to the smallest, multiples of 32."""
    heads: tuple[int, ...]
    """Attention heads of each level."""
    layers: int = Field(gt=0)
    """Resnets of each level."""
    control_widths: tuple[int, ...]
    """Channels of the control picture's encoder; each but the first halves the size."""
    batch: int = Field(gt=0)
    """Clips a step."""
    overlap: int = Field(gt=0)
    """Context frames that the finished model asks for by default."""


Recipe = Annotated[Union[VAERecipe, ImageEncoderRecipe, DenoiserRecipe], Field(discriminator="kind")]  # noqa: UP007


def read_recipe(path: Path) -> VAERecipe | ImageEncoderRecipe | DenoiserRecipe:
    """Read and check a recipe.

    Raises:
        InputError: If the file cannot be read or a field is wrong; the message names the first one.
    """
    try:
        return TypeAdapter(Recipe).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"the recipe {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        raise InputError(f"the recipe {path.name} is wrong at {place}: {first['msg']}") from error
