"""How a figure is built, as far as flat keypoints tell: lengths of its bones, and how they differ between two figures.

A bone that points towards the camera looks short, never long. So lengths are the upper quantile over a clip and the
longer of the two sides, and where one half of a limb differs far more than the other, it is taken to be foreshortened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .keypoints import VISIBLE_ABOVE
from .stacking import BODY, FACE, HAND_LEFT, HAND_RIGHT

PARENTS = (1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15)
"""From which body point each hangs; the neck is the root."""
ORDER = (1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
"""Body points, each after the one it hangs from."""
HEAD = (0, 14, 15, 16, 17)
"""Nose, eyes and ears."""
KNUCKLES = (5, 9, 13, 17)
"""Hand points whose distance from the wrist does not depend on how the fingers bend."""

GROUPS = {
    "neck": (0,), "shoulders": (2, 5), "upper arms": (3, 6), "forearms": (4, 7), "torso": (8, 11), "thighs": (9, 12),
    "shins": (10, 13),
}  # fmt: skip
"""Bones by the body point at their far end, both sides together."""
HEAD_GROUP, HAND_GROUP = "head", "hands"
NAMES = (*GROUPS, HEAD_GROUP, HAND_GROUP)

_STAND_IN = {
    "neck": "head", "shoulders": "torso", "upper arms": "forearms", "forearms": "upper arms", "torso": "shoulders",
    "thighs": "shins", "shins": "thighs", "head": "neck",
}  # fmt: skip
"""Whose ratio serves where a part's own is not known."""

LONGEST = 0.9
"""Quantile of the lengths over a clip; above it lie slips of the detector."""
SAME_LIMB = 0.75
"""One half of a limb is at least this share as long, compared with the other figure, as the other half is."""
MOST = 2.0
"""Largest difference in proportions that is believed."""


@dataclass(frozen=True)
class Proportions:
    """How a reference's proportions compare with a driving figure's."""

    scale: float
    """Reference over driving figure, over all bones that both show."""
    ratios: dict[str, float]
    """Reference over driving length by part, those that both show; as measured."""
    fitted: dict[str, float]
    """The factor to use for every part: measured, limited, or taken from elsewhere."""


def bone_lengths(points: np.ndarray) -> dict[str, float]:
    """Measure a figure.

    Args:
        points: (F, 130, 3) of one person.

    Returns:
        Pixels by group; groups that are never seen are left out.
    """
    seen = points[..., 2] > VISIBLE_ABOVE
    lengths: dict[str, float] = {}
    for name, joints in GROUPS.items():
        sides = [_longest(points, seen, PARENTS[joint], joint) for joint in joints]
        if max(sides) > 0:
            lengths[name] = max(sides)
    palms = [_palm(points[:, part], seen[:, part]) for part in (HAND_LEFT, HAND_RIGHT)]
    if max(palms) > 0:
        lengths[HAND_GROUP] = max(palms)
    return lengths


def _longest(points: np.ndarray, seen: np.ndarray, first: int, last: int) -> float:
    both = seen[:, first] & seen[:, last]
    offsets = points[both, last, :2] - points[both, first, :2]
    return float(np.quantile(np.hypot(offsets[:, 0], offsets[:, 1]), LONGEST)) if both.any() else 0.0


def _palm(hand: np.ndarray, seen: np.ndarray) -> float:
    whole = seen[:, (0, *KNUCKLES)].all(1)
    offsets = hand[whole][:, KNUCKLES, :2] - hand[whole][:, :1, :2]
    return float(np.quantile(np.hypot(offsets[..., 0], offsets[..., 1]).sum(1), LONGEST)) if whole.any() else 0.0


def _head_ratio(driving: np.ndarray, reference: np.ndarray) -> float | None:
    """Compare the spread of the head's points that both show; of the face's if the head's are too few."""
    for part, least in ((np.array(HEAD), 3), (np.arange(FACE.start, FACE.stop), 20)):
        shown = part[reference[0, part, 2] > VISIBLE_ABOVE]
        frames = (driving[:, shown, 2] > VISIBLE_ABOVE).all(1)
        if len(shown) >= least and frames.any():
            theirs = np.sqrt(driving[frames][:, shown, :2].var(1).sum(-1))
            ours = np.sqrt(reference[:1, shown, :2].var(1).sum(-1))
            longest = float(np.quantile(theirs, LONGEST))
            return float(ours[0]) / longest if longest > 0 and ours[0] > 0 else None
    return None


def compare_proportions(driving: np.ndarray, reference: np.ndarray) -> Proportions | None:
    """Compare two figures.

    Args:
        driving: (F, 130, 3) of the driving person.
        reference: (1, 130, 3) of the reference.

    Returns:
        The comparison, or None if they share no bone.
    """
    theirs, ours = bone_lengths(driving), bone_lengths(reference)
    ratios = {name: ours[name] / theirs[name] for name in theirs if name in ours and theirs[name] > 0}
    bones = [name for name in GROUPS if name in ratios]
    head = _head_ratio(driving, reference)
    if head is not None:
        ratios[HEAD_GROUP] = head
    if bones:
        scale = sum(ours[name] for name in bones) / sum(theirs[name] for name in bones)
    elif head is not None:
        scale = head
    else:
        return None
    return Proportions(scale, ratios, _limited(ratios, scale))


def _limited(ratios: dict[str, float], scale: float) -> dict[str, float]:
    fitted = {name: min(max(ratio, scale / MOST), scale * MOST) for name, ratio in ratios.items()}
    for first, second in (("upper arms", "forearms"), ("thighs", "shins")):
        if first in fitted and second in fitted:
            small, large = sorted((first, second), key=lambda name: fitted[name])
            # Whichever is less like the rest of the figure was foreshortened: short here, or short there.
            if fitted[large] / scale < scale / fitted[small]:
                fitted[small] = max(fitted[small], SAME_LIMB * fitted[large])
            else:
                fitted[large] = min(fitted[large], fitted[small] / SAME_LIMB)
    return {name: fitted.get(name, fitted.get(_STAND_IN.get(name, ""), scale)) for name in NAMES}


def joint_factors(fitted: dict[str, float]) -> np.ndarray:
    """Give the factor of the bone that ends in each body point, (18,); the neck's is 1."""
    factors = np.ones(BODY.stop)
    for name, joints in GROUPS.items():
        factors[list(joints)] = fitted[name]
    factors[list(HEAD[1:])] = fitted[HEAD_GROUP]
    return factors
