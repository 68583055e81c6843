"""What is told of the people in a clip, so that one can be chosen by a look."""

import json
from fractions import Fraction

import numpy as np
import pytest

from motionweave.tracks.keypoints import Person
from motionweave.tracks.people import follow_person
from motionweave.tracks.people_preview import people_rows
from motionweave.tracks.pose import KeypointTrack
from motionweave.types import Size

NONE = np.zeros((0, 3), np.float32)
SHAPE = np.random.default_rng(0).uniform(-0.5, 0.5, (18, 2))


def person(x: float, size: float) -> Person:
    body = np.concatenate([SHAPE * size + (x, 240), np.ones((18, 1))], 1).astype(np.float32)
    return Person(body, NONE, NONE, NONE)


@pytest.fixture
def track() -> KeypointTrack:
    """Two who cross, the larger one from the right to the left; one who is there for a moment; a frame with nobody."""
    frames = [(person(100 + 15 * i, 90), person(540 - 15 * i, 140)) for i in range(30)]
    frames[5] = (*frames[5], person(320, 20))
    return KeypointTrack((*frames, ()), Size(640, 480), Fraction(12))


def test_a_person_is_kept_by_the_very_choice_that_is_told(track):
    told = json.loads(json.dumps(people_rows(track)))
    assert (told["canvas"], told["count"]) == ([640, 480], 3)
    assert told["frames"][0]["frame"] == 0 and told["frames"][-1] == {"frame": 30, "people": []}
    for row in told["frames"]:
        for place, each in enumerate(row["people"]):
            by_choice = [("track", each["track"]), ("index", place)]
            by_choice += [(name, 0) for name in ("largest", "centre") if each[name]]
            for choice, index in by_choice:
                (kept,) = follow_person(track, choice, index).frames[row["frame"]]
                np.testing.assert_allclose(each["joints"], kept.body[:, :2], atol=0.06)


def test_a_joint_that_is_not_seen_has_no_place(track):
    hidden = track.frames[0][0].body.copy()
    hidden[4, 2] = 0.1
    one = KeypointTrack(((Person(hidden, NONE, NONE, NONE),),), track.canvas, track.fps)
    ((told,),) = (row["people"] for row in people_rows(one)["frames"])
    assert [joint for joint, place in enumerate(told["joints"]) if place is None] == [4]


def test_a_clip_without_anybody_is_told_as_well(track):
    told = people_rows(KeypointTrack(((), ()), track.canvas, track.fps))
    assert told["count"] == 0
    assert [row["people"] for row in told["frames"]] == [[], []]
