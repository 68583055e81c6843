"""A driving figure fitted to a reference's: bone lengths, size, place and floor, so that the pose fits who is driven.

Pose-driven models draw the skeleton that they are given. A driving figure with longer legs, wider shoulders or another
place in the picture makes the character grow, stretch or move, which is the largest complaint about such models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from ..errors import InputError
from ..types import Size
from .keypoints import VISIBLE_ABOVE, Person
from .people import box_area, figure_box
from .pose import KeypointTrack
from .proportions import GROUPS, HAND_GROUP, HEAD_GROUP, ORDER, PARENTS, Proportions, compare_proportions, joint_factors
from .retarget_report import BoneFit, RetargetReport
from .stacking import BODY, FACE, HAND_LEFT, HAND_RIGHT, stack_people, unstack_people

RetargetMethod = Literal["bones", "affine"]
"""``bones`` fits every bone's length, ``affine`` one size and one place for the whole figure, as MimicMotion does."""

NECK, NOSE, WRIST_RIGHT, WRIST_LEFT = 1, 0, 4, 7
HIPS, ANKLES = [8, 11], [10, 13]
AFFINE_JOINTS = [0, 1, 2, 5, *range(8, 18)]
"""Body points by which MimicMotion fits; arms move too much (`mimicmotion/dwpose/preprocess.py`)."""
FLOOR = 0.9
"""Quantile of the lower ankle's height over a clip that counts as the floor."""


@dataclass(frozen=True)
class Retargeted:
    """A fitted track and what was found on the way."""

    track: KeypointTrack
    """On the reference's canvas."""
    report: RetargetReport
    """The misfit."""


def retarget_pose(track: KeypointTrack, reference: KeypointTrack, method: RetargetMethod = "bones") -> Retargeted:
    """Fit a driving figure to a reference's.

    With ``bones``, every bone keeps its direction and gets the reference's length, face and hands go along and are
    scaled, the figure stands on the reference's floor and about at its place, and moves as far as its size lets it.

    Args:
        track: The driving poses, one person in a frame or nobody.
        reference: A track whose first frame shows the reference; of several people the largest is taken.
        method: How to fit.

    Returns:
        The fitted track, on the reference's canvas, and a report.

    Raises:
        InputError: If a frame shows several people, or the two figures share too little to be compared.

    Source: the affine fit is MimicMotion's (`mimicmotion/dwpose/preprocess.py`), in pixels instead of shares of the
        two pictures, over the points that are seen in both.
    """
    if method not in get_args(RetargetMethod):
        raise InputError(f"the method is '{method}'; expected one of {', '.join(get_args(RetargetMethod))}")
    people = _one_each(track)
    goal = stack_people([_reference_person(reference)])
    points = stack_people(people)
    proportions = compare_proportions(points, goal)
    if proportions is None:
        raise InputError(
            f"the driving figure shows {_shown(points)} and the reference {_shown(goal)}, which is too little in "
            "common to fit one to the other; take a reference or a driving video that shows more of the body"
        )
    fitted, scale, unfitted = (_fit_affine if method == "affine" else _fit_bones)(points, goal, proportions)
    moved = np.where(points[..., 2:] > 0, np.concatenate([fitted, points[..., 2:]], -1), points)
    frames = tuple(() if one is None else (one,) for one in unstack_people(moved, people))
    report = _report(method, (points, moved, goal), (track.canvas, reference.canvas), (proportions, scale), unfitted)
    return Retargeted(replace(track, frames=frames, canvas=reference.canvas), report)


def _one_each(track: KeypointTrack) -> list[Person | None]:
    for index, frame in enumerate(track.frames):
        if len(frame) > 1:
            raise InputError(f"frame {index} shows {len(frame)} people; choose one of them first (Choose Person)")
    return [frame[0] if frame else None for frame in track.frames]


def _reference_person(reference: KeypointTrack) -> Person:
    people = reference.frames[0] if len(reference) else ()
    if not people:
        raise InputError("nobody is seen in the reference's pose; take a picture that shows the character's body")
    return max(people, key=lambda person: box_area(figure_box(person)))


def _shown(points: np.ndarray) -> str:
    seen = np.any(points[..., 2] > VISIBLE_ABOVE, axis=0)
    names = [name for name, joints in GROUPS.items() if any(seen[j] and seen[PARENTS[j]] for j in joints)]
    return ", ".join(names) or "no bone"


