"""How near outlines of two masks are to one another."""

from __future__ import annotations

import numpy as np


def outline_score(found: np.ndarray, truth: np.ndarray, near_px: float) -> float:
    """Give the F-measure of two masks' outlines: what is near enough to the other's outline counts as found.

    Unlike intersection over union it asks thin limbs as much as the trunk, and unlike keypoints it needs no estimator.

    Args:
        found: (H, W) bool.
        truth: (H, W) bool.
        near_px: Distance in pixels that still counts.

    Returns:
        The harmonic mean of the share of the found outline that is near the true one and of the reverse; 1 where both
        are empty, 0 where one is.

    Source: Csurka et al., "What is a good evaluation measure for semantic segmentation?" (2013), eq. 6 and 7.
    """
    from scipy.ndimage import distance_transform_edt

    ours, theirs = outline(found), outline(truth)
    if not ours.any() or not theirs.any():
        return float(not ours.any() and not theirs.any())
    away_from_theirs, away_from_ours = (np.asarray(distance_transform_edt(~each)) for each in (theirs, ours))
    precision = float((away_from_theirs[ours] < near_px).mean())
    recall = float((away_from_ours[theirs] < near_px).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def outline(mask: np.ndarray) -> np.ndarray:
    """Give a mask's outermost pixels, (H, W) bool."""
    from scipy.ndimage import binary_erosion

    return mask & ~np.asarray(binary_erosion(mask))
