"""Every measure against Marionette, or against pictures of which the answer is known."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch

from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.metrics.colour import colour_of, lab_from_srgb
from motionweave.metrics.drift import end_over_start, ends, lab_shift, slope
from motionweave.metrics.flow import find_flow, frame_change, moved
from motionweave.metrics.seam import Join, find_seams, seen_change
from motionweave.metrics.sharpness import sharpness, shrunk
from motionweave.metrics.temporal import temporal_score
from motionweave.types import Size

FPS = Fraction(30)


@pytest.fixture(scope="module")
def clip():
    world = make_world(FIRST_EVALUATION_SEED + 1)
    return render_clip(world, clip_times(24, FPS), FPS, Size(128, 128)).frames


def changes_of(frames):
    return [0.0, *(seen_change(before, after) for before, after in pairwise(frames))]


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1.0, 1.0, 1.0), (100.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (53.24, 80.09, 67.20)),
        ((0.0, 0.0, 1.0), (32.30, 79.19, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0.0, 0.0)),
    ],
)
def test_lab_is_that_of_published_tables(rgb, lab):
    found = lab_from_srgb(torch.tensor(rgb).view(3, 1, 1)).flatten().tolist()
    assert found == pytest.approx(lab, abs=0.02)


def test_colour_statistics_are_those_of_the_pixels_and_survive_sampling():
    halves = torch.zeros(3, 64, 64)
    halves[:, :, 32:] = 1
    found = colour_of(halves)
    assert found.mean == pytest.approx((50, 0, 0), abs=0.01)
    assert found.deviation == pytest.approx((50, 0, 0), abs=0.01)
    large = halves.repeat_interleave(16, 1).repeat_interleave(16, 2)
    assert colour_of((large * 255).byte()).mean == pytest.approx(found.mean, abs=0.01)


def test_blur_lowers_sharpness_and_contrast_does_not_change_it(clip):
    frame = clip[0]
    blurred = torch.nn.functional.avg_pool2d(frame[None], 3, 1, 1)[0]
    assert sharpness(blurred) < 0.7 * sharpness(frame)
    assert sharpness(0.2 + 0.5 * frame) == pytest.approx(sharpness(frame), rel=1e-3)
    assert sharpness(torch.full((3, 32, 32), 0.5)) == 0


def test_pictures_shrink_by_area_and_small_ones_stay(clip):
    assert shrunk(clip[0], 64).shape == (3, 64, 64)
    assert shrunk(clip[0], 64).mean() == pytest.approx(float(clip[0].mean()), abs=1e-5)
    assert torch.equal(shrunk(clip[0], 200), clip[0])


@pytest.mark.parametrize("shift", [(1, 0), (0, 2), (-3, 1), (6, -5)])
def test_flow_finds_by_how_much_a_picture_was_shifted(clip, shift):
    before = clip[0].mean(0)
    after = torch.roll(before, shift, (1, 0))
    found = find_flow(before, after)[:, 20:-20, 20:-20].flatten(1).median(1).values
    assert found.tolist() == pytest.approx([-shift[0], -shift[1]], abs=0.35)


def test_change_beside_motion_is_what_is_left_once_the_picture_is_moved(clip):
    shifted = torch.roll(clip[0], 2, -1)
    assert frame_change(clip[0], shifted) < 0.35 * float((clip[0] - shifted).abs().mean())
    flow = torch.zeros(2, 128, 128)
    assert torch.allclose(moved(clip[0], flow), clip[0], atol=1e-5)
    assert frame_change(clip[0], (clip[0] * 0.9)) > 5 * frame_change(clip[0], clip[1])


def test_a_seam_shows_where_colours_or_places_jump_and_not_in_a_flawless_clip(clip):
    joins = [Join(8), Join(16)]
    flawless = find_seams(changes_of(clip), joins)
    tinted, moved_on = clip.clone(), clip.clone()
    tinted[8:16] = (tinted[8:16] + 0.03).clamp(0, 1)
    moved_on[16:] = torch.nn.functional.avg_pool2d(moved_on[16:], 5, 1, 2)
    assert flawless.ratio == pytest.approx(1, abs=0.15)
    assert find_seams(changes_of(tinted), joins).ratio > 1.5
    found = find_seams(changes_of(moved_on), joins)
    assert found.worst_frame == 16
    assert found.worst > 1.5 > 1.2 > found.ratios[0]


def test_a_seam_is_counted_against_its_own_neighbourhood():
    changes = [0, 1, 1, 1, 2, 1, 1, 1, 10, 5, 5, 5]
    found = find_seams(changes, [Join(4), Join(8)])
    assert found.ratios == (2.0, 10 / 3)
    assert (found.worst, found.worst_frame) == (10 / 3, 8)
    assert found.ratio == pytest.approx((2 + 10 / 3) / 2)


def test_every_frame_of_a_fade_belongs_to_its_join():
    changes = [0.0, 1.0, 1.0, 3.0, 3.0, 3.0, 1.0, 1.0]
    assert list(Join(5, fade=2).changes()) == [3, 4, 5]
    assert find_seams(changes, [Join(5, fade=2)]).ratio == 3


def test_without_joins_or_anything_to_hold_them_against_there_is_no_ratio():
    assert find_seams([0.0, 1.0, 1.0], []) is None
    assert find_seams([0.0, 0.0, 0.0, 0.0], [Join(2)]) is None
    assert find_seams([0.0, 1.0], [Join(1)]) is None


def test_steady_motion_scores_one_and_varying_motion_falls_toward_zero():
    assert temporal_score([2.0] * 20) == 1
    assert temporal_score([0.0] * 20) == 1
    assert temporal_score([1.0]) == 1
    gentle, jerky = temporal_score([1.0, 1.1] * 10), temporal_score([0.0, 2.0] * 10)
    assert 1 > gentle > 0.9 > 0.6 > jerky > 0
    assert temporal_score([1.0, 1.1, 1.2, 1.3, 1.2, 1.1] * 5) > temporal_score([1.0, 1.3, 1.0, 1.3, 1.0, 1.3] * 5)


def test_flow_of_a_clip_is_steady_and_that_of_a_clip_that_jumps_is_not(clip):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "optflow"):
        pytest.skip("OpenCV is here without its contrib modules")
    from motionweave.metrics.temporal import ACCEPTED, FlowMeter

    def score(frames):
        meter = FlowMeter()
        return temporal_score([found for frame in frames if (found := meter.see(frame)) is not None])

    small = torch.nn.functional.interpolate(clip[:13], 48, mode="area")
    jumping = torch.stack([torch.roll(frame, index // 4 % 2 * 2, -1) for index, frame in enumerate(small)])
    assert score(small) >= ACCEPTED > score(jumping)


def test_a_slope_is_given_per_thousand_frames_and_takes_no_notice_of_a_constant():
    frames = [0, 10, 20, 30]
    assert slope(frames, [1.0, 1.1, 1.2, 1.3]) == pytest.approx(10)
    assert slope(frames, [5.0, 5.1, 5.2, 5.3]) == pytest.approx(10)
    assert slope([3], [1.0]) is None


def test_start_and_end_are_means_over_a_second_each():
    frames, values = list(range(8)), [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 4.0, 4.0]
    assert ends(frames, values, 2) == (1, 4)
    assert ends(range(0, 80, 10), values, 20) == (1, 4)
    assert end_over_start(frames, values, 2) == 4
    assert end_over_start([], [], 2) is None


def test_colour_shift_is_the_distance_between_the_first_and_the_last_second(clip):
    tinted = [frame * (1 - 0.01 * index) for index, frame in enumerate(clip)]
    found = lab_shift(range(24), [colour_of(frame).mean for frame in tinted], 6)
    assert found > 5 > 1 > lab_shift(range(24), [colour_of(frame).mean for frame in clip], 6)
    assert lab_shift([0, 1], [(50.0, 0.0, 0.0), (53.0, 4.0, 0.0)], 1) == 5
