"""A driving figure fitted to a reference's, on marionettes whose true proportions are known."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.marionette.sample import standing
from motionweave.marionette.skeleton import pose_skeleton, wholebody_keypoints
from motionweave.marionette.world import camera_of, clip_times, make_world, motion_at
from motionweave.tracks.keypoints import Person, from_wholebody
from motionweave.tracks.pose import KeypointTrack
from motionweave.tracks.proportions import PARENTS
from motionweave.tracks.retarget import retarget_pose
from motionweave.types import Size

CANVAS = Size(512, 512)
LEGS = [9, 10, 12, 13]


def marionette(seed: int, frames: int = 48, legs: float = 1.0, still: bool = False) -> KeypointTrack:
    """Give a marionette's keypoints; `legs` makes its legs that many times as long."""
    world = make_world(seed)
    world = replace(world, character=replace(world.character, leg_share=world.character.leg_share * legs))
    motion = standing(world) if still else motion_at(world, clip_times(frames, Fraction(24)))
    points, _, _ = camera_of(world, motion.frame_count).project(
        wholebody_keypoints(pose_skeleton(world.character, motion)), CANVAS
    )
    seen = np.ones((*points.shape[:2], 1))
    return KeypointTrack(
        tuple((from_wholebody(frame),) for frame in np.concatenate([points, seen], -1)), CANVAS, Fraction(24)
    )


def altered(track: KeypointTrack, change) -> KeypointTrack:
    return replace(track, frames=tuple(tuple(change(person) for person in frame) for frame in track.frames))


def moved(person: Person, scale: float, shift: tuple[float, float]) -> Person:
    def place(points: np.ndarray) -> np.ndarray:
        return np.concatenate([points[:, :2] * scale + shift, points[:, 2:]], 1).astype(np.float32)

    return Person(place(person.body), place(person.face), place(person.hand_left), place(person.hand_right))


def without(joints: list[int], only_body: bool = False):
    def change(person: Person) -> Person:
        body = person.body.copy()
        body[joints] = 0
        none = np.zeros((0, 3), np.float32)
        return Person(body, none, none, none) if only_body else replace(person, body=body)

    return change


def points_of(track: KeypointTrack) -> np.ndarray:
    return np.stack(
        [np.concatenate([one.body, one.face, one.hand_left, one.hand_right]) for frame in track.frames for one in frame]
    )


@pytest.mark.parametrize("method", ["bones", "affine"])
@pytest.mark.parametrize("seed", range(4))
def test_a_figure_fitted_to_itself_stays_as_it_is(method, seed):
    reference = marionette(seed, still=True)
    track = replace(reference, frames=reference.frames * 5)
    found = retarget_pose(track, reference, method)
    assert np.abs(points_of(found.track) - points_of(track)).max() < 1e-2
    assert found.report.size_ratio == pytest.approx(1, abs=1e-4)
    assert found.report.overlap_after == pytest.approx(1, abs=1e-3)
    assert "built like the reference" in str(found.report)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.3, 3), st.floats(-200, 200), st.floats(-200, 200), st.sampled_from(["bones", "affine"]))
def test_size_and_place_of_the_driving_figure_do_not_matter(scale, x, y, method):
    reference = marionette(2, still=True)
    track = marionette(2, 12)
    other = altered(track, lambda person: moved(person, scale, (x, y)))
    first, second = (retarget_pose(one, reference, method).track for one in (track, other))
    assert np.abs(points_of(first) - points_of(second)).max() < 0.1


def test_every_bone_keeps_its_direction_and_gets_the_references_length():
    reference, track = marionette(21, still=True), marionette(20)
    old, new = points_of(track), points_of(retarget_pose(track, reference).track)
    for joint, parent in enumerate(PARENTS):
        if parent < 0:
            continue
        before, after = (each[:, joint, :2] - each[:, parent, :2] for each in (old, new))
        lengths = np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1)
        assert np.allclose((before * after).sum(1), lengths[0] * lengths[1], rtol=1e-3, atol=0.1)
        assert np.allclose(lengths[1] / lengths[0], (lengths[1] / lengths[0])[0], rtol=1e-2)


