"""Who is followed, when several people are there."""

import numpy as np
import pytest

from motionweave.errors import InputError
from motionweave.tracks.keypoints import Person
from motionweave.tracks.people import choose_person, figure_box, link_people
from motionweave.types import Size

CANVAS = Size(640, 480)
NONE = np.zeros((0, 3), np.float32)
SHAPE = np.random.default_rng(0).uniform(-0.5, 0.5, (18, 2))


def person(x: float, y: float = 240, size: float = 100) -> Person:
    body = np.concatenate([SHAPE * size + (x, y), np.ones((18, 1))], 1).astype(np.float32)
    return Person(body, NONE, NONE, NONE)


def middle(one: Person) -> float:
    return float(one.body[:, 0].mean() - SHAPE[:, 0].mean() * np.ptp(one.body[:, 0]) / np.ptp(SHAPE[:, 0]))


def places(frames) -> list[float | None]:
    return [round(middle(frame[0])) if frame else None for frame in frames]


def test_the_largest_and_the_most_central_person_are_chosen_in_every_frame_anew():
    frames = ((person(100, size=50), person(500, size=150)), (), (person(500, size=50), person(300, size=60)))
    assert places(choose_person(frames, CANVAS, "largest")) == [500, None, 300]
    assert places(choose_person(frames, CANVAS, "centre")) == [500, None, 300]


def test_an_index_counts_people_from_the_left_whatever_order_they_came_in():
    frames = ((person(500), person(100)), (person(100), person(500)), (person(100),))
    assert places(choose_person(frames, CANVAS, "index", 0)) == [100, 100, 100]
    assert places(choose_person(frames, CANVAS, "index", 1)) == [500, 500, None]


def test_a_track_stays_with_somebody_whose_place_in_the_list_changes():
    rng = np.random.default_rng(1)
    frames = []
    for i in range(40):
        pair = [person(150 + 3 * i, size=120), person(500 - 3 * i, 200, size=80)]
        frames.append(tuple(pair[j] for j in rng.permutation(2)))
    found = places(choose_person(frames, CANVAS, "track", 0))
    assert found == [150 + 3 * i for i in range(40)]


def test_two_who_cross_are_not_mistaken_for_each_other():
    frames = [(person(100 + 10 * i, 230), person(540 - 10 * i, 250, 90)) for i in range(45)]
    assert places(choose_person(frames, CANVAS, "track", 0)) == [100 + 10 * i for i in range(45)]


def test_a_track_bridges_a_gap_and_leaves_it_empty():
    frames = [() if 10 <= i < 20 else (person(100 + 4 * i), person(550)) for i in range(30)]
    frames[15] = (person(550),)
    found = choose_person(frames, CANVAS, "track", 1)
    assert places(found) == [None if 10 <= i < 20 else 100 + 4 * i for i in range(30)]


def test_somebody_who_is_gone_too_long_comes_back_as_somebody_else():
    frames = [(person(300),), *[()] * 5, (person(300),)]
    assert len(link_people(frames, gap=5)) == 1
    assert len(link_people(frames, gap=4)) == 2


def test_rank_zero_is_who_fills_most_of_the_clip_not_who_came_first():
    frames = [(person(50, size=90),), *[(person(400, size=100),)] * 20]
    frames[0] = (person(50, size=90),)
    assert places(choose_person(frames, CANVAS, "track", 0)) == [None, *[400] * 20]


def test_all_keeps_everybody_and_nothing_is_written_into_what_came():
    frames = ((person(100), person(300)), ())
    assert choose_person(frames, CANVAS, "all") == frames


def test_an_index_that_nobody_has_is_named_with_those_there_are():
    frames = ((person(100), person(300)),)
    for choice in ("track", "index"):
        with pytest.raises(InputError, match=r"person 2 .* 2 people; expected 0 to 1"):
            choose_person(frames, CANVAS, choice, 2)
    with pytest.raises(InputError, match="nobody to choose"):
        choose_person(((), ()), CANVAS, "track", 0)
    with pytest.raises(InputError, match="expected one of track, largest"):
        choose_person(frames, CANVAS, "tallest")


def test_a_person_of_whom_only_a_hand_is_seen_has_a_box():
    hand = np.concatenate([np.linspace(10, 30, 21)[:, None], np.linspace(5, 9, 21)[:, None], np.ones((21, 1))], 1)
    one = Person(np.zeros((18, 3), np.float32), NONE, hand.astype(np.float32), NONE)
    assert figure_box(one).tolist() == [10, 5, 30, 9]
