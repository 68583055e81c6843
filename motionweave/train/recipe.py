"""Recipes: a YAML file that says what to train, on what, for how long; checked before anything is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Union

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..errors import InputError
from .tuning_recipe import TuningRecipe


class _Strict(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(_Strict):
    """Which clips to render."""

    clips: int = Field(gt=0)
    """How many, each of another character."""
    frames: int = Field(gt=0)
    """Frames in a clip."""
    size: int = Field(gt=0, multiple_of=8)
    """Width and height in pixels."""
    first_seed: int = Field(default=0, ge=0)
    """Seed of the first clip."""


class LoopRecipe(_Strict):
    """How long and how fast."""

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


class VAERecipe(_Strict):
    """Mini's temporal VAE."""

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


class ImageEncoderRecipe(_Strict):
    """Mini's CLIP vision tower."""

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


class DenoiserRecipe(_Strict):
    """Mini's UNet and pose ControlNet."""

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


class AdaptersRecipe(_Strict):
    """Mini's depth ControlNet, ReferenceNet, speech projector, light encoder and camera encoder."""

    kind: Literal["adapters"]
    data: DataRecipe
    loop: LoopRecipe
    backbone: str
    """Folder of the trained backbone, below the output folder."""
    controlnet: str
    """Folder of the trained pose ControlNet, below the output folder."""
    speech: str
    """Folder of the trained speech model, below the output folder."""
    faces: str
    """Folder of the trained face models, below the output folder."""
    hidden: int = Field(gt=0, multiple_of=2)
    """Width of the adapters' own layers."""
    batch: int = Field(gt=0)
    """Clips a step."""
    shares: dict[Literal["pose", "depth", "reference", "speech", "light", "camera"], float]
    """How often each control acts."""
    trained: tuple[Literal["depth", "reference", "speech", "light", "camera"], ...]
    """Which of them learn."""
    noise: tuple[float, float] = (0.7, 1.6)
    """Mean and deviation of the logarithm of the noise levels; SVD's by default."""
    with_unet: bool = False
    """Whether the UNet learns along; the pose ControlNet never does."""
    begun: bool = False
    """Whether to begin with the adapters that are in the output folder."""


class RenderedRecipe(_Strict):
    """Which characters to render, and how to learn from them."""

    characters: int = Field(gt=0)
    """How many, from seed 0 on."""
    size: int = Field(gt=0)
    """Width and height of the rendered pictures in pixels."""
    batch: int = Field(gt=0)
    """Pictures a step."""
    loop: LoopRecipe


class ViewsRecipe(RenderedRecipe):
    """Characters, each in a few pictures that stand alone."""

    views: int = Field(gt=0)
    """Pictures of each."""


class DetectorRecipe(ViewsRecipe):
    """Mini's detector of people, YOLOX's contract."""

    kind: Literal["detector"]
    side: int = Field(gt=0, multiple_of=32)
    """Width and height of the network's input."""
    widths: tuple[int, int, int, int]
    """Channels at strides 4, 8, 16 and 32."""


class PoseEstimatorRecipe(ViewsRecipe):
    """Mini's whole-body estimator, SimCC's contract."""

    kind: Literal["pose_estimator"]
    width: int = Field(gt=0, multiple_of=16)
    """Width of the network's input."""
    height: int = Field(gt=0, multiple_of=16)
    """Height of the network's input."""
    widths: tuple[int, int, int, int]
    """Channels at strides 2, 4, 8 and 16."""
    token: int = Field(gt=0, multiple_of=4)
    """Numbers by which a point is described."""


class FacesRecipe(ViewsRecipe):
    """Which faces to render for the face models."""

    views: int = Field(gt=1)
    """Pictures of each; the first half are portraits."""


class FaceDetectorRecipe(FacesRecipe):
    """Mini's detector of faces, SCRFD's contract."""

    kind: Literal["face_detector"]
    side: int = Field(gt=0, multiple_of=32)
    """Width and height of the pictures that it is trained on."""
    widths: tuple[int, int, int, int, int]
    """Channels at strides 2, 4, 8, 16 and 32."""