def test_longer_legs_are_told_and_taken_back():
    reference, track = marionette(3, still=True), marionette(3, legs=1.25)
    found = retarget_pose(track, reference)
    ratios = {bone.name: bone for bone in found.report.bones}
    assert ratios["thighs"].ratio / ratios["torso"].ratio > 1.25
    assert ratios["thighs"].shown == pytest.approx(1, abs=0.02)
    assert "its legs are 1." in str(found.report)
    assert found.report.overlap_after > found.report.overlap_before


def test_feet_stand_on_the_references_floor_however_long_the_legs_are():
    reference, track = marionette(6, still=True), marionette(8, legs=0.8)
    ankles = points_of(retarget_pose(track, reference).track)[:, [10, 13], 1].max(1)
    ground = points_of(reference)[0, [10, 13], 1].max()
    assert abs(np.quantile(ankles, 0.9) - ground) < 6


def test_the_result_lies_on_the_references_canvas_in_step_with_the_driving_track():
    reference = replace(marionette(4, still=True), canvas=Size(640, 512), fps=Fraction(1))
    track = marionette(5)
    found = retarget_pose(track, reference).track
    assert (found.canvas, found.fps, len(found)) == (Size(640, 512), Fraction(24), 48)


def test_a_reference_without_legs_is_fitted_by_what_both_show():
    reference = altered(marionette(4, still=True), without(LEGS, only_body=True))
    found = retarget_pose(marionette(4), reference)
    whole = retarget_pose(marionette(4), marionette(4, still=True))
    assert "thighs (not seen in both)" in found.report.unfitted
    assert any("floor" in each for each in found.report.unfitted)
    upper = [1, 2, 3, 4, 5, 6, 7]
    assert np.abs(points_of(found.track)[:, upper] - points_of(whole.track)[:, upper]).max() < 40


def test_a_limb_that_points_at_the_viewer_in_the_reference_is_not_made_short():
    def foreshorten(person: Person) -> Person:
        body = person.body.copy()
        for elbow, wrist in ((3, 4), (6, 7)):
            body[wrist, :2] = body[elbow, :2] + 0.1 * (body[wrist, :2] - body[elbow, :2])
        return replace(person, body=body)

    reference = marionette(4, still=True)
    points = points_of(retarget_pose(marionette(4), altered(reference, foreshorten)).track)
    true = points_of(retarget_pose(marionette(4), reference).track)
    lengths = [np.linalg.norm(each[:, 4, :2] - each[:, 3, :2], axis=1) for each in (points, true)]
    assert np.all(lengths[0] > 0.6 * lengths[1])


def test_a_joint_that_is_hidden_for_some_frames_leaves_the_others_where_they_are():
    reference, track = marionette(9, still=True), marionette(9)
    hidden = replace(
        track, frames=tuple(tuple(map(without([3]), f)) if i % 5 == 0 else f for i, f in enumerate(track.frames))
    )
    first, second = (points_of(retarget_pose(one, reference).track) for one in (track, hidden))
    rest = [j for j in range(18) if j not in (3, 4)]
    assert np.abs(first[:, rest] - second[:, rest]).max() < 0.5


def test_nobody_in_a_frame_stays_nobody():
    track = marionette(9, 6)
    track = replace(track, frames=(*track.frames[:3], (), *track.frames[4:]))
    assert [bool(f) for f in retarget_pose(track, marionette(9, still=True)).track.frames] == [1, 1, 1, 0, 1, 1]


def test_what_cannot_be_fitted_is_said_in_a_line():
    track, reference = marionette(1, 3), marionette(1, still=True)
    with pytest.raises(InputError, match="frame 0 shows 2 people; choose one"):
        retarget_pose(replace(track, frames=tuple(f * 2 for f in track.frames)), reference)
    with pytest.raises(InputError, match="nobody is seen in the reference"):
        retarget_pose(track, replace(reference, frames=((),)))
    nothing = altered(reference, without(list(range(1, 18)), only_body=True))
    with pytest.raises(InputError, match="the reference no bone"):
        retarget_pose(track, nothing)
    upside_down = altered(track, lambda person: moved(person, -1, (500, 500)))
    with pytest.raises(InputError, match="fit by bones"):
        retarget_pose(upside_down, reference, "affine")
    with pytest.raises(InputError, match="expected one of bones, affine"):
        retarget_pose(track, reference, "magic")
