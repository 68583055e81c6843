"""The points of a head: which is which, where they lie on a usual head, and how a mouth or a head moves them.

Faces have the 68 points of the 300-W order (17 jaw, 10 brows, 9 nose, 12 eyes, 12 outer and 8 inner lip points; with
70, the pupils follow). Lengths are in units of the distance between the eyes, about 63 mm on a grown-up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .keypoints import VISIBLE_ABOVE
from .stacking import BODY, FACE

FACE_68 = 68
JAW, LIPS = slice(0, 17), slice(48, 68)
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
NASION, CHIN, INNER_TOP, INNER_BOTTOM = 27, 8, 62, 66
BODY_NOSE, BODY_NECK, BODY_EYES, BODY_EARS = 0, 1, (14, 15), (16, 17)
EYE_DEPTH, NOSE_DEPTH = 1.25, 1.65
"""How far eyes and the tip of the nose lie before the ears, about which a head turns."""
DROP_TO_SCALE = 1.4
"""From the way between eyes and nose tip to the distance between the eyes, for heads that are turned aside."""
PIVOT = 1.5
"""How far below the eyes a head tilts about."""
UPPER_SHARE = 0.2
"""Share of an opening by which the upper lip rises; the lower lip and the jaw do the rest."""


def _usual_face() -> np.ndarray:
    """Place the 68 points on a usual head with a closed mouth, (68, 3): right, down from the eyes, before the ears."""

    def row(x: np.ndarray, y: np.ndarray | float, z: np.ndarray | float) -> np.ndarray:
        return np.stack(np.broadcast_arrays(x, y, z), -1)

    sweep = np.deg2rad(np.linspace(-100, 100, 17))
    jaw = row(1.1 * np.sin(sweep), 0.2 + 1.65 * np.cos(sweep), 0.2 + 1.1 * np.maximum(np.cos(sweep), -0.1))
    brow, arch = np.linspace(0.85, 0.2, 5), -0.38 - 0.08 * np.sin(np.linspace(0, np.pi, 5))
    bridge = row(np.zeros(4), np.linspace(-0.02, 0.66, 4), np.linspace(1.3, NOSE_DEPTH, 4))
    ring = np.deg2rad([180, 120, 60, 0, -60, -120])
    eyes = [row(side + 0.22 * np.cos(ring), -0.09 * np.sin(ring), EYE_DEPTH) for side in (-0.5, 0.5)]
    outer, inner = np.deg2rad(180 - 30.0 * np.arange(12)), np.deg2rad(180 - 45.0 * np.arange(8))
    return np.concatenate(
        [
            jaw,
            row(-brow, arch, 1.35),
            row(brow[::-1], arch, 1.35),
            bridge,
            row(np.linspace(-0.24, 0.24, 5), 0.8, 1.45),
            *eyes,
            row(0.4 * np.cos(outer), 1.15 - 0.12 * np.sin(outer), 1.5),
            row(0.3 * np.cos(inner), np.full(8, 1.15), 1.5),
        ]
    )


USUAL = _usual_face()


def _mouth_shares() -> np.ndarray:
    """Say how much of an opening each of the 68 points takes, (68,): down is positive, the two lips add up to 1."""
    shares = np.zeros(FACE_68)
    # The chin goes all the way with the lower lip, the corners of the jaw stay.
    shares[4:13] = (1 - UPPER_SHARE) * np.cos(np.linspace(-0.9, 0.9, 9) * np.pi / 2)
    for first, count in ((48, 12), (60, 8)):
        angle = np.pi - 2 * np.pi * np.arange(count) / count
        middle = np.cos(np.abs(np.cos(angle)) * np.pi / 2)
        shares[first : first + count] = np.where(np.sin(angle) > 0, -UPPER_SHARE, 1 - UPPER_SHARE) * middle
    return shares


MOUTH_SHARES = _mouth_shares()


@dataclass(frozen=True)
class HeadPlace:
    """Where a head is in the picture, frame by frame."""

    eyes: np.ndarray
    """(F, 2) pixels: the middle between the eyes."""
    down: np.ndarray
    """(F, 2) unit: from the eyes toward the chin."""
    scale: np.ndarray
    """(F,) pixels between the eyes, as they would be seen from the front."""
    seen: np.ndarray
    """(F,) whether the head is seen; where it is not, the others say nothing."""

    @property
    def across(self) -> np.ndarray:
        """(F, 2) unit: square to `down`, to the picture's right in an upright head."""
        return np.stack([self.down[:, 1], -self.down[:, 0]], -1)


