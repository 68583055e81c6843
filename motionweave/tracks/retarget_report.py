"""What did not fit between a driving figure and a reference, in numbers and in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

TELL_FROM = 1.15
"""From which difference in proportions the sentence speaks of it."""
TELL_AT_MOST = 3
SINGULAR = ("head", "neck", "torso")


@dataclass(frozen=True)
class BoneFit:
    """One part of the body."""

    name: str
    """Such as ``thighs``."""
    ratio: float
    """Driving length over the reference's once both figures are as large; 1 is equal."""
    shown: float
    """The same in the fitted track."""


@dataclass(frozen=True)
class RetargetReport:
    """How a driving figure differed from the reference, and what was done about it."""

    method: str
    """``bones`` or ``affine``."""
    size_ratio: float
    """Size of the driving figure over the reference's, both as drawn into the reference's picture."""
    bones: tuple[BoneFit, ...]
    """Parts that both show."""
    overlap_before: float
    """Intersection over union of the two figures' boxes as the track was, 0 to 1."""
    overlap_after: float
    """The same after fitting."""
    unfitted: tuple[str, ...]
    """What could not be fitted, and why."""

    def __str__(self) -> str:
        """Say it as an artist would."""
        told = sorted((bone for bone in _limbs(self.bones) if _apart(bone) >= TELL_FROM), key=lambda one: -_apart(one))
        parts = [
            f"its {bone.name} {'is' if bone.name in SINGULAR else 'are'} {bone.ratio:.2g} times the reference's"
            for bone in told[:TELL_AT_MOST]
        ]
        built = f"For its size, {', '.join(parts)}." if parts else "It is built like the reference."
        rest = f" Not fitted: {'; '.join(self.unfitted)}." if self.unfitted else ""
        after = f"Fitted by {self.method}, they overlap by {self.overlap_after:.0%}."
        return (
            f"The driving figure is {self.size_ratio:.2g} times as large as the reference and overlaps it by "
            f"{self.overlap_before:.0%}. {built} {after}{rest}"
        )


def _limbs(bones: tuple[BoneFit, ...]) -> list[BoneFit]:
    """Speak of arms and legs where both halves differ the same way."""
    by_name = {bone.name: bone for bone in bones}
    for name, halves in (("arms", ("upper arms", "forearms")), ("legs", ("thighs", "shins"))):
        parts = [by_name[half] for half in halves if half in by_name]
        if len(parts) == 2 and (parts[0].ratio - 1) * (parts[1].ratio - 1) > 0:
            mean = (parts[0].ratio + parts[1].ratio) / 2
            by_name[name] = BoneFit(name, mean, (parts[0].shown + parts[1].shown) / 2)
            for half in halves:
                del by_name[half]
    return list(by_name.values())


def _apart(bone: BoneFit) -> float:
    return max(bone.ratio, 1 / bone.ratio) if bone.ratio > 0 else float("inf")
