"""`POSE_KEYPOINT` and OpenPose's JSON as they are found in the wild."""

import json
from fractions import Fraction
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from motionweave.errors import InputError
from motionweave.tracks.keypoints import Person
from motionweave.tracks.pose import KeypointTrack
from motionweave.tracks.pose_keypoint import read_pose_keypoint, write_pose_keypoint
from motionweave.types import Size

FPS = Fraction(24)
NONE = np.zeros((0, 3), np.float32)


def flat(points) -> list[float]:
    return [float(value) for point in points for value in point]


def frame(people, width: int | None = 768, height: int | None = 512):
    size = {"canvas_width": width, "canvas_height": height} if width else {}
    return {"people": people, **size}


def someone(**parts):
    return {"pose_keypoints_2d": flat([(100 + i, 200 + i, 1) for i in range(18)]), **parts}


def test_pixels_are_taken_as_they_are_with_null_empty_and_absent_parts():
    data = [
        frame([someone(face_keypoints_2d=None, hand_left_keypoints_2d=[], pose_keypoints_3d=[])]),
        frame([]),
        {**frame([]), "people": None},
    ]
    track = read_pose_keypoint(data, FPS)
    (person,) = track.frames[0]
    assert (track.canvas, track.fps, len(track)) == (Size(768, 512), FPS, 3)
    assert person.body[3].tolist() == [103, 203, 1]
    assert len(person.face) == len(person.hand_left) == len(person.hand_right) == 0
    assert track.frames[1:] == ((), ())


def test_one_dict_is_one_frame():
    assert len(read_pose_keypoint(frame([someone()]), FPS)) == 1


def test_shares_of_the_canvas_become_pixels_even_where_a_point_lies_somewhat_outside():
    points = [(0.5, 0.25, 1.0)] * 17 + [(1.04, 0.5, 1.0)]
    (person,) = read_pose_keypoint(frame([{"pose_keypoints_2d": flat(points)}]), FPS).frames[0]
    assert person.body[0].tolist() == [384, 128, 1]
    assert np.allclose(person.body[17], [1.04 * 768, 256, 1])


def test_pixels_and_shares_are_told_apart_by_the_whole_file_not_by_each_person():
    corner = {"pose_keypoints_2d": flat([(1.0, 0.5, 1.0), *[(0, 0, 0)] * 17])}
    track = read_pose_keypoint([frame([someone(), corner]), frame([corner])], FPS)
    assert track.frames[0][1].body[0].tolist() == [1, 0.5, 1]
    assert track.frames[1][0].body[0].tolist() == [1, 0.5, 1]


def test_missing_joints_written_as_minus_one_pixel_with_full_confidence_are_missing():
    """As an editor writes them when it divides -1 by the canvas, in one coordinate or in both."""
    hand = [(0.5, 0.5, 1.0)] * 18 + [(-1 / 768, -1 / 512, 1.0), (0.7135, -1 / 512, 1.0), (-0.0013, 0.3, 1.0)]
    body = [(0.4, 0.4, 1.0)] * 17 + [(-1.0, -1.0, 1.0)]
    data = frame([{"pose_keypoints_2d": flat(body), "hand_left_keypoints_2d": flat(hand), "face_keypoints_2d": None}])
    (person,) = read_pose_keypoint(data, FPS).frames[0]
    assert person.hand_left[17].tolist() == [384, 256, 1]
    assert not person.hand_left[18:].any()
    assert not person.body[17].any()


@pytest.mark.parametrize(
    "missing", [(0, 0, 0), (-1, -1, 1), (0, 0, 1), (-1, 40, 1), (40, 40, -1), (float("nan"), 1, 1)]
)
def test_every_way_to_write_a_missing_pixel_is_understood(missing):
    points = [(100.0, 90.0, 0.5)] * 17 + [missing]
    (person,) = read_pose_keypoint(frame([{"pose_keypoints_2d": flat(points)}]), FPS).frames[0]
    assert person.body[17].tolist() == [0, 0, 0]


def test_a_point_outside_of_the_picture_keeps_its_place():
    points = [(-35.5, 90.0, 0.8)] * 18
    (person,) = read_pose_keypoint(frame([{"pose_keypoints_2d": flat(points)}]), FPS).frames[0]
    assert np.allclose(person.body[0], [-35.5, 90, 0.8])


