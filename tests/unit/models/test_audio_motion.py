"""The audio-motion transformer: what a moment hangs on, seconds rather than frames, long sounds, and foreign files."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from motionweave.errors import InputError, MissingModelError
from motionweave.models import audio_motion_model
from motionweave.models.audio_motion import LARGEST_ANGLE, AudioMotionConfig, AudioMotionNet
from motionweave.models.audio_motion_model import (
    AudioMotionModel,
    load_audio_motion_model,
    load_audio_motion_net,
    read_motion,
    save_audio_motion_net,
)
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.prosody import read_prosody
from motionweave.tracks.speech_model import load_speech_model
from motionweave.tracks.speech_motion import speech_motion
from motionweave.types import Audio

RATE = 50.0
CONFIG = AudioMotionConfig(
    speech_model="tiny", layers=3, features=32, width=16, depth=2, heads=4, feed_forward=24, reach_s=0.1,
    outputs=("opening", "yaw", "pitch"),
)  # fmt: skip


def sharp(config: AudioMotionConfig) -> AudioMotionNet:
    """Random weights so large that every moment within the reach shows in the answer."""
    torch.manual_seed(3)
    net = AudioMotionNet(config)
    for weight in net.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.4)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def net():
    return sharp(CONFIG)


@pytest.fixture(scope="module")
def states():
    return torch.randn(2, 120, 3, 32, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    folder = tmp_path_factory.mktemp("models") / "audio_encoders" / "tiny"
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    Wav2Vec2Model(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "sampling_rate": 16_000}))
    return folder


@pytest.fixture
def runtime(tmp_path, speech):
    root = speech.parents[1]
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp", (root,)))


def voice(seconds: float) -> Audio:
    time = torch.arange(round(seconds * 16_000)) / 16_000
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(1))
    return Audio(
        (torch.sin(2 * torch.pi * (150 + 20 * time) * time) * (time * 9).sin() * 0.3 + 0.02 * noise)[None], 16_000
    )


def test_it_tells_one_number_of_each_kind_a_moment_within_its_range(net, states):
    told = net(states * 100, RATE)
    assert told.shape == (2, 120, 3)
    opening, angles = told[..., 0], told[..., 1:]
    assert opening.min() >= 0
    assert opening.max() <= 1
    assert angles.min() < 0
    assert angles.abs().max() <= LARGEST_ANGLE


def test_a_moment_hangs_on_its_halo_and_on_nothing_else(net, states):
    halo = round(net.halo_s * RATE)
    whole = net(states, RATE)
    other = states.flip(-1)  # a layer norm hides what is added to all features alike
    changed = other.clone()
    changed[:, 60 - halo : 60 + halo + 1] = states[:, 60 - halo : 60 + halo + 1]
    assert torch.equal(net(changed, RATE)[:, 60], whole[:, 60])
    for moment in (60 - halo, 60 + halo):
        changed = states.clone()
        changed[:, moment] = other[:, moment]
        assert (net(changed, RATE)[:, 60] - whole[:, 60]).abs().max() > 1e-6


def test_a_piece_with_its_halo_gives_the_numbers_of_the_whole_wherever_it_lies(net, states):
    halo = round(net.halo_s * RATE)
    whole = net(states, RATE)
    for start, stop in ((20, 50), (60, 100)):
        piece = net(states[:, start - halo : stop + halo], RATE)[:, halo:-halo]
        torch.testing.assert_close(piece, whole[:, start:stop], rtol=0, atol=1e-6)
    shorter = net(states[:, 20:50], RATE)
    assert (shorter[:, 0] - whole[:, 20]).abs().max() > 1e-3


def test_what_comes_after_is_told_from_what_came_before(net, states):
    backward = net(states.flip(1), RATE).flip(1)
    assert (backward - net(states, RATE)).abs().max() > 1e-2


def test_it_reads_seconds_not_places(net):
    """A slow signal sampled twice as often gives the same motion at the same moments."""
    fine = torch.arange(240) / 100
    phase = torch.linspace(0, 6, 96).reshape(3, 32)
    states = torch.sin(2 * math.pi * 0.7 * fine[:, None, None] + phase)[None]
    often, rarely = net(states, 100.0)[:, ::2], net(states[:, ::2], 50.0)
    apart = (often - rarely)[:, 10:-10].abs().max()
    assert apart < 0.1 * (rarely.max() - rarely.min())
    assert apart < 0.5 * (often - net(states[:, ::2], 25.0))[:, 10:-10].abs().max()


def test_training_reaches_every_weight(states):
    net = AudioMotionNet(CONFIG)
    net(states, RATE).square().sum().backward()
    idle = {name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()}
    assert not idle


def test_a_long_sound_in_pieces_is_the_sound_in_one(net, speech, runtime, monkeypatch):
    model = AudioMotionModel(net, load_speech_model(speech))
    whole = read_motion(voice(4), model, runtime)
    monkeypatch.setattr(audio_motion_model, "PIECE", 37)
    pieces = read_motion(voice(4), model, runtime)
    assert set(whole.values) == {"opening", "yaw", "pitch"}
    for name, values in whole.values.items():
        assert len(values) == 199
        assert np.abs(values - pieces.values[name]).max() < 1e-6


def test_motion_is_the_same_at_every_frame_rate_and_the_mouth_rests_after_the_sound(net, speech, runtime):
    sound, seconds = voice(2), 3
    told = read_motion(sound, AudioMotionModel(net, load_speech_model(speech)), runtime)
    prosody = read_prosody(sound)
    slow, fast = (speech_motion(prosody, Fraction(fps), fps * seconds, 0, told) for fps in (12, 60))
    for name in ("opening", "yaw", "pitch", "roll"):
        assert np.abs(getattr(slow, name) - getattr(fast, name)[::5]).max() < 1e-9
    assert not slow.opening[25:].any()
    without = speech_motion(prosody, Fraction(12), 36, 0)
    assert np.array_equal(slow.roll, without.roll)  # which this model does not tell
    assert not np.allclose(slow.yaw, without.yaw)


def test_what_is_saved_is_found_and_loaded_with_its_speech_model(net, speech, runtime):
    folder = speech.parents[1] / "audio_motion" / "mine"
    save_audio_motion_net(net, folder)
    model = load_audio_motion_model("mine", runtime.folders)
    assert model.net.config == CONFIG
    assert model.speech.width == 32
    for name, value in net.state_dict().items():
        torch.testing.assert_close(model.net.state_dict()[name], value.half().float(), rtol=0, atol=0)


def test_a_speech_model_of_another_size_is_refused(speech, runtime):
    folder = speech.parents[1] / "audio_motion" / "wide"
    save_audio_motion_net(AudioMotionNet(CONFIG.model_copy(update={"features": 48})), folder)
    with pytest.raises(InputError, match="3 layers of 48 features and the speech model 'tiny' gives 3 of 32"):
        load_audio_motion_model("wide", runtime.folders)


def test_a_speech_model_that_is_not_here_is_named(speech, runtime):
    folder = speech.parents[1] / "audio_motion" / "lone"
    save_audio_motion_net(AudioMotionNet(CONFIG.model_copy(update={"speech_model": "nowhere"})), folder)
    with pytest.raises(MissingModelError, match="nowhere"):
        load_audio_motion_model("lone", runtime.folders)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_type": "wav2vec2"}, "model_type"),
        ({"outputs": ["jaw"]}, "outputs.0"),
        ({"layers": 0}, "layers"),
        ({"vertices": 5023}, "vertices"),
    ],
)
def test_a_config_of_another_model_says_where_it_is_wrong(net, tmp_path, change, told):
    save_audio_motion_net(net, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError, match=f"{told}: .*Other projects'"):
        load_audio_motion_net(tmp_path)


def test_weights_that_do_not_fit_their_config_are_listed(net, tmp_path):
    save_audio_motion_net(net, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"depth": 3}))
    with pytest.raises(InputError, match=r"12 missing: encoder\.layers\.2"):
        load_audio_motion_net(tmp_path)


def test_a_folder_without_weights_says_what_it_lacks(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingModelError, match=r"model\.safetensors"):
        load_audio_motion_net(tmp_path)


@pytest.mark.parametrize("change", [{"heads": 3}, {"outputs": ("opening", "opening")}])
def test_parts_that_do_not_go_together_are_refused(change):
    with pytest.raises(ValidationError, match="cannot be built"):
        AudioMotionConfig(**(CONFIG.model_dump() | change))