def _fit_affine(
    points: np.ndarray, goal: np.ndarray, proportions: Proportions
) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Give positions (F, 130, 2) under one scale and shift, the scale, and what was not fitted."""
    del proportions
    joints = [j for j in AFFINE_JOINTS if goal[0, j, 2] > VISIBLE_ABOVE]
    frames, which = np.nonzero(points[:, joints, 2] > VISIBLE_ABOVE)
    theirs, ours = points[:, joints][frames, which, :2], goal[0, joints][which, :2]
    spread = theirs[:, 1].var() if len(theirs) else 0.0
    scale = float(((theirs - theirs.mean(0)) * (ours - ours.mean(0)))[:, 1].mean() / spread) if spread > 0 else 0.0
    if scale <= 0:
        raise InputError(
            "one size and place cannot fit this driving figure to the reference (their heights run against each "
            "other, or too few points are seen in both); fit by bones, or check that both stand upright"
        )
    shift = (ours - scale * theirs).mean(0)
    return points[..., :2] * scale + shift, scale, ()


def _fit_bones(
    points: np.ndarray, goal: np.ndarray, proportions: Proportions
) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Give positions (F, 130, 2) with the reference's bones, the scale, and what was not fitted."""
    figure = _rebuilt(points, proportions)
    roots, floor_note = _roots(points, figure, goal, proportions.scale)
    notes = [f"{name} (not seen in both)" for name in GROUPS if name not in proportions.ratios]
    return figure + roots[:, None], proportions.scale, (*notes, *floor_note)


def _rebuilt(points: np.ndarray, proportions: Proportions) -> np.ndarray:
    """Give positions (F, 130, 2) around the neck, every bone as it points and as long as the reference's."""
    seen = points[..., 2] > VISIBLE_ABOVE
    factors = joint_factors(proportions.fitted)
    new = np.zeros_like(points[..., :2])
    count = np.maximum(seen[:, BODY].sum(1), 1)[:, None]
    middle = (points[:, BODY, :2] * seen[:, BODY, None]).sum(1) / count
    # What hangs from a point that is not seen hangs from the next one above it, or else from the figure's middle.
    held_old = {-1: middle}
    held_new = {-1: np.zeros_like(middle)}
    for joint in ORDER:
        parent = PARENTS[joint]
        old = points[:, joint, :2]
        new[:, joint] = held_new[parent] + factors[joint] * (old - held_old[parent])
        if joint == NECK:
            new[:, joint] = np.where(seen[:, joint, None], 0.0, proportions.scale * (old - middle))
        held_old[joint] = np.where(seen[:, joint, None], old, held_old[parent])
        held_new[joint] = np.where(seen[:, joint, None], new[:, joint], held_new[parent])
    for part, joint, name in (
        (FACE, NOSE, HEAD_GROUP), (HAND_LEFT, WRIST_LEFT, HAND_GROUP), (HAND_RIGHT, WRIST_RIGHT, HAND_GROUP),
    ):  # fmt: skip
        offset = points[:, part, :2] - held_old[joint][:, None]
        new[:, part] = held_new[joint][:, None] + proportions.fitted[name] * offset
    return new


def _mean_point(values: np.ndarray, seen: np.ndarray, joints: list[int]) -> np.ndarray:
    """Give the mean of some points where all of them are seen, (F, 2); not a number elsewhere."""
    return np.where(np.all(seen[:, joints], axis=1, keepdims=True), values[:, joints].mean(1), np.nan)


