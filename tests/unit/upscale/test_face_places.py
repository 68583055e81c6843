from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from known_faces import KnownFaces, face_at, numbered

from motionweave.types import Size
from motionweave.upscale.face_places import FacePlace, follow_faces, place_of

FPS = Fraction(25)


def follow(faces: list[tuple[np.ndarray, ...]]) -> tuple[tuple[FacePlace, ...], ...]:
    told: list[int] = []
    places = follow_faces(numbered(len(faces), Size(8, 8)), KnownFaces(tuple(faces)), FPS, told.append)
    assert told == list(range(1, len(faces) + 1)) and len(places) == len(faces)
    return places


def middle(place: FacePlace) -> complex:
    return place.turn * (0.5 + 0.5j) + place.corner


@pytest.mark.parametrize(("x", "y", "side", "tilt"), [(100, 80, 60, 0.0), (30.5, 200, 144, 0.6), (9, 9, 512, -2.0)])
def test_a_faces_crop_is_found_from_its_points(x: float, y: float, side: float, tilt: float) -> None:
    turn, corner = place_of(face_at(x, y, side, tilt))
    assert turn == pytest.approx(side * np.exp(1j * tilt))
    assert turn * (0.5 + 0.5j) + corner == pytest.approx(x + 1j * y)


def trembling(values: list[complex]) -> float:
    return float(np.abs(np.diff(values)).mean())


@pytest.mark.parametrize("speed", [0, 4])
def test_a_face_stops_trembling_at_rest_and_in_size_and_tilt_while_it_moves(speed: int) -> None:
    noise = np.random.default_rng(0)
    faces = [(face_at(100 + speed * frame, 80, 60) + noise.normal(0, 1, (5, 2)),) for frame in range(40)]
    places = [place for (place,) in follow(faces)]
    raw = [FacePlace(*place_of(points), 1.0, 60.0) for (points,) in faces]
    assert trembling([each.turn for each in places]) < trembling([each.turn for each in raw]) / 5
    assert abs(np.mean([each.turn for each in places]) - np.mean([each.turn for each in raw])) < 0.5
    if not speed:
        assert trembling([middle(each) for each in places]) < trembling([middle(each) for each in raw]) / 5


def test_a_face_that_moves_is_neither_late_nor_early() -> None:
    places = follow([(face_at(50 + 4 * frame, 80, 60),) for frame in range(30)])
    for frame, (place,) in enumerate(places[3:-3], start=3):
        assert abs(middle(place) - (50 + 4 * frame + 80j)) < 1


def test_a_short_absence_is_filled_and_a_long_one_is_not() -> None:
    seen, gone = (face_at(100, 80, 60),), ()
    assert [len(each) for each in follow([seen] * 5 + [gone] * 7 + [seen] * 5)] == [1] * 17
    assert [len(each) for each in follow([seen] * 5 + [gone] * 9 + [seen] * 5)] == [1] * 5 + [0] * 9 + [1] * 5


def test_what_is_filled_lies_between() -> None:
    places = follow([(face_at(100, 80, 60),)] * 4 + [()] * 3 + [(face_at(108, 80, 60),)] * 4)
    assert [middle(places[frame][0]).real for frame in (4, 5, 6)] == pytest.approx([102, 104, 106], abs=0.8)


def test_a_face_that_comes_and_goes_fades_but_not_at_the_clips_ends() -> None:
    seen, gone = (face_at(100, 80, 60),), ()
    weights = [[place.weight for place in each] for each in follow([gone] * 2 + [seen] * 20 + [gone] * 2)]
    assert weights[:2] == weights[-2:] == [[], []]
    assert [each for (each,) in weights[2:9]] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1])
    assert weights[::-1] == weights
    assert [place.weight for (place,) in follow([seen] * 20)] == [1.0] * 20


def test_what_is_seen_twice_or_is_tiny_is_no_face() -> None:
    assert sum(map(len, follow([()] * 5 + [(face_at(100, 80, 60),)] * 2 + [()] * 5))) == 0
    assert sum(map(len, follow([(face_at(100, 80, 19),)] * 10))) == 0
    assert sum(map(len, follow([(face_at(100, 80, 21),)] * 10))) == 10
    assert [len(each) for each in follow([(face_at(100, 80, 60),)])] == [1]


def test_two_faces_are_not_mistaken_for_each_other_whatever_the_order() -> None:
    left, right = (lambda frame: face_at(60 + frame, 80, 60)), (lambda frame: face_at(130 - frame, 90, 60))
    pairs = [(left(frame), right(frame)) for frame in range(20)]
    places = follow([pair[::-1] if frame % 3 else pair for frame, pair in enumerate(pairs)])
    for frame, each in enumerate(places):
        ways = sorted(middle(place).real for place in each)
        assert ways == pytest.approx([60 + frame, 130 - frame], abs=1)
