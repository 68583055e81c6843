"""Whether motion is steady or jerks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from math import exp
from typing import Any

import numpy as np
from torch import Tensor

from ..errors import UnsupportedError
from .sharpness import luma, shrunk

SEEN_PX = 96
"""Shorter side at which flow is found: 50 to 100 ms a pair of frames on a processor core, whatever the video's size."""
ACCEPTED = 0.6
"""Least score of a clip that is accepted."""
REST = 0.1
"""Percent of the shorter side: motion that is added to the mean, so that a still picture's last noise is not judged."""


class FlowMeter:
    """Measures how much moves from frame to frame."""

    def __init__(self) -> None:
        """Set the estimator up, with OpenCV's defaults.

        Raises:
            UnsupportedError: If OpenCV is not there with its contrib modules.
        """
        self._flow = _tv_l1()
        self._last: np.ndarray | None = None

    @classmethod
    def where_possible(cls) -> FlowMeter | None:
        """Give one where OpenCV has what it takes; else say in the log what is missing."""
        try:
            return cls()
        except UnsupportedError as error:
            logging.getLogger(__name__).warning("%s", error)
            return None

    def see(self, frame: Tensor) -> float | None:
        """Give the mean length of the flow from the frame before, in percent of the shorter side.

        Args:
            frame: (3, H, W) uint8 or float in [0, 1].

        Returns:
            The length; None for the first frame.
        """
        small = (luma(shrunk(frame, SEEN_PX)) * 255).round().byte().numpy()
        last, self._last = self._last, small
        if last is None:
            return None
        flow = self._flow.calc(last, small, None)
        return float(np.hypot(flow[..., 0], flow[..., 1]).mean()) * 100 / min(small.shape)


def temporal_score(magnitudes: Sequence[float]) -> float:
    """Judge a clip's motion: 1 where it is steady, toward 0 as the flow's magnitude varies.

    The score is ``exp(-v)`` with ``v = mean |m[i+1] - m[i]| / (mean m + REST)``. Variation is counted from one pair of
    frames to the next. The deviation over the whole clip, which is as common, counts every gesture that slows down: by
    that measure flawless clips of Marionette score 0.57 to 0.60, and by this one 0.8 to 0.94, while a jump every eight
    frames scores 0.3 to 0.5.

    Args:
        magnitudes: Mean length of the flow of each pair of neighbouring frames, percent of the shorter side.

    Returns:
        In [0, 1]; 1 for fewer than three frames. At least `ACCEPTED` is accepted.

    Source: Zach et al., "A Duality Based Approach for Realtime TV-L1 Optical Flow" (2007), as OpenCV has it.
    """
    if len(magnitudes) < 2:
        return 1.0
    values = np.asarray(magnitudes)
    return exp(-float(np.abs(np.diff(values)).mean() / (values.mean() + REST)))


def _tv_l1() -> Any:
    try:
        return import_module("cv2").optflow.DualTVL1OpticalFlow_create()
    except (ImportError, AttributeError) as error:
        raise UnsupportedError(
            "the temporal score",
            "it needs OpenCV's contrib modules; run: pip install --force-reinstall --no-deps "
            "opencv-contrib-python-headless",
        ) from error
