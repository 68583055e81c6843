"""Speech learnt from films with sound: what is heard when, where it may act, and what the loader takes."""

import copy
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from overfit import learns_by_heart
from torch import nn

from motionweave.controls.adapters import load_adapter
from motionweave.dataset.choose import Filters
from motionweave.dataset.extract import Shape, Tools
from motionweave.dataset.prepare import Preparation, prepare
from motionweave.dataset.voices import Voices
from motionweave.dataset.windows import Windows, stack_windows
from motionweave.errors import InputError
from motionweave.media import VideoWriter, read_audio
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.speech import SPEECH_OFFSETS_S, encode_speech
from motionweave.tracks.speech_model import load_speech_model
from motionweave.train import tuning_loop
from motionweave.train.tuning import Tuner, draw
from motionweave.train.tuning_build import build_learner
from motionweave.train.tuning_loop import train_tuning, window_spec
from motionweave.types import Audio, Size
from motionweave.weights.locate import locate_model


@pytest.fixture(scope="module")
def hearing():
    return load_speech_model(locate_model("speech", "mini-wav2vec2", Folders(Path(), Path(), Path())))


@pytest.fixture(scope="module")
def talkies(tmp_path_factory, tiny_backbone, finder):
    """A film with sound to train on, one that is silent, and one with sound that is held out."""
    folder = tmp_path_factory.mktemp("talkies")
    (folder / "videos").mkdir()
    for number, name in enumerate("abc"):
        time = torch.arange(16_000) / 16_000
        tone = Audio(torch.sin(2 * torch.pi * 200 * (number + 1) * time * (1 + time))[None], 16_000)
        noise = 0.2 * torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(number))
        path, sound = folder / f"videos/{name}.mp4", None if name == "b" else tone
        with VideoWriter(path, fps=Fraction(8), size=Size(32, 32), crf=5, audio=sound) as writer:
            for frame in range(8):
                picture = noise.clone()
                picture[:, 8:24, 2 + 2 * frame : 12 + 2 * frame] = 1.0
                writer.write(picture[None])
    (folder / "metadata.json").write_text(json.dumps([{"file": "videos/c.mp4", "split": "test"}]))
    here = LocalRuntime(Folders(folder, folder, folder))
    prepare(folder, Preparation(Tools(tiny_backbone, finder), Shape(Size(32, 32)), Filters(least_s=0.5)), here)
    return folder


@pytest.fixture
def made(recipe, talkies):
    return recipe("speech", dataset=str(talkies), speech={"hidden": 16, "tokens": 2}, drop_image=0.0, context=0.0,
                  loop={"steps": 2, "sample_every": 2})  # fmt: skip


@pytest.fixture
def windows(talkies, made, hearing, runtime):
    return Windows(talkies, window_spec(made, False), Voices(talkies, hearing, runtime))


def test_a_window_hears_what_is_heard_around_its_frames_and_sees_where_the_face_is(windows, talkies, hearing, runtime):
    assert windows.clip_count == 1  # the silent film has none
    track = encode_speech(read_audio(talkies / "videos/a.mp4"), hearing, Fraction(8), runtime)
    heard = track.window(3, 5).around(SPEECH_OFFSETS_S)
    assert torch.equal(windows.voices.around("videos/a.mp4", [3, 4], Fraction(8)), heard)
    every = track.window(0, 8).around(SPEECH_OFFSETS_S)
    window = windows[0]
    assert any(torch.equal(window.speech, every[start : start + 2]) for start in range(7))
    assert window.face.shape == window.latents[:, 0].shape and 0 < window.face.mean() < 1


def test_only_the_projector_moves_and_errors_in_the_face_count_more(windows, made, tiny_backbone, hearing):
    tuner = Tuner(copy.deepcopy(tiny_backbone.unet), build_learner(tiny_backbone, made, hearing), made)
    for parameter in tuner.trained().values():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    batch = stack_windows([windows[0], windows[1]])
    draws = draw(batch, made, torch.Generator().manual_seed(0))
    before = {name: value.clone() for name, value in tuner.state_dict().items()}
    loss = tuner(batch, draws)
    loss.backward()
    torch.optim.SGD(list(tuner.trained().values()), 0.1).step()
    moved = {name for name, value in tuner.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith("net.") for name in moved)
    weight = tuner.learner.weight(batch)
    assert weight.amax() > 10 and weight.amin() == 1


def test_one_window_is_learnt_by_heart_under_one_noise(windows, made, tiny_backbone, hearing):
    tuner = Tuner(copy.deepcopy(tiny_backbone.unet), build_learner(tiny_backbone, made, hearing), made)
    batch = stack_windows([windows[0]])
    # Beyond the face it says nothing, so the face is all that is to be learnt.
    batch = replace(batch, face=torch.ones_like(batch.face))
    draws = draw(batch, made, torch.Generator().manual_seed(0))
    assert learns_by_heart(list(tuner.trained().values()), 2e-2, 200, lambda: tuner(batch, draws))


def test_the_loader_takes_a_projector_that_was_trained(made, tmp_path, job, tiny_backbone, monkeypatch):
    monkeypatch.setattr(tuning_loop, "HELD_OUT", 1)
    folder = train_tuning(made, job(made, tmp_path))
    net = load_adapter(folder, kind="SpeechProjector").net
    assert net.config["states"] > 0 and net.proj1.weight.any()
    assert "Load Adapter, then Apply Speech" in (folder / "README.md").read_text()
    assert {"held_out", "psnr_db"} <= {row.split(",")[1] for row in (tmp_path / "run/losses.csv").read_text().split()}


def test_films_without_sound_are_refused_where_none_has_any(recipe, prepared_films, tmp_path, job):
    made = recipe("speech", dataset=str(prepared_films))
    with pytest.raises(InputError, match="has sound"):
        train_tuning(made, job(made, tmp_path))
