"""Steady keypoints: what is still stays, what moves is not held back, and only short gaps are filled."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.tracks.keypoints import Person
from motionweave.tracks.pose import KeypointTrack
from motionweave.tracks.smoothing import SmoothOptions, fill_gaps, one_euro, smooth_pose
from motionweave.types import Size

NONE = np.zeros((0, 3), np.float32)


def track(bodies: np.ndarray, fps: int = 24) -> KeypointTrack:
    """Make a track of (F, 18, 3) bodies; a frame in which nothing is seen has nobody."""
    frames = tuple((Person(body.astype(np.float32), NONE, NONE, NONE),) if body[:, 2].any() else () for body in bodies)
    return KeypointTrack(frames, Size(512, 512), Fraction(fps))


def bodies_of(one: KeypointTrack) -> np.ndarray:
    return np.stack([frame[0].body if frame else np.zeros((18, 3)) for frame in one.frames])


def still(frames: int) -> np.ndarray:
    shape = np.random.default_rng(0).uniform(100, 400, (18, 2))
    return np.broadcast_to(np.concatenate([shape, np.ones((18, 1))], 1), (frames, 18, 3)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 12), st.floats(0.1, 20), st.floats(0, 50), st.sampled_from([1, 24, 60, 1000]), st.integers(0, 2**31)
)
def test_smoothing_what_stands_still_changes_nothing(count, cutoff_hz, speed_weight, fps, seed):
    shape = np.random.default_rng(seed).uniform(-50, 600, (18, 3)).astype(np.float32)
    shape[:, 2] = 0.9
    same = np.broadcast_to(shape, (count, 18, 3))
    smooth = smooth_pose(track(same, fps), SmoothOptions(cutoff_hz, speed_weight))
    assert np.array_equal(bodies_of(smooth), same)


def test_the_filter_is_the_published_one_written_plainly():
    rng = np.random.default_rng(3)
    values = rng.normal(0, 10, (40, 1, 2)).cumsum(0)
    options = SmoothOptions(cutoff_hz=1.7, speed_weight=0.3, speed_cutoff_hz=1.1)
    found = one_euro(values, np.ones((40, 1), bool), 30.0, options, unit=5.0)

    def alpha(cutoff: float) -> float:
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau * 30.0)

    held, speed = values[0, 0].copy(), np.zeros(2)
    for frame in range(1, 40):
        speed = alpha(1.1) * (values[frame, 0] - held) * 30.0 + (1 - alpha(1.1)) * speed
        share = alpha(1.7 + 0.3 * math.hypot(*speed) / 5.0)
        held = share * values[frame, 0] + (1 - share) * held
        assert np.allclose(found[frame, 0], held)


def test_jitter_goes_down_and_a_steady_motion_does_not_fall_behind():
    rng = np.random.default_rng(5)
    true = still(120).copy()
    true[:, 4, 0] += np.linspace(0, 300, 120)
    noisy = true.copy()
    noisy[..., :2] += rng.normal(0, 2, (120, 18, 2))
    smooth = bodies_of(smooth_pose(track(noisy)))
    before = np.sqrt(((noisy - true)[20:100, :, :2] ** 2).mean())
    after = np.sqrt(((smooth - true)[20:100, :, :2] ** 2).mean())
    assert after < 0.55 * before
    assert abs((smooth - true)[20:100, 4, 0].mean()) < 0.3


def test_speed_is_counted_in_figure_heights_so_that_resolution_does_not_matter():
    rng = np.random.default_rng(6)
    small = still(30).copy()
    small[..., :2] += rng.normal(0, 3, (30, 18, 2)).cumsum(0)
    large = small * np.array([4, 4, 1], np.float32)
    assert np.allclose(bodies_of(smooth_pose(track(small)))[..., :2] * 4, bodies_of(smooth_pose(track(large)))[..., :2])


def test_a_joint_that_comes_back_elsewhere_starts_anew_instead_of_being_dragged_there():
    moving = still(40).copy()
    moving[10:25, 7, 2] = 0
    moving[25:, 7, 0] += 200
    smooth = bodies_of(smooth_pose(track(moving)))
    assert np.array_equal(smooth[:10, 7], moving[:10, 7])
    assert np.array_equal(smooth[25:, 7], moving[25:, 7])


def test_a_short_gap_is_filled_along_a_line_with_less_confidence_and_a_long_one_is_not():
    points = np.ones((12, 2, 3))
    points[:, 0, 0] = points[:, 1, 0] = np.arange(12) * 10
    points[3:6, 0] = 0
    points[2:8, 1] = 0
    filled = fill_gaps(points, 3)
    assert np.allclose(filled[3:6, 0, 0], [30, 40, 50])
    assert np.allclose(filled[3:6, 0, 2], 0.3 + 0.7 / 2)
    assert np.array_equal(filled[:, 1], points[:, 1])


@pytest.mark.parametrize("hidden", [slice(0, 2), slice(10, 12)])
def test_gaps_at_the_ends_stay_because_nothing_tells_what_was_there(hidden):
    points = np.ones((12, 1, 3))
    points[hidden] = 0
    assert np.array_equal(fill_gaps(points, 8), points)


def test_a_doubtful_sighting_is_replaced_and_a_filled_one_is_still_drawn():
    points = np.full((5, 1, 3), 100.0)
    points[..., 2] = 0.31
    points[2, 0] = (400, 400, 0.1)
    filled = fill_gaps(points, 2)
    assert np.allclose(filled[2, 0, :2], 100)
    assert 0.3 < filled[2, 0, 2] < 0.31


def test_somebody_missing_for_a_moment_is_filled_in_and_for_long_is_not():
    bodies = still(40).copy()
    bodies[5:8] = 0
    bodies[20:35] = 0
    frames = smooth_pose(track(bodies)).frames
    assert [bool(frame) for frame in frames] == [not 20 <= i < 35 for i in range(40)]


def test_every_person_is_smoothed_alone():
    one, other = still(20).copy(), still(20).copy()
    other[..., 0] += 300
    pairs = tuple(
        (Person(a, NONE, NONE, NONE), Person(b, NONE, NONE, NONE))[:: 1 if i % 2 else -1]
        for i, (a, b) in enumerate(zip(one, other, strict=True))
    )
    smooth = smooth_pose(KeypointTrack(pairs, Size(900, 512), Fraction(24)))
    for frame in smooth.frames:
        assert sorted(person.body[0, 0] for person in frame) == sorted((one[0, 0, 0], other[0, 0, 0]))


def test_numbers_that_make_no_filter_are_refused():
    with pytest.raises(InputError, match="expected none below 0"):
        SmoothOptions(cutoff_hz=-1)