class FaceEmbedderRecipe(FacesRecipe):
    """Mini's face recogniser, ArcFace's contract."""

    kind: Literal["face_embedder"]
    widths: tuple[int, int, int, int]
    """Channels at strides 2, 4, 8 and 16."""


class DepthRecipe(ViewsRecipe):
    """Mini's depth model, Depth Anything V2's class."""

    kind: Literal["depth"]
    size: int = Field(gt=0, multiple_of=14)
    """Width and height of the pictures, which the network sees whole."""
    width: int = Field(gt=0)
    """Hidden size of the vision transformer."""
    layers: int = Field(ge=4)
    """Its layers."""
    heads: int = Field(gt=0)
    """Its attention heads."""
    mlp_ratio: int = Field(default=4, gt=0)
    """Its feed-forward width over its hidden size."""
    neck: tuple[int, int, int, int]
    """Channels of the four maps that are put together."""
    fusion: int = Field(gt=0, multiple_of=2)
    """Channels in which they are."""


class VoicesRecipe(_Strict):
    """Which voices to hear, and what both transformers that learn from them have."""

    voices: int = Field(gt=0)
    """How many speak."""
    voice_s: float = Field(gt=0)
    """Seconds that each of them speaks."""
    seconds: float = Field(gt=0)
    """Seconds that a step hears of a voice."""
    batch: int = Field(gt=0)
    """Voices a step."""
    heads: int = Field(gt=0)
    """Attention heads of each layer."""
    feed_forward: int = Field(gt=0)
    """Inner width of a layer's feed-forward part."""
    loop: LoopRecipe


class SpeechRecipe(VoicesRecipe):
    """Mini's Wav2Vec2; its voices are those from seed 0 on."""

    kind: Literal["speech"]
    conv_width: int = Field(gt=0)
    """Channels of the seven convolutions."""
    width: int = Field(gt=0, multiple_of=16)
    """Size of a hidden state."""
    layers: int = Field(gt=0)
    """Transformer layers."""


class AudioMotionRecipe(VoicesRecipe):
    """Mini's audio-motion transformer; the speech model's attention sees as far as a voice speaks."""

    kind: Literal["audio_motion"]
    speech: str
    """Folder of the trained speech model that it listens through, below the output folder."""
    speech_model: str
    """Name by which that one is found when the finished model is loaded."""
    first_seed: int = Field(default=0, ge=0)
    """Seed of the first voice; better not one that the speech model was trained on."""
    width: int = Field(gt=0)
    """Numbers by which a moment is described."""
    depth: int = Field(gt=0)
    """Transformer layers."""
    reach_s: float = Field(gt=0)
    """How far a layer looks to either side, in seconds."""


class UpscalerRecipe(RenderedRecipe):
    """Mini's upscaler, Real-ESRGAN's compact network."""

    kind: Literal["upscaler"]
    vae: str
    """Folder of the trained VAE, below the output folder."""
    frames: int = Field(gt=0)
    """Consecutive frames of each character."""
    size: int = Field(gt=0, multiple_of=8)
    """Width and height of the small pictures in pixels."""
    crop: int = Field(gt=0)
    """Width and height of the squares that a step sees, one of each picture."""
    width: int = Field(gt=0)
    """Channels of the network."""
    layers: int = Field(gt=0)
    """Convolutions between the first and the last."""


Recipe = Union[  # noqa: UP007
    AdaptersRecipe,
    DepthRecipe,
    VAERecipe,
    ImageEncoderRecipe,
    DenoiserRecipe,
    DetectorRecipe,
    PoseEstimatorRecipe,
    FaceDetectorRecipe,
    FaceEmbedderRecipe,
    SpeechRecipe,
    AudioMotionRecipe,
    UpscalerRecipe,
    TuningRecipe,
]
"""Any recipe; its ``kind`` says which."""


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        InputError: If the file cannot be read or a field is wrong; the message names the first one.
    """
    adapter: TypeAdapter[Recipe] = TypeAdapter(Annotated[Recipe, Field(discriminator="kind")])
    try:
        return adapter.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"the recipe {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        raise InputError(f"the recipe {path.name} is wrong at {place}: {first['msg']}") from error
