"""Borders go where it is still and quiet, and never where windows would not hold."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.errors import InputError, ShapeError
from motionweave.longform.borders import frame_loudness, pose_motion, settle_borders, settle_on
from motionweave.longform.plan import ChunkPlan
from motionweave.tracks.keypoints import BODY_COUNT, Person
from motionweave.tracks.pose import KeypointTrack, PoseMapFrames
from motionweave.types import Audio, Size

FPS = Fraction(30)
EVEN = ChunkPlan(48, FPS, 16, 8, 24)


def moving_except(*still: int, frame_count: int = 48) -> torch.Tensor:
    motion = torch.ones(frame_count)
    motion[list(still)] = 0
    return motion


def borders(plan) -> list[int]:
    return [window.new_start for window in plan.windows()[1:]]


def test_borders_move_to_the_still_frames_within_reach():
    assert borders(settle_borders(EVEN, moving_except(14, 35), None, 3)) == [14, 32]
    assert borders(settle_borders(EVEN, moving_except(14, 33), None, 3)) == [14, 33]
    assert borders(settle_borders(EVEN, moving_except(12, 36), None, 3)) == [16, 32]


def test_a_border_that_gains_nothing_stays():
    assert settle_borders(EVEN, torch.ones(48), None, 4) is EVEN
    assert settle_borders(EVEN, torch.zeros(48), torch.zeros(48), 4) is EVEN
    assert settle_borders(EVEN, moving_except(14), None, 0) is EVEN


def test_sound_counts_as_much_as_motion_and_both_sides_of_a_border_are_heard():
    loud = torch.ones(48)
    loud[17:19] = 0
    assert borders(settle_borders(EVEN, torch.zeros(48), loud, 3)) == [18, 32]


def test_what_happens_elsewhere_does_not_move_a_border():
    motion = torch.rand(200, generator=torch.Generator().manual_seed(1))
    plan = ChunkPlan(200, FPS, 17, 8, 25)
    later = motion.clone()
    later[150:] *= 50
    before, after = (borders(settle_borders(plan, each, None, 3)) for each in (motion, later))
    assert before[:6] == after[:6] != borders(plan)[:6]


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 300), st.integers(1, 20), st.integers(0, 20), st.integers(1, 30), st.data())
def test_settled_plans_hold_and_keep_half_the_overlap_and_the_fade(frame_count, chunk_frames, overlap, reach, data):
    overlap = min(overlap, chunk_frames)
    fade = data.draw(st.integers(0, overlap))
    plan = ChunkPlan(
        frame_count, FPS, chunk_frames, overlap, chunk_frames + overlap, blend="linear" if fade else "cut", fade=fade
    )
    motion = torch.rand(frame_count, generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99))))
    settled = settle_borders(plan, motion, None, reach)
    assert len(settled) == len(plan)
    assert all(abs(new - old) <= reach for new, old in zip(borders(settled), borders(plan), strict=True))
    assert [frame for window in settled.windows() for frame in range(window.new_start, window.stop)] == list(
        range(frame_count)
    )
    for window in settled.windows()[1:]:
        assert window.frame_count <= chunk_frames + overlap
        assert window.context >= max(fade, overlap // 2)


def test_the_motion_of_keypoints_is_the_mean_way_of_points_that_are_seen_twice():
    body = np.zeros((BODY_COUNT, 3), np.float32)
    body[:4, 2] = 1
    empty = np.zeros((0, 3), np.float32)
    frames = []
    for step in (0, 0, 3, 4):
        moved = body.copy()
        moved[:4, 0] += step
        moved[4:, 0] += 100 * step
        frames.append((Person(moved, empty, empty, empty),))
    track = KeypointTrack((*frames, ()), Size(64, 64), FPS)
    assert pose_motion(track, 5).tolist() == [0, 0, 3, 1, 0]


def test_the_motion_of_drawn_maps_is_the_same_however_they_are_read(monkeypatch):
    maps = torch.rand(9, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    maps[4] = maps[3]
    track = PoseMapFrames(maps, FPS)
    motion = pose_motion(track, 9)
    assert (motion[0], motion[4]) == (0, 0)
    assert (motion[[1, 2, 3, 5]] > 1).all()
    monkeypatch.setattr("motionweave.longform.borders.BLOCK", 2)
    torch.testing.assert_close(pose_motion(track, 9), motion)


def test_loudness_is_cut_on_the_videos_clock_and_ends_with_the_sound():
    plan = ChunkPlan(5, Fraction(30000, 1001), 5, 0, 5)
    samples = torch.zeros(1, 4 * 1602)
    samples[:, 1601:3203] = 0.5  # what plays from the second frame on until the third: 1601.6 to 3203.2
    loud = frame_loudness(Audio(samples, 48000), plan)
    torch.testing.assert_close(loud, torch.tensor([0.0, 0.5, 0.0, 0.0, 0.0]))


def test_what_cannot_be_settled_is_refused():
    with pytest.raises(InputError, match="neither"):
        settle_on(EVEN, 3, None, None)
    with pytest.raises(InputError, match="ends after 40"):
        settle_on(EVEN, 3, PoseMapFrames(torch.zeros(40, 3, 4, 4), FPS), None)
    with pytest.raises(ShapeError):
        settle_borders(EVEN, torch.zeros(40), None, 3)
    with pytest.raises(InputError, match="even plan"):
        settle_borders(replace(EVEN, borders=(15, 32)), torch.zeros(48), None, 3)
    assert settle_on(EVEN, 0, None, None) is EVEN


def test_a_track_of_another_rate_is_read_on_the_videos_clock():
    maps = torch.rand(24, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    maps[9] = maps[8]
    # Frame 9 of the track begins at frame 18 of the video, whose odd frames repeat the one before.
    track = PoseMapFrames(maps, Fraction(15))
    settled = settle_on(EVEN, 2, track, None)
    assert settled.borders[0] in (15, 17, 18)
