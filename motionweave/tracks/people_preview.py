"""Who is seen in a pose track, told so that somebody can be chosen by a look."""

from __future__ import annotations

from typing import Any

from .keypoints import VISIBLE_ABOVE, Person
from .people import GAP_S, choose_person, link_people
from .pose import KeypointTrack
from .pose_preview import shown_frames


def people_rows(track: KeypointTrack) -> dict[str, Any]:
    """Tell who is seen in some frames, in values that JSON knows.

    Args:
        track: Everybody's poses.

    Returns:
        `canvas`, its width and height in pixels; `count`, how many people the clip shows; and `frames`: of each the
        `frame` and its `people`, from left to right. Of a person the `joints` are told, (18, 2) in pixels with None for
        what is not seen, and by which choice they are kept: their number for `track`, whether for `largest` and
        `centre`. Their place in the list is the number for `index`.
    """
    found = link_people(track.frames, round(GAP_S * track.fps))
    rows: list[dict[str, Any]] = []
    for frame in shown_frames(len(track)):
        people = track.frames[frame]
        ordered = [choose_person((people,), track.canvas, "index", place)[0][0] for place in range(len(people))]
        rank = {id(one.people[frame]): number for number, one in enumerate(found)}
        kept = {choice: choose_person((people,), track.canvas, choice)[0] for choice in ("largest", "centre")}
        told = [
            {
                "joints": _joints(person),
                "track": rank[id(person)],
                **{choice: person is chosen[0] for choice, chosen in kept.items()},
            }
            for person in ordered
        ]
        rows.append({"frame": frame, "people": told})
    return {"canvas": [track.canvas.width, track.canvas.height], "count": len(found), "frames": rows}


def _joints(person: Person) -> list[list[float] | None]:
    places = person.body[:, :2].round(1).tolist()
    return [place if sure > VISIBLE_ABOVE else None for place, sure in zip(places, person.body[:, 2], strict=True)]