def test_body_25_of_openpose_itself_is_read_without_its_hip_middle_and_feet():
    data = {
        "version": 1.3,
        "people": [
            {
                "person_id": [-1],
                "pose_keypoints_2d": flat([(10 * i + 5, i + 1, 0.9) for i in range(25)]),
                "face_keypoints_2d": flat([(i + 3, 9, 0.5) for i in range(70)]),
                "hand_left_keypoints_2d": flat([(i + 3, 9, 0.5) for i in range(21)]),
                "pose_keypoints_3d": [],
            }
        ],
    }
    (person,) = read_pose_keypoint([data], FPS, Size(640, 480)).frames[0]
    names = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    assert person.body[:, 0].tolist() == [10 * i + 5 for i in names]
    assert person.face.shape == (70, 3)


def test_several_people_stay_and_those_of_whom_nothing_is_seen_go():
    unseen = {"pose_keypoints_2d": [0.0] * 54, "face_keypoints_2d": None}
    only_a_hand = {"pose_keypoints_2d": None, "hand_right_keypoints_2d": flat([(50, 60, 1)] * 21)}
    track = read_pose_keypoint([frame([someone(), unseen, only_a_hand, someone()])], FPS)
    assert len(track.frames[0]) == 3
    assert track.frames[0][1].hand_right[0].tolist() == [50, 60, 1]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (None, "type NoneType"),
        ([], "type list"),
        ("[]", "type str"),
        ([{"version": "ap10k", "animals": [[]], "canvas_width": 9, "canvas_height": 9}], "animals' keypoints"),
        ([{"annotations": [], "images": []}], "Load Pose File"),
        ([{"poses": []}], r"it has: poses.*OpenPose-style"),
        ([5], "it has: int"),
        ([frame([[1, 2]])], "person of type list"),
        ([frame([{"pose_keypoints_2d": [1.0] * 45}])], "has 15 points; expected 18 or 25"),
        ([frame([{"pose_keypoints_2d": [1.0] * 55}])], "x, y, confidence triples"),
        ([frame([someone(face_keypoints_2d=[1.0] * 1404)])], "has 468 points; expected 68 or 70"),
        ([frame([someone()], None)], "set the canvas by hand"),
        ([frame([someone()]), frame([someone()], 512)], "768x512 from frame 0, 512x512 from frame 1"),
        ([frame([]), frame([])], "nobody is seen in any of the 2"),
        ([frame([{"pose_keypoints_2d": [0.0] * 54}])], "nobody is seen"),
    ],
)
def test_what_is_no_pose_is_said_in_a_line(data, line):
    with pytest.raises(InputError, match=line):
        read_pose_keypoint(data, FPS)


def test_a_canvas_by_hand_serves_where_the_data_has_none_or_another():
    assert read_pose_keypoint([frame([someone()], None)], FPS, Size(300, 400)).canvas == Size(300, 400)
    assert read_pose_keypoint([frame([someone()])], FPS, Size(300, 400)).canvas == Size(300, 400)


coordinates = st.floats(-500, 3000, width=32, allow_subnormal=False)
confidences = st.one_of(st.just(0.0), st.floats(0.125, 1, width=32))


def parts(*counts: int):
    def make(count: int):
        places = arrays(np.float32, (count, 2), elements=coordinates)
        sure = arrays(np.float32, (count, 1), elements=confidences)
        return st.builds(lambda a, b: np.concatenate([a, b], 1), places, sure)

    return st.sampled_from(counts).flatmap(make)


@st.composite
def people(draw):
    body = draw(parts(18))
    body[0] = (300, 200, 0.75)  # Somebody of whom nothing is seen is not kept, and a picture of 2 pixels is none.
    return Person(body, draw(parts(0, 68, 70)), draw(parts(0, 21)), draw(parts(0, 21)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(people(), max_size=2).map(tuple), min_size=1, max_size=3).filter(any))
def test_writing_and_reading_through_json_gives_the_same_numbers(frames):
    track = KeypointTrack(tuple(frames), Size(1280, 720), FPS)
    back = read_pose_keypoint(json.loads(json.dumps(write_pose_keypoint(track))), FPS)
    assert (back.canvas, back.fps, [len(f) for f in back.frames]) == (track.canvas, FPS, [len(f) for f in frames])
    for first, second in zip(chain(*frames), chain(*back.frames), strict=True):
        for name in ("body", "face", "hand_left", "hand_right"):
            ours, theirs = getattr(first, name), getattr(second, name)
            marked = (np.abs(ours[:, :2] + 1) < 1e-3).any(1) | (ours[:, :2] == 0).all(1)
            assert np.array_equal(ours[~marked], theirs[~marked])
            assert np.abs(ours - theirs).max(initial=0) < 1e-3
    assert write_pose_keypoint(back) == write_pose_keypoint(track)
