"""Offsets of sound and picture are found where they were put."""

import pytest
import torch

from motionweave.bench.av_offset import av_offset_frames
from motionweave.bench.minute_runs import FPS, SIZE, drifting_pictures
from motionweave.longform.clips import Clip, MadeRow
from motionweave.marionette.voice import SAMPLE_RATE, speak
from motionweave.media import VideoWriter
from motionweave.types import Audio

FRAMES = 90


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    path = tmp_path_factory.mktemp("row") / "clip.mkv"
    with VideoWriter(path, fps=FPS, size=SIZE, codec="ffv1") as writer:
        writer.write(drifting_pictures(0, FRAMES))
    return MadeRow((Clip(path, FRAMES),), FPS, SIZE, "row")


def late(sound, frames):
    samples = round(frames * SAMPLE_RATE / FPS)
    return Audio(torch.nn.functional.pad(sound.waveform, (samples, 0))[:, : sound.waveform.shape[1]], SAMPLE_RATE)


@pytest.mark.parametrize(
    ("sound_late", "picture_late", "offset"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 2, 0), (0.5, 0, 0.5)]
)
def test_an_offset_at_the_end_is_measured(row, tmp_path, sound_late, picture_late, offset):
    sound, path = speak(3, FRAMES / 30), tmp_path / "video.mp4"
    with VideoWriter(path, fps=FPS, size=SIZE, audio=late(sound, sound_late)) as writer:
        writer.write(drifting_pictures(-picture_late, FRAMES - picture_late))
    assert av_offset_frames(path, row, sound) == pytest.approx(offset, abs=0.05)
