"""The benchmark of Mini as a whole: its own measures where the truth is known, and going on after a stop."""

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from motionweave.bench.identity import mini_faces, recognised
from motionweave.bench.mini import Part, _add, _mean, _outcome
from motionweave.bench.mini_parts import Bench, Outcome, measure_selfie, silhouette_pck, wrist_heights
from motionweave.bench.outline import outline, outline_score
from motionweave.bench.pose import figure_extent
from motionweave.bench.selfie import Reenacted, pose_track
from motionweave.bench.speech import against_truth
from motionweave.marionette import clip_times, empty_scene, make_world, render_clip
from motionweave.marionette.motion import mouth_opening
from motionweave.marionette.sample import draw_reference
from motionweave.metrics.picture import foreground
from motionweave.types import Size

FPS, SIZE = Fraction(12), Size(96, 96)


@pytest.fixture(scope="module")
def world():
    return make_world(1_000_000, motion_seed=1_000_001)


@pytest.fixture(scope="module")
def clip(world):
    return render_clip(world, clip_times(2, FPS), FPS, SIZE)


def square(left: int, top: int, side: int = 20) -> np.ndarray:
    mask = np.zeros((64, 64), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_outlines_agree_with_themselves_and_within_the_distance_and_not_beyond():
    assert outline(square(10, 10)).sum() == 4 * 19
    assert outline_score(square(10, 10), square(10, 10), 1.0) == 1.0
    assert outline_score(square(12, 10), square(10, 10), 3.0) == 1.0
    # Moved by ten, the upper and the lower side still lie partly on one another.
    assert 0.3 < outline_score(square(20, 10), square(10, 10), 3.0) < 0.8
    assert outline_score(square(40, 40), square(5, 5), 3.0) == 0.0


def test_an_empty_mask_agrees_with_an_empty_one_alone():
    nothing = np.zeros((64, 64), bool)
    assert outline_score(nothing, nothing, 3.0) == 1.0
    assert outline_score(nothing, square(5, 5), 3.0) == outline_score(square(5, 5), nothing, 3.0) == 0.0


def test_specks_far_from_the_figure_cost_precision():
    specks = square(5, 5)
    specks[40:60:4, 40:60:4] = True
    assert outline_score(specks, square(5, 5), 3.0) < 0.9


def test_a_figure_in_its_place_is_found_by_its_silhouette_and_one_beside_it_is_not(world, clip):
    found = foreground(clip.frames, empty_scene(world, SIZE))
    assert silhouette_pck(clip, found) > 0.95
    assert silhouette_pck(clip, found.roll(20, -1)) < 0.5
    assert silhouette_pck(clip, torch.zeros_like(found)) == 0.0


def test_the_extent_is_the_larger_side_of_the_box_of_what_lies_in_the_picture(clip):
    points = clip.keypoints[0].numpy()
    height = np.ptp(points[points[:, 2] > 0, 1])
    assert figure_extent(points) == pytest.approx(float(height), rel=0.2)
    aside = points.copy()
    aside[0] = (-500, 0, 0)
    assert figure_extent(aside) < 200


def test_wrists_of_the_true_poses_are_as_high_as_commanded_and_nobodys_are_left_out(clip):
    people = list(pose_track(clip, SIZE).frames)
    heights = wrist_heights(clip, people)
    assert heights and all(asked == pytest.approx(found) for asked, found in heights)
    assert len(wrist_heights(clip, [people[0], ()])) < len(heights)


def test_a_late_mouth_is_found_late_at_twelve_frames_a_second_too():
    times = np.arange(48) / 12
    corr, lag_ms = against_truth(mouth_opening(7, times - 0.06), 7, FPS)
    assert lag_ms == pytest.approx(60)
    assert corr < against_truth(mouth_opening(7, times), 7, FPS)[0] == pytest.approx(1)


def test_who_is_in_a_video_is_told_from_all_its_frames_and_nobody_from_empty_ones():
    pytest.importorskip("insightface", reason="InsightFace is not installed")
    models = mini_faces()
    pictures = torch.cat([draw_reference(seed, Size(256, 256)) for seed in (1_000_000, 1_000_001)])
    known = F.normalize(torch.stack([models.find(each)[0].embedding for each in pictures]), dim=-1)
    for index in range(2):
        frames = torch.stack([pictures[index], torch.zeros(3, 256, 256)])
        assert int(recognised(models, frames, known).argmax()) == index
    assert not recognised(models, torch.zeros(1, 3, 256, 256), known).any()


def test_a_still_reference_is_worse_than_the_truth(world, clip):
    one = Reenacted(clip, empty_scene(world, SIZE), clip.frames)
    assert one.figures(clip.frames)["iou"] == 1.0
    assert one.figures(one.stills()["repeat_reference"])["psnr_db"] < 60 < one.figures(clip.frames)["psnr_db"]


class Counted:
    """A part of known outcome that counts how often it was measured."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, _: Bench, index: int) -> Outcome:
        self.calls.append(index)
        frames = torch.zeros(1, 3, 8, 8)
        return Outcome({"figures": {"ssim": index / 2}}, {"pose": {"figures": [(0.5, float(index))]}}, (frames, frames))


def test_an_outcome_is_measured_once_and_read_afterwards(tmp_path: Path):
    measure, kept = Counted(), list[int]()
    bench, path = Bench(tmp_path), tmp_path / "part-1.json"
    first, again = (_outcome(bench, path, Part(2, measure), 1, lambda *given: kept.append(given[0])) for _ in range(2))
    assert first == again == json.loads(path.read_text())
    assert measure.calls == kept == [1]
    assert [each.name for each in tmp_path.iterdir()] == ["part-1.json"]


def test_clips_are_averaged_by_key_and_curves_put_together(tmp_path: Path):
    rows, curves, measure = {}, {}, Counted()
    for index in range(2):
        _add(_outcome(Bench(tmp_path), tmp_path / f"part-{index}.json", Part(2, measure), index, None), rows, curves)
    assert rows["figures"] == [{"ssim": 0.0}, {"ssim": 0.5}]
    assert _mean([*rows["figures"], {"iou": 0.7}]) == {"ssim": 0.25, "iou": 0.7}
    assert curves == {"pose": {"figures": [[0.5, 0.0], [0.5, 1.0]]}}


class Tiny(Bench):
    """The same on the smallest real networks."""

    def __init__(self, scratch: Path, backbone, controlnet) -> None:
        super().__init__(scratch)
        self.__dict__["mini"] = SimpleNamespace(backbone=backbone, pose=controlnet)


def test_a_clip_is_given_back_by_random_weights_worse_than_by_a_still(tiny_backbone, tiny_controlnet, tmp_path: Path):
    rows = measure_selfie(Tiny(tmp_path, tiny_backbone, tiny_controlnet), 0).rows
    assert set(rows) == {"figures", "repeat_reference", "static_mean", "truth"}
    assert all(set(row) == {"psnr_db", "ssim", "iou"} for row in rows.values())
    assert rows["figures"]["psnr_db"] < rows["static_mean"]["psnr_db"]
