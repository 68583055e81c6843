"""Pictures with any number of faces of any size, laid out anew in every step from rendered ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .faces import FaceStore
from .people import change_colours

SIDES = (14.0, 250.0)
"""Larger side of a face in pixels, from the smallest to the largest."""
MOST_ENLARGED = 4.0
EMPTY_SHARE, PAIR_SHARE = 0.06, 0.35
SURE_FROM, NONE_BELOW = 0.7, 0.15
"""Visible share from which a face must be found, and below which it need not; nothing is asked in between."""


@dataclass(frozen=True)
class FaceTruth:
    """One picture's faces."""

    boxes: Tensor
    """(P, 4) pixels, not clipped: a face that is cut off keeps its whole box."""
    points: Tensor
    """(P, 5, 2) pixels."""
    doubtful: Tensor
    """(Q, 4) pixels: faces of which too little is seen to ask for them."""


def compose(store: FaceStore, count: int, side: int, generator: torch.Generator) -> tuple[Tensor, list[FaceTruth]]:
    """Draw pictures with nobody, one or two faces.

    Args:
        store: Rendered faces.
        count: How many pictures.
        side: Their width and height.
        generator: Draws.

    Returns:
        (B, 3, side, side) in [0, 255], and what each shows.
    """
    chosen = torch.randint(len(store.pictures), (2 * count,), generator=generator).numpy()
    pictures, points, boxes = store.read(chosen)
    pictures = change_colours(pictures, generator)
    canvases, truths = torch.empty(count, 3, side, side), list[FaceTruth]()
    for index in range(count):
        canvases[index] = _ground(side, generator)
        kind = float(torch.rand((), generator=generator))
        spans = [(0, side)]
        if kind < EMPTY_SHARE:
            spans = []
        elif kind < EMPTY_SHARE + PAIR_SHARE:
            middle = round(side * (0.35 + 0.3 * float(torch.rand((), generator=generator))))
            spans = [(0, middle), (middle, side)]
        shown = [2 * index + which for which in range(len(spans))]
        placed = [
            _paste(canvases[index], pictures[each], (boxes[each], points[each]), span, generator)
            for each, span in zip(shown, spans, strict=True)
        ]
        truths.append(_truth(placed))
    return canvases, truths


def _ground(side: int, generator: torch.Generator) -> Tensor:
    """Give what surrounds pictures: black, as letterboxing leaves it, or blurred noise of any colour."""
    if float(torch.rand((), generator=generator)) < 0.5:
        return torch.zeros(3, side, side)
    cells = int(torch.randint(1, 24, (), generator=generator))
    noise = 255 * torch.rand(1, 3, cells, cells, generator=generator)
    return F.interpolate(noise, (side, side), mode="bilinear")[0]


def _paste(
    canvas: Tensor, picture: Tensor, face: tuple[Tensor, Tensor], span: tuple[int, int], generator: torch.Generator
) -> tuple[Tensor, Tensor, float]:
    """Put a picture into some columns of a canvas that is being made; give box, points and visible share there."""
    (box, points), (left, right), side = face, span, canvas.shape[-1]
    draw = torch.rand(3, generator=generator).tolist()
    most = min(SIDES[1], 1.1 * (right - left))
    wanted = SIDES[0] * (most / SIDES[0]) ** draw[0]
    scale = min(wanted / float((box[2:] - box[:2]).max()), MOST_ENLARGED)
    size = max(16, round(scale * picture.shape[-1]))
    scale = size / picture.shape[-1]
    middle = (box[:2] + box[2:]) / 2 * scale
    x = round(left + draw[1] * (right - left) - float(middle[0]))
    y = round(draw[2] * side - float(middle[1]))
    shown = F.interpolate(picture[None], (size, size), mode="bilinear", antialias=scale < 1)[0]
    x0, x1, y0, y1 = max(x, left), min(x + size, right), max(y, 0), min(y + size, side)
    if x1 <= x0 or y1 <= y0:
        return box, points, 0.0
    canvas[:, y0:y1, x0:x1] = shown[:, y0 - y : y1 - y, x0 - x : x1 - x]
    shift = torch.tensor([x, y]).float()
    placed = box * scale + shift.repeat(2)
    inside = torch.minimum(placed[2:], torch.tensor([x1, y1])) - torch.maximum(placed[:2], torch.tensor([x0, y0]))
    share = float(inside.clamp_min(0).prod() / (placed[2:] - placed[:2]).prod())
    return placed, points * scale + shift, share


def _truth(placed: list[tuple[Tensor, Tensor, float]]) -> FaceTruth:
    sure = [(box, points) for box, points, share in placed if share >= SURE_FROM]
    doubtful = [box for box, _, share in placed if NONE_BELOW <= share < SURE_FROM]
    return FaceTruth(
        boxes=torch.stack([box for box, _ in sure]) if sure else torch.zeros(0, 4),
        points=torch.stack([points for _, points in sure]) if sure else torch.zeros(0, 5, 2),
        doubtful=torch.stack(doubtful) if doubtful else torch.zeros(0, 4),
    )
