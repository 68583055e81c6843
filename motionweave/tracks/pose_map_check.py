"""Whether pictures are pose maps: coloured limbs on black, and not footage, DensePose or depth."""

from __future__ import annotations

from torch import Tensor

from ..types import check_shape

BLACK_BELOW = 24
LIT_FROM = 64
BLACK_SHARE = 0.5
"""Of a pose map at least this much is black; published ones and Marionette's have more than 0.9, at 32 pixels too."""
FULL_SHARE = 0.35
"""More lit pixels than this are no limbs, however many people there are."""
SOLID_SHARE = 0.12
"""From this share of lit pixels on, most of them have to be of a limb's colour."""
VIVID_SHARE = 0.35
"""Limb colours are pure: their weakest channel is at most this share of their strongest."""


def doubt_pose_maps(frames: Tensor) -> str | None:
    """Say why pictures do not look like pose maps.

    It is a guess by black background and pure colours, made so that no right map is doubted; a picture that is all
    black shows nobody and is fine.

    Args:
        frames: (F, 3, H, W) uint8, some frames of the clip.

    Returns:
        A sentence that says what they look like and what to do, or None.
    """
    check_shape("frames", frames, "F 3 H W")
    strongest, weakest = frames.amax(1).float(), frames.amin(1).float()
    lit = strongest >= LIT_FROM
    shown = lit.flatten(1).any(1)
    if not shown.any():
        return None
    black = float((strongest[shown] < BLACK_BELOW).float().mean())
    share = float(lit[shown].float().mean())
    vivid = float((weakest <= VIVID_SHARE * strongest)[lit].float().mean())
    if black >= BLACK_SHARE and share <= FULL_SHARE and (share < SOLID_SHARE or vivid > VIVID_SHARE):
        return None
    if vivid > 0.6:
        return (
            f"these do not look like OpenPose or DWPose maps: {black:.0%} is black and whole areas are coloured, as in "
            "DensePose or segmentation maps, which the pose ControlNet does not know. Use maps of coloured limbs on "
            "black, or the original film with Extract Pose"
        )
    return (
        f"these do not look like pose maps: {black:.0%} is black and {vivid:.0%} of the rest has a limb's pure colour. "
        "If this is an ordinary film, use Extract Pose instead; a depth map goes to a depth control"
    )