def _roots(
    points: np.ndarray, figure: np.ndarray, goal: np.ndarray, scale: float
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Give where the rebuilt figure's origin goes, (F, 2), and what is to be said about the floor."""
    seen, shown = points[..., 2] > VISIBLE_ABOVE, goal[..., 2] > VISIBLE_ABOVE
    common = [j for j in range(BODY.stop) if shown[0, j] and seen[:, j].any()]
    anchors = [[NECK], HIPS, *([j] for j in common)]
    guesses = [_root_guess(points, figure, goal, scale, joints) for joints in anchors]
    roots = _joined(guesses)
    ankles = [j for j in ANKLES if shown[0, j]]
    stands = seen[:, ANKLES].any(1)
    if not ankles or not stands.any():
        whose = "driving figure" if ankles else "reference"
        return roots, (f"the floor (the {whose} shows no ankles)",)
    low = np.where(seen[:, ANKLES], points[:, ANKLES, 1], -np.inf).max(1)
    floor, ground = np.quantile(low[stands], FLOOR), goal[0, ankles, 1].max()
    wanted = ground + scale * (points[:, ANKLES, 1] - floor) - figure[:, ANKLES, 1]
    both = np.where(seen[:, ANKLES], wanted, np.nan)
    heights = np.full(len(points), np.nan)
    heights[stands] = np.nanmean(both[stands], 1)
    roots[:, 1] = _joined([heights[:, None], roots[:, 1:]])[:, 0]
    return roots, ()


def _root_guess(
    points: np.ndarray, figure: np.ndarray, goal: np.ndarray, scale: float, joints: list[int]
) -> np.ndarray:
    """Place the figure by some points, on the whole where the reference has them; (F, 2), not a number if unseen."""
    theirs = _mean_point(points[..., :2], points[..., 2] > VISIBLE_ABOVE, joints)
    ours = _mean_point(goal[..., :2], goal[..., 2] > VISIBLE_ABOVE, joints)[0]
    known = ~np.isnan(theirs[:, 0])
    if not known.any() or np.isnan(ours[0]):
        return np.full_like(theirs, np.nan)
    middle = np.median(theirs[known], axis=0)
    return ours + scale * (theirs - middle) - figure[:, joints].mean(1)


def _joined(guesses: list[np.ndarray]) -> np.ndarray:
    """Take the first guess that is there for each frame; later ones are shifted so that nothing jumps in between."""
    joined = guesses[0].copy()
    for guess in guesses[1:]:
        known, offered = ~np.isnan(joined[:, 0]), ~np.isnan(guess[:, 0])
        if known.any() and (known & offered).any():
            guess = guess + np.median((joined - guess)[known & offered], axis=0)
        joined = np.where(known[:, None], joined, guess)
    return np.nan_to_num(joined)


def _report(
    method: str,
    stacks: tuple[np.ndarray, np.ndarray, np.ndarray],
    canvases: tuple[Size, Size],
    sizes: tuple[Proportions, float],
    unfitted: tuple[str, ...],
) -> RetargetReport:
    """Put the numbers together."""
    (points, moved, goal), (theirs, ours), (proportions, scale) = stacks, canvases, sizes
    drawn = min(ours.width / theirs.width, ours.height / theirs.height)
    offset = np.array([ours.width - theirs.width * drawn, ours.height - theirs.height * drawn]) / 2
    after = compare_proportions(moved, goal)
    bones = tuple(
        BoneFit(name, proportions.scale / ratio, (after.scale / after.ratios[name]) if after else 1.0)
        for name, ratio in proportions.ratios.items()
    )
    return RetargetReport(
        method=method,
        size_ratio=drawn / scale,
        bones=bones,
        overlap_before=_overlap(points[..., :2] * drawn + offset, points[..., 2], goal[0]),
        overlap_after=_overlap(moved[..., :2], moved[..., 2], goal[0]),
        unfitted=unfitted,
    )


def _overlap(positions: np.ndarray, confidence: np.ndarray, goal: np.ndarray) -> float:
    """Compare the figure's usual box with the reference's, over the body points that both show; arms move too much."""
    both = (goal[:, 2] > VISIBLE_ABOVE) & (confidence > VISIBLE_ABOVE).any(0)
    shown = np.array([joint in AFFINE_JOINTS and bool(both[joint]) for joint in range(BODY.stop)])
    seen = (confidence[:, BODY] > VISIBLE_ABOVE) & shown
    frames = seen.any(1)
    if not frames.any() or not shown.any():
        return 0.0
    body = positions[frames][:, BODY]
    low = np.where(seen[frames][..., None], body, np.inf).min(1)
    high = np.where(seen[frames][..., None], body, -np.inf).max(1)
    first = np.median(np.concatenate([low, high], 1), axis=0)
    ours = goal[BODY, :2][shown]
    second = np.concatenate([ours.min(0), ours.max(0)])
    common = np.prod(np.maximum(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0))
    union = np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - common
    return float(common / union) if union > 0 else 0.0
