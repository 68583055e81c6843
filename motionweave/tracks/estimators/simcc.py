"""Whole-body keypoints by a SimCC network, as DWPose uses it.

Contract of the published ``dw-ll_ucoco_384.onnx``: a person's box, grown by 1.25 and to the input's shape, warped to
288x384 and normalised; out come one row of scores over x and one over y for each of 133 points, at half-pixel steps.
Decoding: Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation" and DWPose's
``onnxpose.py``. Any input size is read from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...types import Size
from .sessions import run_batched

GROWTH = 1.25
BINS_PER_PX = 2.0
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of RGB values from 0 to 255."""


def crop_frames(boxes: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Give the part of the picture that the network looks at for each box.

    Args:
        boxes: (P, 4) x0, y0, x1, y1 in pixels.
        size: The network's input.

    Returns:
        Centres (P, 2) and extents (P, 2), width and height of the part, in pixels.
    """
    centre = (boxes[:, :2] + boxes[:, 2:4]) / 2
    extent = (boxes[:, 2:4] - boxes[:, :2]) * GROWTH
    aspect = size.width / size.height
    width = np.maximum(extent[:, 0], extent[:, 1] * aspect)
    return centre, np.stack([width, width / aspect], -1)


def crop(frame: Tensor, centre: np.ndarray, extent: np.ndarray, size: Size) -> Tensor:
    """Cut one part out of a frame; what lies outside of it is black, as in the published warp.

    Args:
        frame: (3, H, W) uint8 or float, 0 to 255.
        centre: (2,) of the part, in pixels.
        extent: (2,) its width and height.
        size: Size to give.

    Returns:
        (3, h, w) float32, 0 to 255.
    """
    # Only the pixels that the part touches are converted: a person in 1080p is a small share of the picture.
    low = np.maximum(np.floor(centre - extent / 2).astype(int) - 1, 0)
    high = np.minimum(np.ceil(centre + extent / 2).astype(int) + 2, (frame.shape[2], frame.shape[1]))
    if (high <= low).any():
        return torch.zeros(3, size.height, size.width)
    part = frame[:, low[1] : high[1], low[0] : high[0]].float()
    # The published warp takes the part's left edge to the first pixel's place and steps by extent / size from there.
    x = centre[0] - extent[0] / 2 + np.arange(size.width) * extent[0] / size.width - low[0]
    y = centre[1] - extent[1] / 2 + np.arange(size.height) * extent[1] / size.height - low[1]
    grid_x = torch.from_numpy((2 * x + 1) / part.shape[2] - 1).float().expand(size.height, -1)
    grid_y = torch.from_numpy((2 * y + 1) / part.shape[1] - 1).float()[:, None].expand(-1, size.width)
    grid = torch.stack([grid_x, grid_y], -1)[None]
    return F.grid_sample(part[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


def normalise(pictures: Tensor) -> Tensor:
    """Bring (P, 3, h, w) of 0 to 255 to what the network was trained on."""
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (MEAN, STD))
    return (pictures - mean) / std


def decode_points(
    simcc_x: np.ndarray, simcc_y: np.ndarray, centre: np.ndarray, extent: np.ndarray, size: Size
) -> np.ndarray:
    """Turn the network's rows into keypoints.

    Args:
        simcc_x: (P, 133, 2 w) scores over x.
        simcc_y: (P, 133, 2 h) scores over y.
        centre: (P, 2) of the parts that were looked at, in pixels.
        extent: (P, 2) their width and height.
        size: The network's input.

    Returns:
        (P, 133, 3) x and y in pixels of the frame, and the lower of the two best scores; a point whose score is not
        above 0 lies where -1, -1 of the input would.
    """
    place = np.stack([simcc_x.argmax(-1), simcc_y.argmax(-1)], -1).astype(np.float32) / BINS_PER_PX
    score = np.minimum(simcc_x.max(-1), simcc_y.max(-1)).astype(np.float32)
    place[score <= 0] = -1
    points = place / (size.width, size.height) * extent[:, None] + (centre - extent / 2)[:, None]
    return np.concatenate([points, score[..., None]], -1).astype(np.float32)


def estimate(session: Any, frames: Sequence[Tensor], boxes: np.ndarray) -> np.ndarray:
    """Find the keypoints of people whose boxes are known.

    Args:
        session: The estimator.
        frames: For each person the frame (3, H, W) uint8 RGB in which they are.
        boxes: (P, 4) x0, y0, x1, y1 in pixels.

    Returns:
        (P, 133, 3) x, y in pixels and confidence.
    """
    shape = session.get_inputs()[0].shape
    size = Size(int(shape[-1]), int(shape[-2]))
    centre, extent = crop_frames(boxes, size)
    parts = [crop(*each, size) for each in zip(frames, centre, extent, strict=True)]
    simcc_x, simcc_y = run_batched(session, normalise(torch.stack(parts)).numpy())
    return decode_points(simcc_x, simcc_y, centre, extent, size)
