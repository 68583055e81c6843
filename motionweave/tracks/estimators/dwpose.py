"""DWPose: YOLOX finds people, a SimCC network their 133 keypoints; batched over frames.

The published way runs the detector on every frame, one at a time. Here it looks at every few frames only. People are
matched from one such frame to the next by the overlap of their boxes, the boxes between are interpolated, and every
crop of the span goes through the estimator together. A frame in which somebody's confidence falls well below what is
usual around it is detected after all. Effective Whole-body Pose Estimation with Two-stages Distillation (Yang et
al., 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError, MissingModelError
from ...weights.loading import fingerprint
from ..keypoints import Person, from_wholebody
from .simcc import estimate
from .yolox import detect

DETECT_EVERY = 6
"""Frames from one detection to the next."""
SPANS = 4
"""Spans that are read together."""
BODY = slice(0, 17)
DOUBT = 0.8
"""A body whose mean confidence is below this share of what is usual around it is looked for anew."""
BOX_STEPS_PER_PX = 4
"""Boxes are rounded to this share of a pixel."""
SAME_PERSON = 0.3
"""Overlap from which two boxes are taken for the same person's."""


@dataclass(frozen=True)
class DWPose:
    """The two networks and how often the first one looks."""

    detector: Any
    """ONNX session of the detector."""
    estimator: Any
    """ONNX session of the estimator."""
    digest: str
    """Hash of the files and of `detect_every`."""
    detect_every: int = DETECT_EVERY
    """Frames from one detection to the next; 1 detects in every frame, as the published code does."""

    @property
    def batch_size(self) -> int:
        """Frames that it likes to be given together: several spans, so that detections are batched, too."""
        return SPANS * self.detect_every

    def people(self, batches: Iterable[Tensor]) -> Iterator[tuple[Person, ...]]:
        """Find everybody, frame by frame.

        Args:
            batches: Consecutive frames, each batch (F, 3, H, W) uint8 RGB, all of one size.

        Returns:
            For each frame its people in pixels, those with the surest boxes first.
        """
        every, frames, known = self.detect_every, None, None
        for batch in batches:
            frames = batch if frames is None else torch.cat([frames, batch])
            if known is None:
                (known,) = detect(self.detector, frames[:1])
            # Whole spans only; the next one's first frame ends the last one, so it is kept back.
            whole = (len(frames) - 1) // every * every
            if whole:
                keys = [known, *detect(self.detector, frames[every : whole + 1 : every])]
                yield from self._read(frames[:whole], _between(keys, every))
                frames, known = frames[whole:], keys[-1]
        if frames is not None and known is not None:
            ends = [known, *detect(self.detector, frames[-1:])] if len(frames) > 1 else [known]
            boxes = interpolate_boxes(ends[0], ends[-1], len(frames))
            yield from self._read(frames, boxes)

    def _read(self, frames: Tensor, boxes: list[np.ndarray]) -> list[tuple[Person, ...]]:
        """Find the people of frames whose boxes are known or guessed; guesses that do not hold are looked up."""
        found = self._estimate(frames, boxes)
        usual = float(np.median([_mean_score(people) for people in found]))
        doubted = [i for i, people in enumerate(found) if _mean_score(people) < DOUBT * usual]
        if doubted and self.detect_every > 1:
            renewed = self._estimate(frames[doubted], detect(self.detector, frames[doubted]))
            for i, people in zip(doubted, renewed, strict=True):
                found[i] = people if _mean_score(people) > _mean_score(found[i]) else found[i]
        return [tuple(from_wholebody(points) for points in people) for people in found]

    def _estimate(self, frames: Tensor, boxes: list[np.ndarray]) -> list[np.ndarray]:
        """Estimate all people of all frames at once; for each frame (P, 133, 3)."""
        counts = [len(each) for each in boxes]
        if not sum(counts):
            return [np.zeros((0, 133, 3), np.float32) for _ in boxes]
        owners = [frames[i] for i, count in enumerate(counts) for _ in range(count)]
        # On another number of threads a box differs in its last bits, and with it every point that is read from it.
        steady = np.round(np.concatenate(boxes)[:, :4] * BOX_STEPS_PER_PX) / BOX_STEPS_PER_PX
        points = estimate(self.estimator, owners, steady)
        return np.split(points, np.cumsum(counts)[:-1])


def _mean_score(people: np.ndarray) -> float:
    return float(people[:, BODY, 2].mean()) if len(people) else 0.0


def _between(keys: list[np.ndarray], every: int) -> list[np.ndarray]:
    """Give the boxes of every frame from the first detection on to the one before the last."""
    pairs = pairwise(keys)
    return [boxes for first, last in pairs for boxes in interpolate_boxes(first, last, every + 1)[:-1]]


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the intersection over union of every pair of boxes, (P, Q), from (P, 4+) and (Q, 4+)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    common = np.prod(np.maximum(high - low, 0), -1)
    areas = [np.prod(each[:, 2:4] - each[:, :2], -1) for each in (first, second)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-9)


def interpolate_boxes(first: np.ndarray, last: np.ndarray, count: int) -> list[np.ndarray]:
    """Give everybody's boxes from one detection to the next.

    Somebody found in both moves evenly between; somebody found in one only stays for the half of the span next to it.

    Args:
        first: (P, 5) boxes and scores in the span's first frame.
        last: (Q, 5) in its last frame.
        count: Frames of the span, both included.

    Returns:
        For each frame (R, 5); the first and the last as they were found.
    """
    if count == 1:
        return [first]
    table = overlaps(first, last)
    pairs: list[tuple[int, int]] = []
    while table.size and table.max() > SAME_PERSON:
        i, j = np.unravel_index(int(table.argmax()), table.shape)
        pairs.append((int(i), int(j)))
        table[i, :], table[:, j] = -1, -1
    left = np.setdiff1d(np.arange(len(first)), [i for i, _ in pairs])
    new = np.setdiff1d(np.arange(len(last)), [j for _, j in pairs])
    start, end = first[[i for i, _ in pairs]], last[[j for _, j in pairs]]
    spans = [first]
    for frame in range(1, count - 1):
        share = frame / (count - 1)
        alone = first[left] if share < 0.5 else last[new]
        spans.append(np.concatenate([start + (end - start) * share, alone]))
    return [*spans, last]


def load_dwpose(folder: Path, detect_every: int = DETECT_EVERY) -> DWPose:
    """Load DWPose's two networks.

    Args:
        folder: Holds ``yolox*.onnx`` and ``dw-*.onnx``.
        detect_every: Frames from one detection to the next.

    Raises:
        MissingModelError: If one of the two is not there or cannot be opened.
        InputError: If `detect_every` is less than 1.
    """
    from .sessions import open_sessions

    if detect_every < 1:
        raise InputError(f"people were to be detected every {detect_every} frames; expected 1 or more")
    files: list[Path] = []
    for pattern, what in (("yolox*.onnx", "the detector"), ("dw-*.onnx", "the whole-body estimator")):
        found = sorted(folder.glob(pattern))
        if not found:
            raise MissingModelError(folder.name, (folder,), f"It lacks {what}, a file {pattern}.")
        files.append(found[0])
    detector, estimator = open_sessions(*files)
    return DWPose(detector, estimator, f"{fingerprint(folder)} {detect_every}", detect_every)


__all__ = ["DETECT_EVERY", "DWPose", "interpolate_boxes", "load_dwpose"]
