"""Mini's Wav2Vec2: transformers' own class with the published kernels and strides, trained on Marionette's voices.

A linear head, which is dropped afterwards, reads the opening of the mouth and the pitch from each layer's features at
each feature's own moment. The voices are changed in loudness and mixed with noise, so that features do not hang on
either.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..marionette.motion import mouth_opening
from ..marionette.voice import pitch_hz, speak
from ..media import resample_audio
from ..tracks.speech_model import FeatureClock
from .job import Job
from .loop import fit
from .recipe import SpeechRecipe
from .rendered import training_seeds

SAMPLE_RATE = 16_000
CLOCK = FeatureClock(SAMPLE_RATE, 320, 400)
"""Of the published kernels and strides, which are transformers' defaults."""
MIDDLE_HZ = 150.0
"""Pitch that is told as 0; an octave above it is told as 1."""
NOISE_DB = (-50.0, -12.0)
"""Noise under the voice, in decibels of its loudness."""
EXTRACTOR = {
    "do_normalize": True,
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "feature_size": 1,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": False,
    "sampling_rate": SAMPLE_RATE,
}
"""Settings of wav2vec2-base-960h's feature extractor."""


class Voices:
    """Voices in memory, and what their speakers do."""

    def __init__(self, count: int, seconds: float) -> None:
        """Let as many speakers speak, from seed 0 on.

        Raises:
            InputError: If voices that are kept for evaluation would speak.
        """
        self.seconds = seconds
        sounds = (resample_audio(speak(seed, seconds), SAMPLE_RATE).waveform[0] for seed in training_seeds(count))
        self.sounds = torch.stack([(sound * 32767).round().to(torch.int16) for sound in sounds])

    def sample(self, count: int, seconds: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut pieces out of some voices.

        Returns:
            Sounds (B, N) of mean 0 and variance 1 with noise, and (B, T, 2) opening and octaves above `MIDDLE_HZ`.
        """
        length = round(seconds * SAMPLE_RATE)
        chosen = torch.randint(len(self.sounds), (count,), generator=generator).tolist()
        starts = torch.randint(self.sounds.shape[1] - length + 1, (count,), generator=generator).tolist()
        places = list(zip(chosen, starts, strict=True))
        sounds = torch.stack([self.sounds[seed, start : start + length] for seed, start in places]).float()
        loudness = sounds.std(-1, keepdim=True) + 1
        decibels = torch.empty(count, 1).uniform_(*NOISE_DB, generator=generator)
        noise = torch.randn(sounds.shape, generator=generator) * loudness * 10 ** (decibels / 20)
        mixed = sounds + noise
        mixed = (mixed - mixed.mean(-1, keepdim=True)) / mixed.std(-1, keepdim=True)
        frames = np.arange(CLOCK.frame_count(length)) / float(CLOCK.fps) + float(CLOCK.first_s)
        told = [truth(seed, start / SAMPLE_RATE + frames) for seed, start in places]
        return mixed, torch.stack(told)


def truth(seed: int, time_s: np.ndarray) -> Tensor:
    """Give what is asked of each frame: opening in [0, 1] and octaves of pitch above `MIDDLE_HZ`, (T, 2) float32."""
    octaves = np.log2(pitch_hz(seed, time_s) / MIDDLE_HZ)
    return torch.from_numpy(np.stack([mouth_opening(seed, time_s), octaves], -1).astype(np.float32))


class SpeechReader(nn.Module):
    """The model, and what is asked of it in training."""

    def __init__(self, recipe: SpeechRecipe) -> None:
        """Build it with random weights."""
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        super().__init__()
        config = Wav2Vec2Config(
            hidden_size=recipe.width,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            intermediate_size=recipe.feed_forward,
            conv_dim=(recipe.conv_width,) * 7,
            hidden_dropout=0.0,
            activation_dropout=0.0,
            attention_dropout=0.0,
            feat_proj_dropout=0.0,
            layerdrop=0.0,
            mask_time_prob=0.0,
        )
        self.network: Any = Wav2Vec2Model(config)
        self.read = nn.ModuleList(nn.Linear(recipe.width, 2) for _ in range(recipe.layers))

    def forward(self, sounds: Tensor) -> list[Tensor]:
        """Read (B, N): for each layer (B, T, 2)."""
        states = self.network(sounds, output_hidden_states=True).hidden_states[1:]
        return [read(state) for read, state in zip(self.read, states, strict=True)]


def speech_losses(
    reader: SpeechReader, voices: Voices, recipe: SpeechRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``mouth`` and ``pitch``, the root mean square errors of the last layer.
    """
    sounds, wanted = voices.sample(recipe.batch, recipe.seconds, generator)
    # Pitch can be heard only where the voice is.
    weight = torch.stack([torch.ones_like(wanted[..., 0]), wanted[..., 0].clamp(max=0.2) * 5], -1)
    errors = [(told.float() - wanted).square() * weight for told in reader(sounds)]
    mouth, pitch = errors[-1].mean((0, 1)).sqrt()
    return {"loss": sum((error.mean() for error in errors), torch.zeros(())), "mouth": mouth, "pitch": pitch}


def train_speech(recipe: SpeechRecipe, job: Job) -> Path:
    """Train Mini's Wav2Vec2 and write ``wav2vec2``."""
    reader, voices = SpeechReader(recipe), Voices(recipe.voices, recipe.voice_s)
    reader.load_state_dict(fit(reader, lambda _, g: speech_losses(reader, voices, recipe, g), job.options, job.run))
    folder = job.output / "wav2vec2"
    reader.network.half().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(EXTRACTOR, indent=2) + "\n", encoding="utf-8")
    return folder
