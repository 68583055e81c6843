from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from motionweave.errors import InputError, MediaError
from motionweave.media import cut_audio, read_audio, resample_audio, write_audio
from motionweave.types import Audio

Make = Callable[..., Path]
SOUND_RATES = st.sampled_from([8000, 16000, 22050, 24000, 44100, 48000])


def click(sample_count: int, *positions: int) -> np.ndarray:
    samples = np.zeros(sample_count, np.float32)
    samples[list(positions)] = 0.9
    return samples


@settings(max_examples=20, deadline=None)
@given(sample_count=st.integers(0, 30_000), old=SOUND_RATES, new=SOUND_RATES)
def test_resampled_length_is_exact(sample_count: int, old: int, new: int) -> None:
    audio = resample_audio(Audio(torch.zeros(1, sample_count), old), new)
    assert audio.waveform.shape[1] == round(Fraction(sample_count * new, old))
    assert audio.sample_rate == new


@pytest.mark.parametrize(("old", "new"), [(44100, 48000), (48000, 16000), (16000, 44100), (24000, 22050)])
def test_resampling_does_not_move_or_bend_a_tone(old: int, new: int) -> None:
    tone = torch.sin(2 * math.pi * 440 * torch.arange(3 * old, dtype=torch.float64) / old).to(torch.float32)
    audio = resample_audio(Audio(torch.stack([tone, -tone, tone]), old), new)
    expected = torch.sin(2 * math.pi * 440 * torch.arange(3 * new, dtype=torch.float64) / new)
    inner = slice(new // 10, -new // 10)
    assert (audio.waveform[0, inner] - expected[inner]).abs().max() < 1e-3
    assert torch.equal(audio.waveform[0], -audio.waveform[1])


@given(start=st.integers(-500, 1500), length=st.integers(0, 1500))
def test_a_cut_is_exact_and_silent_outside_the_sound(start: int, length: int) -> None:
    audio = Audio(torch.arange(1, 1001, dtype=torch.float32)[None] / 1000, 1000)
    piece = cut_audio(audio, Fraction(start, 1000), Fraction(length, 1000)).waveform[0]
    expected = [(i + 1) / 1000 if 0 <= i < 1000 else 0.0 for i in range(start, start + length)]
    assert torch.equal(piece, torch.tensor(expected))


def test_pieces_on_one_clock_join_to_the_whole() -> None:
    audio = Audio(torch.rand(2, 44100 * 3), 44100)
    edges = [Fraction(index * 1001, 30000) for index in range(60)]
    starts = [round(edge * 44100) for edge in edges]
    pieces = [cut_audio(audio, edge, Fraction(1001, 30000)).waveform for edge in edges[:-1]]
    for first, piece in zip(starts, pieces, strict=False):
        assert torch.equal(piece, audio.waveform[:, first : first + piece.shape[1]])


def test_negative_durations_and_rates_are_refused() -> None:
    audio = Audio(torch.zeros(1, 10), 8000)
    with pytest.raises(InputError, match="0 or more"):
        cut_audio(audio, Fraction(0), Fraction(-1))
    with pytest.raises(InputError, match="positive"):
        resample_audio(audio, 0)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_wav_is_bit_exact_and_flac_is_24_bits(tmp_path: Path, channels: int) -> None:
    audio = Audio(torch.rand(channels, 12_345) * 1.8 - 0.9, 22050)
    for name, slack in (("a.wav", 0.0), ("a.flac", 2.0**-23)):
        write_audio(tmp_path / name, audio)
        back = read_audio(tmp_path / name)
        assert back is not None and back.sample_rate == 22050 and back.waveform.shape == audio.waveform.shape
        assert (back.waveform - audio.waveform).abs().max() <= slack


def test_sound_files_of_other_endings_and_empty_sound_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.wav or \.flac"):
        write_audio(tmp_path / "a.mp3", Audio(torch.zeros(1, 10), 8000))
    with pytest.raises(InputError, match="no samples"):
        write_audio(tmp_path / "a.wav", Audio(torch.zeros(1, 0), 8000))
    assert list(tmp_path.iterdir()) == []


def test_video_without_sound_gives_none(video: Make) -> None:
    assert read_audio(video()) is None


def test_silence_is_sound(video: Make) -> None:
    audio = read_audio(video("a.mkv", audio=np.zeros(48000, np.float32)))
    assert audio is not None and audio.waveform.shape == (1, 48000) and audio.waveform.abs().max() == 0


def test_sound_that_begins_later_than_the_picture_is_preceded_by_silence(video: Make) -> None:
    path = video("a.mkv", frame_count=60, audio=click(48000, 100), audio_start=24000)
    audio = read_audio(path)
    assert audio is not None
    assert audio.waveform.shape[1] == 72000
    assert int(audio.waveform[0].argmax()) == 24100


def test_sound_that_begins_before_the_picture_is_cut(video: Make) -> None:
    ticks = tuple(500 + index * 40 for index in range(20))
    path = video("a.mkv", ticks=ticks, tick_s=Fraction(1, 1000), rate=Fraction(25), audio=click(48000, 30000))
    audio = read_audio(path)
    assert audio is not None
    assert int(audio.waveform[0].argmax()) == 6000
    assert audio.waveform.shape[1] == 24000


def test_sample_rate_is_converted_on_request(video: Make) -> None:
    audio = read_audio(video("a.mkv", audio=click(48000, 24000)), sample_rate=16000)
    assert audio is not None
    assert (audio.sample_rate, audio.waveform.shape[1], int(audio.waveform[0].argmax())) == (16000, 16000, 8000)


def test_images_and_text_have_no_sound_to_read(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.wav").write_text("not sound" * 100)
    for name in ("a.png", "a.wav", "missing.wav"):
        with pytest.raises(MediaError):
            read_audio(tmp_path / name)
