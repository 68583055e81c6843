"""Where the faces of a clip are: each one followed from frame to frame, without gaps and without jitter.

What a face restorer makes depends on how the face lies in what it is shown. A detector's points tremble, and now and
then there are none; shown to a restorer as they come, that is most of the flicker such passes are known for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from torch import Tensor

from ..tracks.smoothing import SmoothOptions, steady
from ..types import float_pixels

TEMPLATE = np.array(
    [0.37692 + 0.46865j, 0.62286 + 0.46913j, 0.50124 + 0.61331j, 0.39309 + 0.72541j, 0.61150 + 0.72490j]
)
"""Eyes, nose and corners of the mouth in a crop of side 1, right + i down: how faces of FFHQ lie (facexlib's template
for 512 pixels), which GFPGAN, RestoreFormer and CodeFormer were trained on."""
MIDDLE = 0.5 + 0.5j
LEAST_SIDE = 20.0
"""A crop of fewer pixels, whose eyes are five apart, has no face in it that could be told (GFPGAN's own threshold)."""
REACH = 0.5
"""How far a face may have moved from one sighting to the next, in sides of its crop: its own width."""
GAP_S = 0.3
"""For how long a face may be missed in between and still be the same; it is drawn from where it was to where it is."""
FADE_S = 0.2
"""How long a face that comes or goes within the clip takes to be restored wholly."""
LEAST_SIGHTINGS = 3
"""A face that is seen less often than this in a clip is a detector's fancy; it would flash."""
SMOOTH = SmoothOptions(cutoff_hz=0.7, speed_weight=3.0, fill_frames=1 << 30)
"""Calm at rest; a face that moves by its crop's side in a second is followed five times as fast. All gaps are filled:
`GAP_S` has ended a trail whose face was gone for longer."""


class FaceFinder(Protocol):
    """A detector that gives five points of each face."""

    @property
    def digest(self) -> str:
        """Hash of its weights."""
        ...

    def find_points(self, picture: Tensor) -> np.ndarray:
        """Find faces.

        Args:
            picture: (3, H, W) in [0, 1].

        Returns:
            (N, 5, 2) pixels: the picture's left eye, right eye, nose, left and right corner of the mouth.
        """
        ...


@dataclass(frozen=True)
class FacePlace:
    """How one face lies in one frame: point w of its crop, right + i down in [0, 1], is pixel ``turn * w + corner``."""

    turn: complex
    """Side of the crop in pixels, and how far the face is tilted."""
    corner: complex
    """Where the crop's upper left corner lies."""
    weight: float
    """How much of the restored face counts, in (0, 1]: less where the face is just coming or going."""
    usual_side: float
    """Median side of this face's crop over the clip, in pixels."""


def place_of(points: np.ndarray) -> tuple[complex, complex]:
    """Fit the crop to a face's points in the least squares.

    Args:
        points: (5, 2) pixels, in the order of `FaceFinder`.

    Returns:
        Turn and corner of a `FacePlace`.

    Source: Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns" (1991); in the
        plane, over complex numbers, it is a division.
    """
    pixels = points[:, 0] + 1j * points[:, 1]
    shape = TEMPLATE - TEMPLATE.mean()
    turn = complex((shape.conj() * (pixels - pixels.mean())).sum() / (np.abs(shape) ** 2).sum())
    return turn, complex(pixels.mean() - turn * TEMPLATE.mean())


def follow_faces(
    frames: Iterable[Tensor], finder: FaceFinder, fps: Fraction, on_frame: Callable[[int], None]
) -> tuple[tuple[FacePlace, ...], ...]:
    """Look at every frame of a clip, and say how its faces lie.

    Args:
        frames: Each (3, H, W) uint8; one is held at a time.
        finder: The detector.
        fps: Frames per second.
        on_frame: Told how many frames were looked at.

    Returns:
        The faces of each frame; none where there is no face.
    """
    trails: list[dict[int, np.ndarray]] = []
    gap = round(GAP_S * fps)
    count = 0
    for frame in frames:
        found = [points for points in finder.find_points(float_pixels(frame[None])[0]) if _side(points) >= LEAST_SIDE]
        _extend([each for each in trails if count - max(each) <= gap + 1], trails, found, count)
        count += 1
        on_frame(count)
    places: list[list[FacePlace]] = [[] for _ in range(count)]
    for trail in trails:
        if len(trail) >= min(LEAST_SIGHTINGS, count):
            for index, place in _places(trail, count, fps):
                places[index].append(place)
    return tuple(tuple(each) for each in places)


def _side(points: np.ndarray) -> float:
    return abs(place_of(points)[0])


def _extend(
    alive: list[dict[int, np.ndarray]], trails: list[dict[int, np.ndarray]], found: list[np.ndarray], frame: int
) -> None:
    """Give each face to the trail that ended nearest, closest first; the others begin new ones."""
    ends = [trail[max(trail)] for trail in alive]
    costs = sorted(
        (float(np.linalg.norm(points.mean(0) - end.mean(0))) / _side(end), t, p)
        for t, end in enumerate(ends)
        for p, points in enumerate(found)
    )
    taken, placed = set[int](), set[int]()
    for cost, t, p in costs:
        if cost <= REACH and t not in taken and p not in placed:
            alive[t][frame] = found[p]
            taken.add(t)
            placed.add(p)
    trails += [{frame: points} for p, points in enumerate(found) if p not in placed]


def _places(trail: dict[int, np.ndarray], count: int, fps: Fraction) -> list[tuple[int, FacePlace]]:
    """Steady a trail, and let it come and go."""
    first, last = min(trail), max(trail)
    length = last - first + 1
    # Two points are steadied, each by its own speed: the crop's middle, and the middle of its right edge as seen from
    # there. So a face that hurries across the picture does not tremble in size and tilt.
    moving = np.zeros((length, 2, 3))
    for frame, points in trail.items():
        turn, corner = place_of(points)
        middle = corner + turn * MIDDLE
        moving[frame - first] = [[middle.real, middle.imag, 1], [turn.real / 2, turn.imag / 2, 1]]
    side = float(np.median([_side(points) for points in trail.values()]))
    middles, edges = (steady(moving, float(fps), SMOOTH, side)[..., :2] @ (1, 1j)).T
    fade = round(FADE_S * fps) + 1
    # A clip's ends are no coming and going: the face goes on in the next one.
    come = np.ones(length) if first == 0 else np.arange(1, length + 1) / fade
    go = np.ones(length) if last == count - 1 else np.arange(length, 0, -1) / fade
    weights = np.minimum(1.0, np.minimum(come, go))
    return [
        (first + index, FacePlace(complex(2 * edge), complex(middle - 2 * edge * MIDDLE), float(weight), side))
        for index, (middle, edge, weight) in enumerate(zip(middles, edges, weights, strict=True))
    ]
