"""People's boxes by YOLOX, as DWPose uses it.

Contract of the published ``yolox_l.onnx``: one picture letterboxed to a square at its top left on grey 114, 0 to 255,
without mean or deviation; out come (A, 85) raw predictions for the cells of strides 8, 16 and 32. Decoding: Ge et al.,
"YOLOX: Exceeding YOLO Series in 2021", and DWPose's ``onnxdet.py``. Any square input size is read from the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .sessions import run_batched

STRIDES = (8, 16, 32)
PADDING = 114.0
OVERLAP, CANDIDATE, PERSON = 0.45, 0.1, 0.3
"""Intersection over union above which the weaker box goes; scores of a candidate and of a person."""


def letterbox(frames: Tensor, side: int) -> tuple[Tensor, float]:
    """Fit frames into a square at its top left, on grey.

    Args:
        frames: (F, 3, H, W) uint8 or float in [0, 255].
        side: Pixels of the square.

    Returns:
        (F, 3, side, side) float32 in [0, 255], and the factor by which the frames were scaled.
    """
    height, width = frames.shape[-2:]
    ratio = min(side / height, side / width)
    size = (max(1, int(height * ratio)), max(1, int(width * ratio)))
    small = F.interpolate(frames.float(), size, mode="bilinear", align_corners=False)
    return F.pad(small, (0, side - size[1], 0, side - size[0]), value=PADDING), ratio


def decode_boxes(raw: np.ndarray, side: int, ratio: float) -> np.ndarray:
    """Turn one picture's raw predictions into people.

    Args:
        raw: (A, 85): centre offset and log size in cells, objectness, 80 class scores.
        side: Pixels of the square that the network saw.
        ratio: The frame's scale in that square.

    Returns:
        (P, 5) x0, y0, x1, y1 in pixels of the frame and score, best first.
    """
    from torchvision.ops import nms

    cells = [np.stack(np.meshgrid(np.arange(side // s), np.arange(side // s)), -1).reshape(-1, 2) for s in STRIDES]
    stride = np.concatenate([np.full((len(cell), 1), s) for cell, s in zip(cells, STRIDES, strict=True)])
    centre = (raw[:, :2] + np.concatenate(cells)) * stride
    half = np.exp(raw[:, 2:4]) * stride / 2
    scores = raw[:, 4] * raw[:, 5]  # class 0 is a person
    kept = scores > CANDIDATE
    boxes = torch.from_numpy(np.concatenate([centre - half, centre + half], -1)[kept] / ratio).float()
    best = torch.from_numpy(scores[kept]).float()
    order = nms(boxes, best, OVERLAP)
    found = torch.cat([boxes[order], best[order, None]], -1).numpy()
    return found[found[:, 4] > PERSON]


def detect(session: Any, frames: Tensor) -> list[np.ndarray]:
    """Find the people of each frame.

    Args:
        session: The detector.
        frames: (F, 3, H, W) uint8 RGB.

    Returns:
        For each frame (P, 5) x0, y0, x1, y1 in pixels and score.
    """
    side = int(session.get_inputs()[0].shape[-1])
    pictures, ratio = letterbox(frames, side)
    (raw,) = run_batched(session, pictures.numpy())
    return [decode_boxes(each, side, ratio) for each in raw]
