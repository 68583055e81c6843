"""What Mini's audio-motion transformer learns from, its files, and the mouths that the shipped one opens."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.marionette.motion import mouth_opening
from motionweave.marionette.voice import speak
from motionweave.models.audio_motion import AudioMotionConfig, AudioMotionNet
from motionweave.models.audio_motion_model import load_audio_motion_model, load_audio_motion_net, read_motion
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.prosody import read_prosody
from motionweave.tracks.speech_model import FeatureClock, load_speech_model
from motionweave.tracks.speech_motion import speech_motion
from motionweave.train.audio_motion import (
    VOICELESS,
    HeardVoices,
    motion_losses,
    train_audio_motion,
    utter,
)
from motionweave.train.job import Job
from motionweave.train.loop import LoopOptions
from motionweave.train.recipe import AudioMotionRecipe, read_recipe
from motionweave.types import Audio

ROOT = Path(__file__).parents[3]
CLOCK = FeatureClock(16_000, 320, 400)
RECIPE = AudioMotionRecipe(
    kind="audio_motion", speech="wav2vec2", speech_model="tiny", first_seed=5, voices=3, voice_s=2.5, seconds=1,
    batch=2, width=16, depth=1, heads=2, feed_forward=16, reach_s=0.1, loop={"steps": 2, "learning_rate": 0.01},
)  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder as recipes write it, with a tiny speech model."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    root = tmp_path_factory.mktemp("trained")
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    Wav2Vec2Model(config).save_pretrained(root / "wav2vec2")
    (root / "wav2vec2/preprocessor_config.json").write_text(json.dumps({"sampling_rate": 16_000}))
    return root


@pytest.fixture(scope="module")
def voices(models):
    return HeardVoices(RECIPE, load_speech_model(models / "wav2vec2"))


def test_mouths_are_told_at_the_moments_that_the_speech_model_hears():
    plain = next(each for each in (utter(RECIPE, CLOCK, index) for index in range(1, 12)) if each.opening[50:].all())
    seed = next(
        5 + index for index in range(1, 12) if utter(RECIPE, CLOCK, index).opening[50:].equal(plain.opening[50:])
    )
    moments = np.arange(len(plain.opening)) / 50 + 0.0124688
    assert len(moments) == CLOCK.frame_count(len(plain.sound))
    assert plain.opening.numpy() == pytest.approx(mouth_opening(seed, moments), abs=1e-3)


def test_where_a_voice_falls_silent_its_mouth_is_closed():
    gapped = [
        each
        for each in (utter(RECIPE, CLOCK, index) for index in range(1, VOICELESS))
        if (each.opening == 0).sum() > 15
    ]
    assert gapped
    for each in gapped:
        first = int((each.opening == 0).nonzero()[3])
        within, whole = each.sound[first * 320 : (first + 10) * 320], each.sound
        assert within.std() < 0.5 * whole.std()


def test_some_sounds_hold_no_voice_and_one_nothing_at_all():
    nothing, noise = utter(RECIPE, CLOCK, 0), utter(RECIPE, CLOCK, VOICELESS)
    assert not nothing.sound.any()
    assert noise.sound.std() > 0
    assert not nothing.opening.any()
    assert not noise.opening.any()


def test_evaluation_seeds_never_speak_in_training(models):
    late = RECIPE.model_copy(update={"first_seed": 999_998})
    with pytest.raises(InputError, match="evaluation"):
        HeardVoices(late, load_speech_model(models / "wav2vec2"))


def test_pieces_are_states_with_their_own_mouths(voices):
    states, opening = voices.sample(4, 1.0, torch.Generator().manual_seed(0))
    assert states.shape == (4, 50, 2, 16)
    assert opening.shape == (4, 50)
    for heard, mouth in zip(states, opening, strict=True):
        places = (voices.opening.unfold(1, 50, 1) == mouth).all(-1).nonzero().tolist()
        assert any(torch.equal(voices.states[voice, start : start + 50].float(), heard) for voice, start in places)


def test_training_lowers_the_loss_on_what_it_saw(voices):
    torch.manual_seed(0)
    config = AudioMotionConfig(
        speech_model="tiny", layers=2, features=16, width=16, depth=1, heads=2, feed_forward=16, reach_s=0.1,
        outputs=("opening",),
    )  # fmt: skip
    net = AudioMotionNet(config)
    optimizer, seen = torch.optim.Adam(net.parameters(), 1e-2), []
    for _ in range(40):
        loss = motion_losses(net, voices, RECIPE, torch.Generator().manual_seed(1))["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append(float(loss.detach()))
    assert seen[-1] < 0.5 * seen[0]


def test_what_is_written_loads_again_and_names_what_it_listens_through(models):
    job = Job(LoopOptions(steps=2, learning_rate=0.01, warmup=1), models, models, models / "run")
    config = load_audio_motion_net(train_audio_motion(RECIPE, job)).config
    assert (config.speech_model, config.layers, config.features, config.attention_s) == ("tiny", 2, 16, 2.5)
    assert config.outputs == ("opening",)


def test_the_recipe_of_mini_keeps_off_the_speech_models_own_voices():
    recipe, speech = (read_recipe(ROOT / f"recipes/mini/{name}.yaml") for name in ("audio_motion", "wav2vec2"))
    assert recipe.first_seed >= speech.voices
    assert recipe.first_seed + recipe.voices < 1_000_000


@pytest.fixture
def runtime(tmp_path):
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp"))


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    if not (ROOT / "mini/audio-motion").is_dir():
        pytest.skip("this checkout carries no mini/audio-motion")
    root = tmp_path_factory.mktemp("none")
    return load_audio_motion_model("mini-audio-motion", Folders(root, root, root))


def test_minis_mouth_follows_held_out_speakers_closer_than_loudness_does(mini, runtime):
    times = np.arange(100) / 25
    for seed in range(1_000_000, 1_000_004):
        sound, true = speak(seed, 4.0), mouth_opening(seed, times)
        prosody = read_prosody(sound)
        heard = speech_motion(prosody, Fraction(25), 100, 0).opening
        told = speech_motion(prosody, Fraction(25), 100, 0, read_motion(sound, mini, runtime)).opening
        assert np.corrcoef(told, true)[0, 1] > 0.99
        assert np.abs(told - true).mean() < np.abs(heard - true).mean()


@pytest.mark.parametrize("loudness", [0.0, 0.05])
def test_minis_mouth_stays_closed_where_nobody_speaks(mini, runtime, loudness):
    noise = torch.randn(1, 48_000, generator=torch.Generator().manual_seed(9)) * loudness
    assert read_motion(Audio(noise, 16_000), mini, runtime).values["opening"].max() < 0.1


def test_mini_is_small_and_says_how_it_was_made(mini):
    folder = ROOT / "mini/audio-motion"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 400_000
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(word in card for word in ("recipes/mini/audio_motion.yaml", "seed 0", "two processor cores"))
    assert mini.net.config.outputs == ("opening",)
