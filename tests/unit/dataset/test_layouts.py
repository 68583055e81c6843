"""Published layouts, as small as they can be, and cuts."""

import json

import numpy as np
import pytest
import torch

from motionweave.dataset.entries import is_within
from motionweave.dataset.extract import Shape, Source
from motionweave.dataset.layouts import read_layout
from motionweave.dataset.measures import Measures, Meter, find_cuts
from motionweave.errors import InputError
from motionweave.media import write_image
from motionweave.types import Size


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def told(folder):
    return {(entry.file, entry.split, entry.prompt) for entry in read_layout(folder)[0]}


def test_ubc_fashion(tmp_path):
    touch(tmp_path, "train/a.mp4", "test/b.mp4")
    assert told(tmp_path) == {("train/a.mp4", "train", ""), ("test/b.mp4", "test", "")}


def test_tiktok_is_folders_of_pictures_at_30_frames_a_second(tmp_path):
    (tmp_path / "00001/images").mkdir(parents=True)
    for index in range(3):
        write_image(tmp_path / f"00001/images/{index:04d}.png", torch.full((1, 3, 20, 10), index / 2))
    touch(tmp_path, "00001/masks/0000.png")
    assert told(tmp_path) == {("00001/images", "train", "")}
    source, shape = Source(tmp_path / "00001/images"), Shape(Size(16, 16))
    frames = list(source.frames(shape))
    assert [int(frame.max()) for frame in frames] == [0, 128, 255] and frames[0].shape == (3, 16, 16)
    assert source.fps(shape) == 30


def test_humanvid_is_any_folder_of_videos(tmp_path):
    touch(tmp_path, "vertical/x.mp4", "horizontal/deep/y.MP4", "prepared/films/z.mp4")
    assert {file for file, *_ in told(tmp_path)} == {"vertical/x.mp4", "horizontal/deep/y.MP4"}


def test_msr_vtt_and_vatex_find_videos_by_id_and_name_lost_ones(tmp_path):
    msr, vatex = tmp_path / "msr", tmp_path / "vatex"
    touch(msr, "TrainValVideo/video0.mp4", "TrainValVideo/video1.mp4")
    data = {
        "videos": [
            {"video_id": f"video{index}", "split": split} for index, split in enumerate(["train", "validate", "x"])
        ],
        "sentences": [{"video_id": "video0", "caption": "one"}, {"video_id": "video0", "caption": "two"}],
    }
    (msr / "train_val_videodatainfo.json").write_text(json.dumps(data))
    assert told(msr) == {("TrainValVideo/video0.mp4", "train", "one"), ("TrainValVideo/video1.mp4", "test", "")}
    assert [problem.file for problem in read_layout(msr)[1]] == ["video2"]
    touch(vatex, "clips/abc_000001_000011.mp4")
    (vatex / "vatex_training_v1.0.json").write_text(
        json.dumps([{"videoID": "abc_000001_000011", "enCap": ["dancing"]}])
    )
    assert told(vatex) == {("clips/abc_000001_000011.mp4", "train", "dancing")}


@pytest.mark.parametrize("text", ["{}", "7", '{"videos": [], "sentences": [7]}', "{"])
def test_descriptions_of_another_kind_are_told(tmp_path, text):
    (tmp_path / "train_videodatainfo.json").write_text(text)
    with pytest.raises(InputError):
        read_layout(tmp_path)


def test_an_unknown_layout_is_refused(tmp_path):
    with pytest.raises(InputError, match="known are"):
        read_layout(tmp_path, "other")


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "C:/a", "..\\a", ""])
def test_names_that_lead_out_are_seen(name):
    assert not is_within(name) and is_within("videos/a.mp4")


def test_flashes_of_motion_are_no_cuts_and_steady_films_have_none():
    steady = Measures(np.full(20, 0.2), np.full(20, 0.5), np.zeros(20))
    assert find_cuts(steady) == (0,)
    change = np.full(20, 0.02)
    change[10] = 0.3
    assert find_cuts(Measures(change, np.where(change > 0.1, 0.4, 0.01), np.zeros(20))) == (0, 10)
    # As bright, of the same colours: something moved fast.
    assert find_cuts(Measures(change, np.full(20, 0.01), np.zeros(20))) == (0,)


def test_measures_do_not_depend_on_how_frames_are_batched():
    frames = (torch.rand(5, 3, 40, 40, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)
    whole, parts = Meter(), Meter()
    whole.add(frames)
    for frame in frames:
        parts.add(frame[None])
    for name in ("change", "shift", "motion"):
        np.testing.assert_array_equal(getattr(whole.measures(), name), getattr(parts.measures(), name))
    assert whole.measures().change[0] == 0 and (whole.measures().motion[1:] > 0).all()
