"""Poses out of footage with Mini's own networks: who is found, what is kept on disk, what is said of an empty scene."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.marionette import clip_times, empty_scene, make_world, render_clip
from motionweave.media import FootageFrames, VideoWriter, open_footage
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.estimators.dwpose import interpolate_boxes, load_dwpose
from motionweave.tracks.extract import extract_pose, load_people, save_people
from motionweave.tracks.keypoints import from_wholebody
from motionweave.tracks.pose_preview import overlay_sheet, sample_footage
from motionweave.types import Size

MODELS = Path(__file__).parents[3] / "mini" / "dwpose"
FPS = Fraction(24)
SEED = 1_000_007

needs_mini = pytest.mark.skipif(not list(MODELS.glob("*.onnx")), reason="Mini's pose models are not in this checkout")


@pytest.fixture(scope="module")
def clip():
    return render_clip(make_world(SEED), clip_times(20, FPS), FPS, Size(192, 192))


@pytest.fixture(scope="module")
def network():
    return load_dwpose(MODELS)


@pytest.fixture
def runtime(tmp_path):
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp"))


def to_bytes(frames):
    return (frames * 255).round().to(torch.uint8)


def body_error(person, truth) -> float:
    """Give the mean distance of the body's points in shares of its height."""
    true = from_wholebody(truth.numpy()).body
    seen = true[:, 2] > 0
    return float(np.linalg.norm(person.body[seen, :2] - true[seen, :2], axis=-1).mean() / np.ptp(true[seen, 1]))


@needs_mini
def test_a_held_out_figure_is_found_in_every_frame_where_it_is(network, clip):
    people = list(network.people([to_bytes(clip.frames)]))
    assert [len(each) for each in people] == [1] * 20
    assert np.mean([body_error(each[0], truth) for each, truth in zip(people, clip.keypoints, strict=True)]) < 0.03


@needs_mini
@pytest.mark.parametrize("batch", [1, 5, 7, 20, 64])
def test_every_frame_comes_out_once_however_footage_is_batched(network, clip, batch):
    people = list(network.people(to_bytes(clip.frames).split(batch)))
    whole = list(network.people([to_bytes(clip.frames)]))
    assert len(people) == 20
    for one, other in zip(people, whole, strict=True):
        np.testing.assert_allclose(one[0].body, other[0].body, atol=2.0)


@needs_mini
@pytest.mark.parametrize("count", [1, 2, 6, 7, 8, 13])
def test_any_length_of_footage_is_read_to_its_end(network, clip, count):
    assert len(list(network.people([to_bytes(clip.frames[:count])]))) == count


@needs_mini
def test_looking_now_and_then_finds_what_looking_always_finds(network, clip):
    always = load_dwpose(MODELS, detect_every=1)
    pairs = zip(network.people([to_bytes(clip.frames)]), always.people([to_bytes(clip.frames)]), strict=True)
    errors = [np.abs(one[0].body[:, :2] - other[0].body[:, :2]).mean() for one, other in pairs]
    assert np.mean(errors) < 1.5


@needs_mini
def test_two_figures_side_by_side_are_two_people(network, clip):
    other = render_clip(make_world(SEED + 1), clip_times(7, FPS), FPS, Size(192, 192))
    both = torch.cat([clip.frames[:7], other.frames], -1)
    people = list(network.people([to_bytes(both)]))
    assert [len(each) for each in people] == [2] * 7
    left, right = sorted(people[3], key=lambda one: float(one.body[1, 0]))
    assert left.body[1, 0] < 192 < right.body[1, 0]


@needs_mini
def test_footage_is_read_once_and_then_taken_from_disk(tmp_path, clip, runtime):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, fps=FPS, size=Size(192, 192), crf=10) as writer:
        writer.write(clip.frames)
    first = extract_pose(open_footage(path), load_dwpose(MODELS), runtime)
    assert (len(first), first.fps, first.canvas) == (20, FPS, Size(192, 192))
    unable = replace(load_dwpose(MODELS), detector=None, estimator=None)
    again = extract_pose(open_footage(path), unable, runtime)
    for one, other in zip(first.frames, again.frames, strict=True):
        np.testing.assert_array_equal(one[0].body, other[0].body)
        np.testing.assert_array_equal(one[0].face, other[0].face)


