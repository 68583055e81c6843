"""Speech tracks: pieces against transformers' own run over the whole sound, the video's clock, and odd sounds."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.speech import SpeechOptions, SpeechTrack, encode_speech, mono
from motionweave.tracks.speech_model import FeatureClock, load_speech_model
from motionweave.tracks.speech_preview import speech_sheet
from motionweave.tracks.speech_states import hidden_states
from motionweave.types import Audio

FPS = Fraction(25)
CLOCK = FeatureClock(16_000, 320, 400)
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "initializer_range": 0.4,
}
"""Weights so large that attention is sharp: a piece that lacked the rest of the sound would show it."""
LARGE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
"""How wav2vec2-large-960h-lv60 differs."""


def tiny(folder, **changes):
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    net = Wav2Vec2Model(Wav2Vec2Config(**TINY, **changes))
    torch.nn.init.normal_(net.feature_extractor.conv_layers[0].conv.weight, std=0.5)
    net.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "sampling_rate": 16_000}))
    return load_speech_model(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("large"), **LARGE)


@pytest.fixture
def runtime(tmp_path):
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp"))


def changing(seconds: float, rate: int = 16_000) -> Audio:
    """A sound whose loudness, pitch and offset change, so that statistics of a piece are not those of the whole."""
    time = torch.arange(round(seconds * rate)) / rate
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(1))
    wave = torch.sin(2 * torch.pi * (150 + 60 * time) * time) * (0.02 + 0.3 * time / seconds) + 0.01 * noise + 0.05
    return Audio(wave[None], rate)


def unsplit(model, sound):
    """Transformers' own feature extractor and model on all of the sound at once."""
    from transformers import Wav2Vec2FeatureExtractor

    extractor = Wav2Vec2FeatureExtractor(do_normalize=model.normalises, return_attention_mask=False)
    values = extractor(sound.numpy(), sampling_rate=16_000, return_tensors="pt").input_values
    with torch.inference_mode():
        return model.network(values, output_hidden_states=True)


@pytest.mark.parametrize("piece_frames", [1, 7, 64, 1000])
def test_pieces_give_every_hidden_state_of_the_unsplit_run(model, piece_frames):
    sound = changing(4.003).waveform[0]
    whole = unsplit(model, sound).hidden_states
    pieces = [state.clone() for state in hidden_states(sound, model, piece_frames=piece_frames)]
    assert len(pieces) == len(whole) == 4
    for mine, theirs in zip(pieces, whole, strict=True):
        assert mine.shape == theirs[0].shape
        assert (mine - theirs[0]).abs().max() < 1e-4


@pytest.mark.parametrize("piece_frames", [7, 1000])
def test_so_they_do_where_norms_stand_before_the_layers(large, piece_frames):
    sound = changing(3).waveform[0]
    whole = unsplit(large, sound)
    *_, last = hidden_states(sound, large, piece_frames=piece_frames)
    assert (last - whole.last_hidden_state[0]).abs().max() < 1e-4


def test_a_piece_cut_out_and_run_by_itself_would_not(model):
    """What the tests above would not notice if the tiny model heard only what is near."""
    sound = changing(4).waveform[0]
    whole = unsplit(model, sound).last_hidden_state[0]
    alone = unsplit(model, sound[160 * 320 :]).last_hidden_state[0]
    assert (alone[10:-10] - whole[160:][10 : len(alone) - 10]).abs().max() > 0.1


def test_what_enters_the_transformer_is_the_same_for_every_cut(model):
    sound = changing(2).waveform[0]
    expected = unsplit(model, sound).hidden_states[0][0]
    first = next(hidden_states(sound, model, piece_frames=3))
    assert (first - expected).abs().max() < 1e-4


def test_limited_attention_is_the_unsplit_run_for_sounds_that_fit_and_the_same_for_every_cut(model):
    sound = changing(3).waveform[0]
    (*_, whole), (*_, fits) = hidden_states(sound, model), hidden_states(sound, model, attention_s=3.0)
    assert (whole - fits).abs().max() < 1e-4
    (*_, fine), (*_, coarse) = (hidden_states(sound, model, 0.5, piece_frames=count) for count in (5, 500))
    assert (fine - coarse).abs().max() < 1e-4
    assert (coarse - whole).abs().max() > 1e-2


def test_limited_attention_does_not_hear_what_is_far(large):
    """This network has no norm over time: three layers of half a second, and the positions' reach, are all it hears."""
    model = replace(large, normalises=False)
    sound = changing(6).waveform[0]
    other = torch.cat([sound[:-16_000], sound[-16_000:].flip(0)])
    near, far = (
        [state.clone() for state in hidden_states(each, model, attention_s=0.5)][-1] for each in (sound, other)
    )
    assert (near[:160] - far[:160]).abs().max() < 1e-5
    assert (near[-50:] - far[-50:]).abs().max() > 1e-1


def test_a_track_has_the_frames_that_begin_while_the_sound_lasts_and_each_layer(model, runtime):
    track = encode_speech(changing(2.01), model, FPS, runtime)
    assert len(track) == 51
    assert track.features.shape == (51, 3, 32)
    assert track.window(10, 12).features.equal(track.features[10:12])
    every = encode_speech(changing(2.01), model, FPS, runtime, SpeechOptions(layers=(0, 3)))
    assert every.features[:, 1].equal(track.features[:, 2])


