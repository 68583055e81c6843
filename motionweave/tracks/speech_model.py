"""The speech model: a published Wav2Vec2, loaded as it is, and where in time each of its frames lies.

Source: Baevski et al., "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations" (2020). Class
and file layout are transformers'; the head that turns features into letters is not used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import prod
from operator import mul
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError, MissingModelError, UnsupportedError
from ..weights.loading import fingerprint, require_files

PARTS = ("config.json", "preprocessor_config.json", "model.safetensors")
UNUSED = "masked_spec_embed"
"""A weight that only training reads; the published checkpoints of speech recognition lack it."""
WEIGHT_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
"""torch's old names and its new ones."""


@dataclass(frozen=True)
class FeatureClock:
    """When a model's frames are, and which samples each of them hears."""

    sample_rate: int
    """Samples per second that the model wants."""
    hop: int
    """Samples from one frame to the next."""
    reach: int
    """Samples that one frame hears; frame k hears ``[k * hop, k * hop + reach)``."""

    @property
    def fps(self) -> Fraction:
        """Frames per second: 50 for published models."""
        return Fraction(self.sample_rate, self.hop)

    @property
    def first_s(self) -> Fraction:
        """The moment of frame 0 in seconds: the middle of the samples that it hears, 12.5 ms for published models."""
        return Fraction(self.reach - 1, 2 * self.sample_rate)

    def frame_count(self, sample_count: int) -> int:
        """Give how many frames a sound of so many samples has; none if it is shorter than `reach`."""
        return max(0, (sample_count - self.reach) // self.hop + 1)


@dataclass(frozen=True)
class SpeechModel:
    """A Wav2Vec2 ready to listen."""

    network: Any
    """transformers' `Wav2Vec2Model`."""
    clock: FeatureClock
    """Its frames in time."""
    normalises: bool
    """Whether it wants every sound at mean 0 and variance 1."""
    digest: str
    """Tells its files from any other's."""

    @property
    def layer_count(self) -> int:
        """Transformer layers; hidden state 0 is what enters the first of them, this one what leaves the last."""
        return int(self.network.config.num_hidden_layers)

    @property
    def width(self) -> int:
        """Numbers in a hidden state of one frame."""
        return int(self.network.config.hidden_size)


def load_speech_model(folder: Path, dtype: torch.dtype = torch.float32) -> SpeechModel:
    """Load a Wav2Vec2 as it is published, such as ``facebook/wav2vec2-base-960h``.

    Args:
        folder: With ``config.json``, ``preprocessor_config.json`` and ``model.safetensors``; the weights may be those
            of the bare model or of one with a head, and name their weight norm in the old way or in the new one.
        dtype: Precision to run in.

    Returns:
        The model on the CPU.

    Raises:
        MissingModelError: If a file is missing, or the weights are not all there.
        UnsupportedError: If it is another kind of speech model.
    """
    require_files(folder, PARTS, "a Wav2Vec2")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "wav2vec2" or config.get("adapter_attn_dim") is not None:
        raise UnsupportedError(
            f"a speech model of type '{config.get('model_type')}'", "Load a plain Wav2Vec2 such as wav2vec2-base-960h."
        )
    network = _load_network(folder, dtype)
    reading = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    strides, kernels = network.config.conv_stride, network.config.conv_kernel
    # Each kernel spans as many samples as one step of its layer is long.
    steps = accumulate(strides, mul, initial=1)
    reach = 1 + sum((kernel - 1) * step for kernel, step in zip(kernels, steps))  # noqa: B905 - one step more
    return SpeechModel(
        network=network,
        clock=FeatureClock(int(reading.get("sampling_rate", 16_000)), prod(strides), reach),
        normalises=bool(reading.get("do_normalize", True)),
        digest=fingerprint(folder),
    )


def _load_network(folder: Path, dtype: torch.dtype) -> Any:
    """Fill transformers' network from the file, name by name.

    Its own loader, up to transformers 4.55 at the least, gives published checkpoints random weights in the positional
    convolution, without a word: they lack `UNUSED`, so it initialises what it takes for missing, and it takes the
    convolution for that, whose weight norm they name in the old way.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    network: Any = Wav2Vec2Model(Wav2Vec2Config.from_pretrained(folder, local_files_only=True))
    try:
        weights = {_name(key): value for key, value in load_file(folder / PARTS[-1]).items()}
        missing = [key for key in network.load_state_dict(weights, strict=False).missing_keys if key != UNUSED]
    except (OSError, SafetensorError, RuntimeError) as error:
        raise MissingModelError(folder.name, (folder,), f"{PARTS[-1]} could not be loaded: {error}") from error
    if missing:
        raise MissingModelError(
            folder.name,
            (folder,),
            f"model.safetensors lacks {len(missing)} of Wav2Vec2's weights, such as {missing[0]}; get the files again.",
        )
    if network.config.num_hidden_layers < 1:
        raise InputError(f"{folder.name} has {network.config.num_hidden_layers} layers; expected at least one")
    return network.to(dtype).eval().requires_grad_(False)


def _name(key: str) -> str:
    """Give a weight's name in the bare network, with its weight norm named in the new way."""
    for old, new in WEIGHT_NORM.items():
        key = key.replace(old, new)
    return key.removeprefix("wav2vec2.")