@needs_mini
def test_a_damaged_file_of_poses_is_made_again(clip, runtime):
    footage, network = FootageFrames(clip.frames[:7], FPS), load_dwpose(MODELS)
    extract_pose(footage, network, runtime)
    (path,) = runtime.folders.cache.glob("pose-*.npz")
    path.write_bytes(path.read_bytes()[:100])
    assert len(extract_pose(footage, network, runtime)) == 7
    assert load_people(path) is not None


@needs_mini
def test_an_empty_scene_is_said_to_hold_nobody(network, runtime):
    scene = empty_scene(make_world(SEED), Size(192, 192)).expand(5, -1, -1, -1)
    with pytest.raises(InputError, match="nobody was found in any of the 5 frames"):
        extract_pose(FootageFrames(scene.contiguous(), FPS), network, runtime)


@needs_mini
def test_progress_reaches_the_end_and_an_interrupt_passes(network, clip, tmp_path):
    class StoppedError(Exception):
        """Stands for ComfyUI's own, which is a plain exception as well."""

    seen = []

    def stop(progress):
        seen.append(progress.step)
        raise StoppedError

    here = LocalRuntime(Folders(tmp_path, tmp_path, tmp_path), on_progress=lambda each: seen.append(each.step))
    extract_pose(FootageFrames(clip.frames, FPS), network, here)
    assert seen[-1] == 20
    with pytest.raises(StoppedError):
        extract_pose(FootageFrames(clip.frames[:9], FPS), network, replace(here, on_progress=stop))


@needs_mini
def test_the_preview_shows_the_figure_under_its_skeleton(network, clip, runtime):
    footage = FootageFrames(clip.frames, FPS)
    track = extract_pose(footage, network, runtime)
    sample = sample_footage(footage, track)
    sheet = overlay_sheet(sample, track)
    assert sheet.shape[:2] == (1, 3)
    assert 0.02 < float((sheet.amax(1) - sheet.amin(1) > 0.4).float().mean()) < 0.6


def test_nobody_one_and_two_people_come_back_from_disk_as_they_were(tmp_path):
    rng = np.random.default_rng(0)
    one, two = (from_wholebody(rng.uniform(0, 99, (133, 3)).astype(np.float32)) for _ in range(2))
    faceless = replace(one, face=np.zeros((0, 3), np.float32), hand_left=np.zeros((0, 3), np.float32))
    frames = ((), (one,), (two, faceless), ())
    save_people(tmp_path / "people.npz", frames)
    back = load_people(tmp_path / "people.npz")
    assert back is not None
    assert [len(each) for each in back] == [0, 1, 2, 0]
    for was, now in zip((one, two, faceless), (back[1][0], *back[2]), strict=True):
        for part in ("body", "face", "hand_left", "hand_right"):
            np.testing.assert_array_equal(getattr(was, part), getattr(now, part))


def test_only_nobody_comes_back_from_disk(tmp_path):
    save_people(tmp_path / "people.npz", ((), ()))
    assert load_people(tmp_path / "people.npz") == ((), ())


def test_boxes_move_evenly_between_two_looks_and_strangers_stay_near_theirs():
    first = np.array([[0, 0, 10, 20, 0.9], [100, 0, 110, 20, 0.8]], float)
    last = np.array([[4, 0, 14, 20, 0.7]], float)
    spans = interpolate_boxes(first, last, 5)
    assert [len(each) for each in spans] == [2, 2, 1, 1, 1]
    np.testing.assert_allclose(spans[2][0, :4], [2, 0, 12, 20])


def test_a_span_of_one_frame_has_that_frames_boxes():
    boxes = np.array([[0, 0, 5, 5, 0.5]])
    (only,) = interpolate_boxes(boxes, boxes, 1)
    assert only is boxes
