"""Mini's audio-motion transformer: how far marionettes' mouths are open, from what a speech model hears of them.

Marionettes' heads move on their own, not with the voice, so there is nothing to be learnt of heads. The sounds have
noise under the voice, gaps of silence in it, and some hold no voice at all, so that a mouth stays closed then.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..marionette.motion import mouth_opening
from ..marionette.voice import speak
from ..media import resample_audio
from ..models.audio_motion import AudioMotionConfig, AudioMotionNet
from ..models.audio_motion_model import save_audio_motion_net
from ..tracks.speech_model import FeatureClock, SpeechModel, load_speech_model
from ..tracks.speech_states import hidden_states
from .job import Job
from .loop import fit
from .recipe import AudioMotionRecipe
from .rendered import training_seeds

NOISE_DB = (-50.0, -12.0)
"""Noise under the voice, in decibels of its loudness."""
CLEAN = 0.25
"""Share of the sounds without noise."""
GAPPED, GAP_S = 0.4, (0.4, 2.0)
"""Share of the sounds with a gap of silence, and how long gaps are."""
VOICELESS = 12
"""Every so many sounds one is of noise alone, and every second of those of nothing at all."""


@dataclass(frozen=True)
class Utterance:
    """A sound, and the mouth that makes it."""

    sound: Tensor
    """(N,) at the speech model's sample rate."""
    opening: Tensor
    """(T,) in [0, 1], at the moments of the speech model's frames."""


def utter(recipe: AudioMotionRecipe, clock: FeatureClock, index: int) -> Utterance:
    """Let a voice of the recipe speak, for once in a while hum or keep silent.

    Args:
        recipe: How many voices there are, and for how long each speaks.
        clock: Of the speech model that is to hear it.
        index: Which of the voices, from 0.
    """
    seed, rate = recipe.first_seed + index, clock.sample_rate
    generator = torch.Generator().manual_seed(seed)
    sound = resample_audio(speak(seed, recipe.voice_s), rate).waveform[0]
    time_s = np.arange(clock.frame_count(len(sound))) / float(clock.fps) + float(clock.first_s)
    opening = torch.from_numpy(mouth_opening(seed, time_s)).float()
    noise = torch.randn(len(sound), generator=generator) * sound.std()
    decibels = torch.empty(1).uniform_(*NOISE_DB, generator=generator)
    draws = torch.rand(4, generator=generator).tolist()
    if index % VOICELESS == 0:
        return Utterance(noise * (index // VOICELESS % 2), torch.zeros_like(opening))
    if draws[0] < GAPPED:
        length = GAP_S[0] + draws[1] * (GAP_S[1] - GAP_S[0])
        first = draws[2] * (recipe.voice_s - length)
        sound[round(first * rate) : round((first + length) * rate)] = 0
        opening[torch.from_numpy((time_s >= first) & (time_s < first + length))] = 0
    return Utterance(sound if draws[3] < CLEAN else sound + noise * 10 ** (decibels / 20), opening)


class HeardVoices:
    """What a speech model hears of many voices, kept in memory in half precision, and their mouths."""

    def __init__(self, recipe: AudioMotionRecipe, model: SpeechModel) -> None:
        """Let all of the recipe's voices speak, and listen.

        Raises:
            InputError: If voices that are kept for evaluation would speak.
        """
        seeds = training_seeds(recipe.voices, recipe.first_seed)
        self.rate_hz = float(model.clock.fps)
        spoken = [utter(recipe, model.clock, index) for index in range(len(seeds))]
        self.states = torch.stack([_heard(each.sound, model, recipe.voice_s) for each in spoken])
        """(V, T, L, D) float16."""
        self.opening = torch.stack([each.opening for each in spoken])
        """(V, T)."""

    def sample(self, count: int, seconds: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut pieces out of some voices.

        Returns:
            States (B, T, L, D) float32 and openings (B, T).
        """
        length = min(round(seconds * self.rate_hz), self.opening.shape[1])
        chosen = torch.randint(len(self.opening), (count, 1), generator=generator)
        first = torch.randint(self.opening.shape[1] - length + 1, (count, 1), generator=generator)
        places = first + torch.arange(length)
        return self.states[chosen, places].float(), self.opening[chosen, places]


def _heard(sound: Tensor, model: SpeechModel, attention_s: float) -> Tensor:
    """Give what leaves each layer of the speech model, (T, L, D) float16."""
    every = hidden_states(sound, model, attention_s)
    next(every)  # what enters the first layer
    return torch.stack([states.half() for states in every], 1)


def motion_losses(
    net: AudioMotionNet, voices: HeardVoices, recipe: AudioMotionRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``, and ``mouth``, the root mean square error of the opening.
    """
    states, wanted = voices.sample(recipe.batch, recipe.seconds, generator)
    error = (net(states, voices.rate_hz)[..., 0].float() - wanted).square().mean()
    return {"loss": error, "mouth": error.sqrt()}


def train_audio_motion(recipe: AudioMotionRecipe, job: Job) -> Path:
    """Train Mini's audio-motion transformer and write ``audio-motion``."""
    model = load_speech_model(job.output / recipe.speech)
    config = AudioMotionConfig(
        speech_model=recipe.speech_model,
        layers=model.layer_count,
        features=model.width,
        attention_s=recipe.voice_s,
        width=recipe.width,
        depth=recipe.depth,
        heads=recipe.heads,
        feed_forward=recipe.feed_forward,
        reach_s=recipe.reach_s,
        outputs=("opening",),
    )
    net, voices = AudioMotionNet(config), HeardVoices(recipe, model)
    net.load_state_dict(fit(net, lambda _, g: motion_losses(net, voices, recipe, g), job.options, job.run))
    folder = job.output / "audio-motion"
    save_audio_motion_net(net, folder)
    return folder
