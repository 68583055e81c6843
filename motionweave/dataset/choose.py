"""From films to clips: shots that are long enough, move, and show one person whose face is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..tracks.keypoints import VISIBLE_ABOVE, Person
from ..tracks.people import box_area, figure_box
from .extract import TOKEN_EVERY
from .film import Film
from .measures import find_cuts

NOSE, EYES = 0, (14, 15)
"""OpenPose's body points that make a face."""
LESSER = 0.15
"""Figures that take less than this share of the largest one's area are passers-by."""


@dataclass(frozen=True)
class Filters:
    """Which shots become clips."""

    least_s: float = 1.0
    """Shorter shots are left out."""
    most_s: float = 60.0
    """Longer shots are cut into equal clips."""
    least_motion: float = 0.01
    """Mean optical flow in picture heights a second; still pictures have none."""
    most_motion: float = 3.0
    """The same; more is a shaken camera or a broken film."""
    one_person: float = 0.9
    """Share of the frames that show exactly one person."""
    face: float = 0.3
    """Share of the frames in which nose and an eye are seen; 0 takes people from behind as well."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if not 0 <= self.least_s <= self.most_s or not 0 <= self.least_motion <= self.most_motion:
            raise InputError(
                f"clips of {self.least_s:g} to {self.most_s:g} s with motion of {self.least_motion:g} to "
                f"{self.most_motion:g} were asked for; expected the smaller number first, none below 0"
            )
        if not (0 <= self.one_person <= 1 and 0 <= self.face <= 1):
            raise InputError(f"shares of {self.one_person:g} and {self.face:g} were given; expected 0 to 1")


@dataclass(frozen=True)
class Shot:
    """A part of a film, what it shows, and why it is left out, if it is."""

    start: int
    """First frame."""
    stop: int
    """One past the last."""
    motion: float
    """Mean optical flow, in picture heights a second."""
    one_person: float
    """Share of the frames with exactly one person."""
    face: float
    """Share of the frames in which a face is seen."""
    refused: str = ""
    """Which filter refuses it; empty for a clip."""
    detail: str = ""
    """With which number."""


def choose_shots(film: Film, filters: Filters) -> tuple[Shot, ...]:
    """Cut a film into shots and judge them.

    Args:
        film: What was read.
        filters: Which to take.

    Returns:
        All of them, in order.
    """
    most = max(1, int(filters.most_s * film.fps))
    borders = [*find_cuts(film.measures), film.frame_count]
    ranges = [part for start, stop in pairwise(borders) for part in _parts(start, stop, most)]
    return tuple(_judged(film, start, stop, filters) for start, stop in ranges)


def _parts(start: int, stop: int, most: int) -> list[tuple[int, int]]:
    count = -(-(stop - start) // most)
    edges = [start + round(index * (stop - start) / count) for index in range(count + 1)]
    return list(pairwise(edges))


def _judged(film: Film, start: int, stop: int, filters: Filters) -> Shot:
    seen = [main_figures(people) for people in film.people[start:stop]]
    # The first frame's flow leads across the cut.
    flow = film.measures.motion[start + 1 : stop]
    motion = float(flow.mean() * film.fps) if len(flow) else 0.0
    alone = float(np.mean([len(people) == 1 for people in seen]))
    face = float(np.mean([any(map(shows_face, people)) for people in seen]))
    length_s = float((stop - start) / film.fps)
    judgements = (
        ("too short", stop - start <= TOKEN_EVERY or length_s < filters.least_s, f"{stop - start} frames"),
        ("too still", motion < filters.least_motion, f"{motion:.4f} picture heights a second"),
        ("too wild", motion > filters.most_motion, f"{motion:.2f} picture heights a second"),
        ("not one person", alone < filters.one_person, f"one person in {alone:.0%} of the frames"),
        ("no face", face < filters.face, f"a face in {face:.0%} of the frames"),
    )
    refused, detail = next(((name, detail) for name, holds, detail in judgements if holds), ("", ""))
    return Shot(start, stop, round(motion, 5), round(alone, 4), round(face, 4), refused, detail)


def main_figures(people: Sequence[Person]) -> list[Person]:
    """Give those who are not far smaller than the largest figure."""
    areas = [box_area(figure_box(person)) for person in people]
    return [person for person, area in zip(people, areas, strict=True) if area >= LESSER * max(areas)]


def shows_face(person: Person) -> bool:
    """Say whether nose and an eye are seen."""
    return bool(person.body[NOSE, 2] > VISIBLE_ABOVE and (person.body[list(EYES), 2] > VISIBLE_ABOVE).any())
