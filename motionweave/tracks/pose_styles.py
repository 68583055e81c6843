"""How skeletons are drawn: each look is one that some ControlNet or pose network was trained on."""

from __future__ import annotations

from dataclasses import dataclass

from ..registry import Entry, Registry


@dataclass(frozen=True)
class PoseStyle:
    """A look."""

    by_confidence: bool = False
    """Whether colours are multiplied by the points' confidences: a limb's by both of its ends'."""
    swapped: bool = False
    """Whether red and blue change places."""
    drawn_px: int | None = None
    """Short side at which the picture is drawn before it is scaled; None where the size asked for decides."""


OPENPOSE = PoseStyle()

POSE_STYLES: Registry[PoseStyle] = Registry(
    "pose style",
    (
        Entry("openpose", "OpenPose and DWPose", lambda: OPENPOSE),
        Entry("confidence", "OpenPose, fading with confidence", lambda: PoseStyle(by_confidence=True)),
        # MimicMotion, `dwpose/util.py`: drawn 2160 pixels wide, with OpenCV's order of channels taken for RGB.
        Entry("mimicmotion", "MimicMotion", lambda: PoseStyle(by_confidence=True, swapped=True, drawn_px=2160)),
    ),
)
"""Each entry's ``build`` takes nothing."""
