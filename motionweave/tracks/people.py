"""Who is who: one person's way through frames that show several, and the choice of whom to follow.

People are linked from frame to frame by the distance between the joints that both sightings show, in units of the
figure's size, closest pairs first. Somebody who is hidden for a while is expected where they were heading, and may be
found the farther away the longer they were gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from ..errors import InputError
from ..types import Size
from .keypoints import VISIBLE_ABOVE, Person
from .pose import KeypointTrack

PersonChoice = Literal["track", "largest", "centre", "index", "all"]
"""``track`` follows one person, ``largest``, ``centre`` and ``index`` choose in every frame anew, ``all`` keeps all."""

REACH = 0.6
"""How far, in figure sizes, somebody may have moved from one frame to the next."""
REACH_PER_FRAME = 0.05
"""How much that grows with every frame in which they were not seen."""
HEADING_FRAMES = 8
"""For how many frames somebody unseen is expected to go on as before."""

GAP_S = 3.0
"""For how many seconds somebody may be unseen in a track and still be the same person."""

Frames = Sequence[tuple[Person, ...]]


@dataclass(frozen=True)
class Identity:
    """One person's way through a clip."""

    people: tuple[Person | None, ...]
    """The person in each frame; None where it is not seen."""
    presence: float
    """Sum over the frames of the figure's area in pixels: how much of the clip is about this person."""


def figure_box(person: Person) -> np.ndarray:
    """Give the box around a person's body, or around whatever is seen if no body is.

    Returns:
        (4,) left, top, right, bottom in pixels; zeros if nothing is seen.
    """
    for points in (person.body, np.concatenate([person.face, person.hand_left, person.hand_right])):
        for least in (VISIBLE_ABOVE, 0.0):
            seen = points[points[:, 2] > least, :2]
            if len(seen):
                return np.concatenate([seen.min(0), seen.max(0)]).astype(np.float64)
    return np.zeros(4)


def box_area(box: np.ndarray) -> float:
    """Give a box's area in pixels; a figure seen edge-on still has some."""
    width, height = float(box[2] - box[0]), float(box[3] - box[1])
    return max(width, 0.1 * height) * max(height, 0.1 * width)


@dataclass
class _Trail:
    """A person being followed."""

    sightings: dict[int, Person]
    speed: np.ndarray
    """(2,) pixels per frame."""

    @property
    def last_frame(self) -> int:
        return next(reversed(self.sightings))

    def cost(self, person: Person, frame: int) -> float:
        """Say how far a sighting is from where this person is expected; 1 is as far as it may be."""
        gone = frame - self.last_frame
        last = self.sightings[self.last_frame]
        moved = self.speed * min(gone, HEADING_FRAMES)
        return _distance(last, person, moved) / (REACH + REACH_PER_FRAME * (gone - 1))

    def add(self, person: Person, frame: int) -> None:
        last, gone = self.sightings[self.last_frame], frame - self.last_frame
        both = (last.body[:, 2] > VISIBLE_ABOVE) & (person.body[:, 2] > VISIBLE_ABOVE)
        if both.any():
            latest = np.median((person.body - last.body)[both, :2], axis=0) / gone
            self.speed = 0.5 * self.speed + 0.5 * latest
        self.sightings[frame] = person


def _distance(first: Person, second: Person, moved: np.ndarray) -> float:
    """Give the mean distance between joints that both show, in figure sizes; between box centres if they share few."""
    boxes = figure_box(first), figure_box(second)
    size = max(*(float((box[2:] - box[:2]).max()) for box in boxes), 1.0)
    both = (first.body[:, 2] > VISIBLE_ABOVE) & (second.body[:, 2] > VISIBLE_ABOVE)
    if both.sum() >= 3:
        offsets = (second.body - first.body)[both, :2] - moved
        return float(np.hypot(offsets[:, 0], offsets[:, 1]).mean()) / size
    centres = [(box[:2] + box[2:]) / 2 for box in boxes]
    return float(np.hypot(*(centres[1] - centres[0] - moved))) / size


