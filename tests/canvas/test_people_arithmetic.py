"""The canvas marks whom the node keeps, and a click asks for whom was clicked."""

from fractions import Fraction
from typing import get_args

import numpy as np

from motionweave import KeypointTrack, PersonChoice, Size, follow_person, people_rows
from motionweave.errors import InputError
from motionweave.tracks.keypoints import Person

CHOOSER = "people/chooser.js"
NONE = np.zeros((0, 3), np.float32)
SHAPE = np.random.default_rng(0).uniform(-0.5, 0.5, (18, 2))


def person(x: float, size: float) -> Person:
    body = np.concatenate([SHAPE * size + (x, 240), np.ones((18, 1))], 1).astype(np.float32)
    return Person(body, NONE, NONE, NONE)


FRAMES = tuple((person(100 + 60 * i, 90), person(540 - 60 * i, 140), person(600, 60)) for i in range(7))
TRACK = KeypointTrack((*FRAMES, ()), Size(640, 480), Fraction(3))


def kept(choice: PersonChoice, index: int) -> list[list[int]]:
    """Places, from the left, of those who are kept in each frame; nobody where the node refuses."""
    try:
        chosen = follow_person(TRACK, choice, index)
    except InputError:
        return [[] for _ in TRACK.frames]
    by_place = [sorted(people, key=lambda one: one.body[:, 0].min() + one.body[:, 0].max()) for people in TRACK.frames]
    return [
        [place for place, one in enumerate(people) if any(one is each for each in frame)]
        for people, frame in zip(by_place, chosen.frames, strict=True)
    ]


def test_whom_the_canvas_marks_the_node_keeps(javascript):
    asked = [{"choice": choice, "index": index} for choice in get_args(PersonChoice) for index in range(4)]
    body = """answer(given.asked.map((values) => given.frames.map(({ people }) =>
        people.flatMap((person, place) => (isKept(person, place, values) ? [place] : [])))));"""
    found = javascript({CHOOSER: "isKept"}, body, {"asked": asked, "frames": people_rows(TRACK)["frames"]})
    for values, marked in zip(asked, found, strict=True):
        assert marked == kept(**values), values


def test_who_is_clicked_is_kept(javascript):
    frames = people_rows(TRACK)["frames"]
    body = """answer(given.choices.map((choice) => given.frames.map(({ people }) =>
        people.map((person, place) => ({ choice, index: 9, ...keeping(person, place, { choice }) })))));"""
    given = {"choices": get_args(PersonChoice), "frames": frames}
    for asked in javascript({CHOOSER: "keeping"}, body, given):
        for frame, places in enumerate(asked):
            assert [kept(**values)[frame] for values in places] == [[place] for place in range(len(places))]