def place_heads(points: np.ndarray) -> HeadPlace:
    """Find the head in each frame: by its face where that is seen, else by the body's eyes and nose.

    Args:
        points: (F, 130, 3), as `stacking.stack_people` gives them.
    """
    face, body = points[:, FACE], points[:, BODY]
    by_face = (face[:, [NASION, CHIN, 30], 2] > VISIBLE_ABOVE).all(-1) & (face[:, 36:48, 2] > VISIBLE_ABOVE).all(-1)
    by_body = (body[:, [BODY_NOSE, *BODY_EYES], 2] > VISIBLE_ABOVE).all(-1)
    right, left = face[:, RIGHT_EYE, :2].mean(1), face[:, LEFT_EYE, :2].mean(1)
    first = _placed(right, left, face[:, 30, :2], face[:, CHIN, :2] - face[:, NASION, :2])
    right, left, nose = (body[:, joint, :2] for joint in (*BODY_EYES, BODY_NOSE))
    line = left - right
    square = np.stack([-line[:, 1], line[:, 0]], -1)
    square = square * np.sign((square * (nose - (right + left) / 2)).sum(-1, keepdims=True))
    second = _placed(right, left, nose, square)
    eyes, down, scale = (
        np.where(by_face.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(first, second, strict=True)
    )
    return HeadPlace(eyes, down, scale, (by_face | by_body) & (scale > 0))


def _placed(
    right: np.ndarray, left: np.ndarray, nose: np.ndarray, down: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the middle of the eyes, the unit direction down and the scale; (F, 2), (F, 2), (F,)."""
    length = np.linalg.norm(down, axis=-1, keepdims=True)
    unit = down / np.maximum(length, 1e-9)
    middle = (right + left) / 2
    drop = DROP_TO_SCALE * np.abs(((nose - middle) * unit).sum(-1))
    return middle, unit, np.where(length[:, 0] > 0, np.maximum(np.linalg.norm(left - right, axis=-1), drop), 0.0)


def drawn_face(points: np.ndarray, place: HeadPlace) -> np.ndarray:
    """Draw a usual face with a closed mouth where only the body's eyes and nose are known.

    The eyes' distance, which narrows as a head turns, scales it sideways; the nose says to which side it is turned.

    Args:
        points: (F, 130, 3).
        place: Where the head is.

    Returns:
        (F, 68, 3); zeros where the head is not seen.
    """
    body = points[:, BODY]
    line = body[:, BODY_EYES[1], :2] - body[:, BODY_EYES[0], :2]
    aside = ((body[:, BODY_NOSE, :2] - place.eyes) * place.across).sum(-1) / (NOSE_DEPTH - EYE_DEPTH)
    aside = np.clip(aside, -place.scale, place.scale)
    x, y, z = USUAL.T
    drawn = (
        place.eyes[:, None]
        + x[:, None] * line[:, None]
        + y[:, None] * (place.scale[:, None] * place.down)[:, None]
        + (z - EYE_DEPTH)[:, None] * (aside[:, None] * place.across)[:, None]
    )
    sure = body[:, [BODY_NOSE, *BODY_EYES], 2].min(1)
    face = np.concatenate([drawn, np.broadcast_to(sure[:, None, None], (*drawn.shape[:2], 1))], -1)
    return np.where(place.seen[:, None, None], face, 0.0)


def open_mouths(points: np.ndarray, place: HeadPlace, opening: np.ndarray) -> np.ndarray:
    """Give the mouth another opening: the lips part, the jaw follows; its width and place stay.

    Args:
        points: (F, 130, 3).
        place: Where the head is.
        opening: (F,) way between the inner lips, in eye distances.

    Returns:
        (F, 130, 3). A mouth that is not seen stays as it is.
    """
    face = points[:, FACE]
    seen = place.seen & (face[:, LIPS, 2] > VISIBLE_ABOVE).all(-1)
    gap = ((face[:, INNER_BOTTOM, :2] - face[:, INNER_TOP, :2]) * place.down).sum(-1)
    change = np.where(seen, opening * place.scale - gap, 0.0)
    moved = points.copy()
    moved[:, FACE, :2][:, :FACE_68] += MOUTH_SHARES[:, None] * (change[:, None] * place.down)[:, None]
    return moved


def _depths() -> np.ndarray:
    """Say how far each point of `stacking` lies before the ears, (130,); 0 for what is not on the head."""
    depths = np.zeros(FACE.stop + 42)
    depths[FACE][:FACE_68] = USUAL[:, 2]
    depths[FACE][FACE_68:] = EYE_DEPTH
    depths[[BODY_NOSE, *BODY_EYES]] = NOSE_DEPTH, EYE_DEPTH, EYE_DEPTH
    return depths


DEPTHS = _depths()
HEAD = np.array([BODY_NOSE, *BODY_EYES, *BODY_EARS, *range(FACE.start, FACE.stop)])
"""Points that go with the head."""


def turn_heads(
    points: np.ndarray, place: HeadPlace, yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray
) -> np.ndarray:
    """Turn heads a little: what lies before the ears moves sideways or down, and all of it tilts about the neck.

    Args:
        points: (F, 130, 3).
        place: Where the head is.
        yaw: (F,) radians; positive turns the nose to the picture's right.
        pitch: (F,) radians; positive lowers the nose.
        roll: (F,) radians; positive tilts the top of the head to the picture's right.

    Returns:
        (F, 130, 3). Points that are not seen, and heads that are not, stay as they are.
    """
    pivot = place.eyes + (PIVOT * place.scale)[:, None] * place.down
    ahead = np.sin(yaw)[:, None] * place.across + np.sin(pitch)[:, None] * place.down
    offset = points[:, HEAD, :2] - pivot[:, None]
    cosine, sine = np.cos(roll)[:, None], np.sin(roll)[:, None]
    turned = np.stack(
        [cosine * offset[..., 0] - sine * offset[..., 1], sine * offset[..., 0] + cosine * offset[..., 1]], -1
    )
    turned = pivot[:, None] + turned + DEPTHS[HEAD][:, None] * (place.scale[:, None] * ahead)[:, None]
    there = place.seen[:, None] & (points[:, HEAD, 2] > 0)
    moved = points.copy()
    moved[:, HEAD, :2] = np.where(there[..., None], turned, points[:, HEAD, :2])
    return moved
