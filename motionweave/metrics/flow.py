"""Where everything went from one frame to the next, and what changed beside that.

A small estimator on torch alone, because every run measures its joins as it goes, also where there is no OpenCV with
contrib modules; the temporal score, which is made once of a finished video, uses TV-L1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW_PX, ROUNDS, SMALLEST_PX = 7, 3, 12
LEAST_TEXTURE = 1e-4
"""Added to the squared slopes, in brightness per pixel: flat places follow none of their noise."""


def find_flow(before: Tensor, after: Tensor) -> Tensor:
    """Find the motion between two pictures.

    Source: Lucas and Kanade, "An Iterative Image Registration Technique" (1981), at every pixel, coarse to fine as in
    Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature Tracker" (2001). Each round's motion is averaged over
    the window, which keeps neighbours together where they have no texture of their own.

    Args:
        before: (H, W) brightness in [0, 1].
        after: The same shape.

    Returns:
        (2, H, W): x and y in pixels from each pixel of `after` to where it was in `before`.
    """
    pyramid = [(before[None, None], after[None, None])]
    while min(pyramid[-1][0].shape[-2:]) >= 2 * SMALLEST_PX:
        pyramid.append(tuple(F.avg_pool2d(each, 2) for each in pyramid[-1]))  # pyright: ignore[reportArgumentType]
    flow = torch.zeros(1, 2, *pyramid[-1][0].shape[-2:])
    for first, second in reversed(pyramid):
        height, width = second.shape[-2:]
        scale = torch.tensor([width / flow.shape[-1], height / flow.shape[-2]]).view(1, 2, 1, 1)
        flow = F.interpolate(flow, (height, width), mode="bilinear") * scale
        for _ in range(ROUNDS):
            flow = _smooth(flow + _step(_moved(first, flow), second))
    return flow[0]


def moved(picture: Tensor, flow: Tensor) -> Tensor:
    """Draw a picture as the motion leaves it.

    Args:
        picture: (C, H, W).
        flow: (2, H, W) as `find_flow` gives it.

    Returns:
        (C, H, W); the border repeats itself outside.
    """
    return _moved(picture[None], flow[None])[0]


def frame_change(before: Tensor, after: Tensor) -> float:
    """Give what changed between two frames beside motion: mean absolute difference once the first is moved.

    Args:
        before: (3, H, W) in [0, 1].
        after: The same shape.
    """
    flow = find_flow(before.mean(0), after.mean(0))
    return float((moved(before, flow) - after).abs().mean())


def _step(first: Tensor, second: Tensor) -> Tensor:
    """Solve for the motion that is left, (1, 2, H, W), at most a pixel."""
    mean = (first + second) / 2
    padded = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    t = first - second
    xx, xy, yy, xt, yt = _smooth(torch.cat([x * x, x * y, y * y, x * t, y * t], 1)).unbind(1)
    xx, yy = xx + LEAST_TEXTURE, yy + LEAST_TEXTURE
    size = xx * yy - xy * xy
    return torch.stack([xy * yt - yy * xt, xy * xt - xx * yt], 1).div(size[:, None]).clamp(-1, 1)


def _smooth(values: Tensor) -> Tensor:
    half = WINDOW_PX // 2
    across = F.avg_pool2d(values, (1, WINDOW_PX), 1, (0, half), count_include_pad=False)
    return F.avg_pool2d(across, (WINDOW_PX, 1), 1, (half, 0), count_include_pad=False)


def _moved(picture: Tensor, flow: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    x = torch.arange(width) + flow[:, 0]
    y = torch.arange(height)[:, None] + flow[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=False)