def link_people(frames: Frames, gap: int = 90) -> list[Identity]:
    """Find who is who over a clip.

    Args:
        frames: Who is there in each frame, in any order.
        gap: For how many frames somebody may be unseen and still be the same person.

    Returns:
        Everybody, the one who is most of the clip first.
    """
    trails: list[_Trail] = []
    for frame, people in enumerate(frames):
        alive = [trail for trail in trails if frame - trail.last_frame <= gap + 1]
        costs = sorted(
            (cost, t, p)
            for t, trail in enumerate(alive)
            for p, person in enumerate(people)
            if (cost := trail.cost(person, frame)) <= 1
        )
        taken: set[int] = set()
        placed: set[int] = set()
        for _, t, p in costs:
            if t not in taken and p not in placed:
                alive[t].add(people[p], frame)
                taken.add(t)
                placed.add(p)
        trails += [_Trail({frame: one}, np.zeros(2)) for p, one in enumerate(people) if p not in placed]
    found = [_identity(trail, len(frames)) for trail in trails]
    return sorted(found, key=lambda one: -one.presence)


def _identity(trail: _Trail, count: int) -> Identity:
    presence = sum(box_area(figure_box(person)) for person in trail.sightings.values())
    return Identity(tuple(trail.sightings.get(frame) for frame in range(count)), presence)


def choose_person(
    frames: Frames, canvas: Size, choice: PersonChoice = "track", index: int = 0, gap: int = 90
) -> tuple[tuple[Person, ...], ...]:
    """Keep one person of several.

    Args:
        frames: Who is there in each frame.
        canvas: The picture that the keypoints are pixels of.
        choice: ``track`` follows one person through the clip; ``largest``, ``centre`` (nearest to the middle of the
            picture) and ``index`` (counted from the left) judge every frame by itself; ``all`` keeps everybody.
        index: For ``track`` the person's rank, 0 being who fills most of the clip; for ``index`` the place, 0 being
            the leftmost. Not used otherwise.
        gap: For ``track``, how many frames somebody may be unseen and still be the same person.

    Returns:
        As many frames; one in which the person is not seen is empty.

    Raises:
        InputError: If the choice is unknown, or nobody has that index in any frame.
    """
    if choice not in get_args(PersonChoice):
        raise InputError(f"the choice of a person is '{choice}'; expected one of {', '.join(get_args(PersonChoice))}")
    if choice == "all":
        return tuple(frames)
    if choice == "track":
        found = link_people(frames, gap)
        if not 0 <= index < len(found):
            raise _nobody(index, len(found), "the clip shows")
        return tuple(() if one is None else (one,) for one in found[index].people)
    most = max((len(people) for people in frames), default=0)
    if choice == "index" and not 0 <= index < most:
        raise _nobody(index, most, "a frame shows at most")
    return tuple(_pick(people, canvas, choice, index) for people in frames)


def follow_person(
    track: KeypointTrack, choice: PersonChoice = "track", index: int = 0, gap_s: float = GAP_S
) -> KeypointTrack:
    """Keep one person of several in a track.

    Args:
        track: The poses.
        choice: As in `choose_person`.
        index: As in `choose_person`.
        gap_s: For ``track``, for how many seconds somebody may be unseen and still be the same person.

    Returns:
        The same track with at most one person in each frame, unless `choice` is ``all``.

    Raises:
        InputError: As `choose_person`.
    """
    frames = choose_person(track.frames, track.canvas, choice, index, round(gap_s * track.fps))
    return replace(track, frames=frames)


def _nobody(index: int, count: int, where: str) -> InputError:
    expected = f"expected 0 to {count - 1}" if count else "there is nobody to choose"
    return InputError(
        f"person {index} was chosen, but {where} {count} {'person' if count == 1 else 'people'}; {expected}"
    )


def _pick(people: tuple[Person, ...], canvas: Size, choice: PersonChoice, index: int) -> tuple[Person, ...]:
    if not people:
        return ()
    boxes = [figure_box(person) for person in people]
    if choice == "largest":
        return (people[int(np.argmax([box_area(box) for box in boxes]))],)
    centres = np.array([(box[:2] + box[2:]) / 2 for box in boxes])
    if choice == "centre":
        offsets = centres - np.array([canvas.width, canvas.height]) / 2
        return (people[int(np.argmin(np.hypot(offsets[:, 0], offsets[:, 1])))],)
    order = np.argsort(centres[:, 0], kind="stable")
    return (people[int(order[index])],) if index < len(order) else ()
