"""What Mini's Wav2Vec2 learns from, and the files that it becomes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.marionette.motion import mouth_opening
from motionweave.tracks.speech_model import load_speech_model
from motionweave.train.job import Job
from motionweave.train.loop import LoopOptions
from motionweave.train.recipe import SpeechRecipe, read_recipe
from motionweave.train.speech import CLOCK, SpeechReader, Voices, speech_losses, train_speech, truth

RECIPE = SpeechRecipe(
    kind="speech", voices=3, voice_s=1.5, seconds=1, batch=2, conv_width=8, width=16, layers=1, heads=2,
    feed_forward=16, loop={"steps": 2, "learning_rate": 0.01},
)  # fmt: skip


@pytest.fixture(scope="module")
def voices():
    return Voices(3, 1.5)


def test_pieces_are_normalised_and_told_at_their_frames_moments(voices):
    sounds, told = voices.sample(4, 1.0, torch.Generator().manual_seed(0))
    assert sounds.shape == (4, 16_000)
    assert told.shape == (4, 49, 2)
    assert sounds.mean(-1).abs().max() < 1e-4
    assert (sounds.std(-1) - 1).abs().max() < 1e-3
    moments = np.arange(5) / 50 + float(CLOCK.first_s)
    assert truth(1, moments)[:, 0].numpy() == pytest.approx(mouth_opening(1, moments))


def test_evaluation_seeds_never_speak_in_training():
    with pytest.raises(InputError, match="evaluation"):
        Voices(1_000_001, 1.0)


def test_training_lowers_the_loss_on_what_it_saw(voices):
    torch.manual_seed(0)
    reader = SpeechReader(RECIPE)
    optimizer, seen = torch.optim.Adam(reader.parameters(), 3e-3), []
    for _ in range(25):
        loss = speech_losses(reader, voices, RECIPE, torch.Generator().manual_seed(1))["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append(float(loss.detach()))
    assert seen[-1] < 0.7 * seen[0]


def test_what_is_written_loads_as_a_published_model_does(tmp_path):
    job = Job(LoopOptions(steps=2, learning_rate=0.01, warmup=1, bf16=False), tmp_path, tmp_path, tmp_path / "run")
    model = load_speech_model(train_speech(RECIPE, job))
    assert (model.clock, model.normalises, model.layer_count, model.width) == (CLOCK, True, 1, 16)
    assert next(model.network.parameters()).dtype == torch.float32


def test_the_recipe_of_mini_can_be_read():
    recipe = read_recipe(Path(__file__).parents[3] / "recipes/mini/wav2vec2.yaml")
    assert isinstance(recipe, SpeechRecipe)
    assert recipe.voices < 1_000_000