def test_a_frame_is_the_sound_at_its_moment():
    """The model's frame k is at the middle of what it hears: features that tell that time tell the frame's."""
    times = torch.arange(100) / 50 + float(CLOCK.first_s)
    track = SpeechTrack(times[:, None, None], CLOCK, Fraction(30), 0, 60)
    told = track.features[:, 0, 0]
    frames = torch.arange(60) / 30
    assert (told[1:] - frames[1:]).abs().max() < 1e-5
    assert told[0] == times[0]
    assert track.window(30, 31).features.item() == pytest.approx(1.0, abs=1e-6)


@given(st.sampled_from((12, 24, 25, 30, Fraction(30000, 1001), 50, 60)), st.integers(0, 40), st.integers(1, 60))
def test_resampled_windows_read_the_same_clock(fps, start, length):
    times = torch.arange(400) / 50 + float(CLOCK.first_s)
    track = SpeechTrack(times[:, None, None], CLOCK, FPS, 0, 180).window(start, start + length).resample(Fraction(fps))
    expected = (track.start + np.arange(len(track))) / float(fps)
    assert track.start / Fraction(fps) >= start / FPS
    told = track.features[:, 0, 0].numpy()
    assert np.abs(told - np.maximum(expected, float(CLOCK.first_s))).max() < 1e-5
    assert track.resample(Fraction(fps)) == track


def test_stereo_at_another_rate_is_the_same_voice(model, runtime):
    sound = changing(1.5, 44_100).waveform[0]
    stereo = Audio(torch.stack([2 * sound, torch.zeros_like(sound)]), 44_100)
    one = encode_speech(Audio(sound[None], 44_100), model, FPS, runtime).features
    two = encode_speech(stereo, model, FPS, runtime).features
    assert (one - two).abs().max() < 1e-3


def test_digital_silence_has_features_that_say_so(model, runtime):
    features = encode_speech(Audio(torch.zeros(2, 44_100), 44_100), model, FPS, runtime).features
    assert features.isfinite().all()
    whole = unsplit(model, torch.zeros(16_000)).last_hidden_state[0]
    assert (features[1, -1] - whole[1:3].mean(0)).abs().max() < 1e-1


def test_a_very_quiet_voice_is_heard_as_a_loud_one(model, runtime):
    loud = changing(1)
    quiet = replace(loud, waveform=loud.waveform * 1e-2)
    heard = [encode_speech(each, model, FPS, runtime).features for each in (loud, quiet)]
    assert (heard[0] - heard[1]).abs().max() < 0.02


def test_sounds_that_cannot_be_heard_get_a_clear_line(model, runtime):
    with pytest.raises(InputError, match="is empty"):
        encode_speech(Audio(torch.zeros(1, 0), 16_000), model, FPS, runtime)
    with pytest.raises(InputError, match=r"0\.010 s was given; the speech model needs at least 0\.025 s"):
        encode_speech(Audio(torch.zeros(1, 160), 16_000), model, FPS, runtime)
    with pytest.raises(InputError, match="no numbers"):
        mono(Audio(torch.tensor([[0.0, float("nan")]]), 16_000), 16_000)
    with pytest.raises(InputError, match=r"hidden states \[4\]"):
        encode_speech(changing(1), model, FPS, runtime, SpeechOptions(layers=(4,)))


def test_features_are_kept_by_content_and_mapped_from_their_file(model, runtime):
    told = []
    told_runtime = LocalRuntime(runtime.folders, on_progress=told.append)
    first = encode_speech(changing(2), model, FPS, told_runtime, SpeechOptions(piece_frames=40))
    assert (told[-1].stage, told[-1].step) == ("speech", told[-1].step_count)
    told.clear()
    again = encode_speech(changing(2), model, Fraction(30), told_runtime, SpeechOptions(piece_frames=40))
    assert told == []
    assert again.states.equal(first.states)
    (file,) = runtime.folders.cache.iterdir()
    assert file.stat().st_size == 4 * first.states.numel()
    encode_speech(changing(2.5), model, FPS, told_runtime)
    assert len(list(runtime.folders.cache.iterdir())) == 2
    file.write_bytes(b"cut short")
    assert encode_speech(changing(2), model, FPS, told_runtime).features.isfinite().all()
    assert told


def test_cancelling_leaves_nothing_that_would_be_taken_for_features(model, runtime):
    def cancel(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_speech(changing(2), model, FPS, LocalRuntime(runtime.folders, on_progress=cancel))
    assert not list(runtime.folders.cache.glob("*.f32"))
    assert len(encode_speech(changing(2), model, FPS, runtime)) == 50


def test_the_sheet_shows_voice_and_features(model, runtime):
    sound = changing(1)
    sheet = speech_sheet(sound, encode_speech(sound, model, FPS, runtime))
    assert sheet.shape[:2] == (1, 3)
    assert sheet.min() >= 0
    assert sheet.max() <= 1
    assert sheet[..., -100:, 48:700].std() > 0.05
