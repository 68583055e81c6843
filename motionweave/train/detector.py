"""Mini's detector: a small convolutional network with YOLOX's contract, trained to find marionettes.

Differs from YOLOX in what a small world allows: one level answers for each size of figure (no SimOTA assignment), and
the cells within one and a half strides of a figure's centre are its own.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..tracks.estimators.yolox import PADDING, STRIDES
from .export import export_onnx
from .job import Job
from .loop import fit
from .people import PeopleStore, change_colours
from .pose_estimator import Residual, conv
from .recipe import DetectorRecipe

CLASSES = 80
NEAR_CELLS = 1.5
LEVEL_SHARES = (0.28, 0.55)
"""Larger side of a figure over the picture's, up to which the first and the second level answer for it."""
FOUND_PRIOR = -4.0
"""Objectness to start from: nearly every cell is empty."""


class Detector(nn.Module):
    """The detector as it is trained: raw predictions with logits in place of probabilities."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        """Build it; `widths` are the channels at strides 4, 8, 16 and 32."""
        super().__init__()
        a, b, c, d = widths
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), conv(12, a), conv(a, a, 2))
        self.level8 = nn.Sequential(conv(a, b, 2), Residual(b))
        self.level16 = nn.Sequential(conv(b, c, 2), Residual(c))
        self.level32 = nn.Sequential(conv(c, d, 2), Residual(d), Residual(d))
        self.to16, self.to8 = nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1)
        self.heads = nn.ModuleList(nn.Sequential(conv(w, w), nn.Conv2d(w, 5 + CLASSES, 1)) for w in (b, c, d))
        for head in self.heads:
            bias = head.get_submodule("1").bias
            if isinstance(bias, nn.Parameter):
                nn.init.constant_(bias.data[4:5], FOUND_PRIOR)

    def forward(self, pictures: Tensor) -> Tensor:
        """Read (N, 3, S, S) in [0, 255]: (N, A, 85) centre offsets and log sizes in cells, logits."""
        x8 = self.level8(self.stem(pictures / 255 - 0.5))
        x16 = self.level16(x8)
        x32 = self.level32(x16)
        x16 = F.silu(x16 + F.interpolate(self.to16(x32), scale_factor=2.0, mode="nearest"))
        x8 = F.silu(x8 + F.interpolate(self.to8(x16), scale_factor=2.0, mode="nearest"))
        maps = [head(x) for head, x in zip(self.heads, (x8, x16, x32), strict=True)]
        return torch.cat([each.flatten(2).transpose(1, 2) for each in maps], 1)


class Published(nn.Module):
    """The finished detector, with the published contract's outputs."""

    def __init__(self, net: Detector) -> None:
        """Wrap a trained network."""
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """Give (N, A, 85): offsets and sizes raw, objectness and classes as probabilities."""
        raw = self.net(pictures)
        return torch.cat([raw[..., :4], torch.sigmoid(raw[..., 4:])], -1)


def compose(store: PeopleStore, count: int, side: int, generator: torch.Generator) -> tuple[Tensor, list[Tensor]]:
    """Draw pictures with nobody, one or two figures, letterboxed or not.

    Args:
        store: Rendered people.
        count: How many pictures.
        side: Their width and height.
        generator: Draws.

    Returns:
        (B, 3, S, S) in [0, 255], and for each the boxes (P, 4) in its pixels.
    """
    pictures, _, boxes = store.sample(2 * count, generator)
    pictures = change_colours(pictures, generator)
    canvases = torch.full((count, 3, side, side), PADDING)
    found: list[Tensor] = []
    for index in range(count):
        kind = float(torch.rand((), generator=generator))
        # Two figures stand side by side, each in a half of its own; one has the whole picture or a part of it.
        halves = [(0, side // 2), (side // 2, side)] if kind < 0.3 else [(0, side)]
        here: list[Tensor] = []
        for which, (left, right) in enumerate(halves):
            box = _paste(
                canvases[index], pictures[2 * index + which], boxes[2 * index + which], (left, right), generator
            )
            if box is not None:
                here.append(box)
        found.append(torch.stack(here) if here else torch.zeros(0, 4))
    return canvases, found


def _paste(
    canvas: Tensor, picture: Tensor, box: Tensor, span: tuple[int, int], generator: torch.Generator
) -> Tensor | None:
    """Put a picture somewhere into some columns of a canvas that is being made; give the figure's box in it."""
    left, right = span
    side, width = canvas.shape[-1], right - left
    jitter = torch.rand(3, generator=generator)
    empty = float((box[2:] - box[:2]).min()) <= 0  # nobody in the picture: something that is not to be found
    if empty or (width == side and float(jitter[2]) < 0.5):  # fills the canvas, as a video's frame does
        size = round(side * float(torch.empty(()).uniform_(1.0, 1.4, generator=generator)))
        x, y = (-round(float(share) * (size - side)) for share in jitter[:2])
    else:
        whole = float((box[2:] - box[:2]).max())
        share = float(torch.empty(()).uniform_(0.3, 1.15, generator=generator))
        size = max(48, round(side / whole * share * picture.shape[-1]))
        middle = (box[:2] + box[2:]) / 2 * size / picture.shape[-1]
        x = round(left + float(jitter[0]) * width - float(middle[0]))
        y = round(side * (0.25 + 0.5 * float(jitter[1])) - float(middle[1]))
    scale = size / picture.shape[-1]
    shown = F.interpolate(picture[None], (size, size), mode="bilinear", antialias=scale < 1)[0]
    x0, x1, y0, y1 = max(x, left), min(x + size, right), max(y, 0), min(y + size, side)
    if x1 <= x0 or y1 <= y0:
        return None
    canvas[:, y0:y1, x0:x1] = shown[:, y0 - y : y1 - y, x0 - x : x1 - x]
    if empty:
        return None
    placed = box * scale + torch.tensor([x, y, x, y])
    clipped = torch.stack(
        [placed[0].clamp(x0, x1), placed[1].clamp(y0, y1), placed[2].clamp(x0, x1), placed[3].clamp(y0, y1)]
    )
    area = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
    full = (placed[2] - placed[0]) * (placed[3] - placed[1])
    return clipped if float(area) > 0.25 * float(full) and float((clipped[2:] - clipped[:2]).min()) > 6 else None


def targets(boxes: list[Tensor], side: int) -> tuple[Tensor, Tensor]:
    """Say which cells answer for which box.

    Args:
        boxes: For each picture (P, 4).
        side: Width and height of the pictures.

    Returns:
        (B, A) bool, and (B, A, 4) the box of each such cell in pixels.
    """
    cells = torch.cat([_cells(side, stride) for stride in STRIDES])  # A 3: centre and stride
    mine = torch.zeros(len(boxes), len(cells), dtype=torch.bool)
    wanted = torch.zeros(len(boxes), len(cells), 4)
    for index, each in enumerate(boxes):
        for box in each:
            share = float((box[2:] - box[:2]).max()) / side
            stride = STRIDES[sum(share > limit for limit in LEVEL_SHARES)]
            apart = (cells[:, :2] - (box[:2] + box[2:]) / 2).abs().amax(-1)
            near = (apart < NEAR_CELLS * stride) & (cells[:, 2] == stride)
            mine[index, near], wanted[index, near] = True, box
    return mine, wanted


def _cells(side: int, stride: int) -> Tensor:
    count = side // stride
    y, x = torch.meshgrid(torch.arange(count), torch.arange(count), indexing="ij")
    centres = (torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride
    return torch.cat([centres, torch.full((count * count, 1), stride)], -1)


def placed_boxes(raw: Tensor, side: int) -> Tensor:
    """Decode raw predictions (..., A, 85) into boxes (..., A, 4) in pixels."""
    cells = torch.cat([_cells(side, stride) for stride in STRIDES])
    stride = cells[:, 2:]
    corner = cells[:, :2] - stride / 2
    centre, half = raw[..., :2] * stride + corner, raw[..., 2:4].clamp(-6, 6).exp() * stride / 2
    return torch.cat([centre - half, centre + half], -1)


def detector_losses(
    net: Detector, store: PeopleStore, recipe: DetectorRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``box``, one less the intersection over union; ``found`` and ``kind``, cross-entropies.
    """
    from torchvision.ops import generalized_box_iou_loss

    pictures, boxes = compose(store, recipe.batch, recipe.side, generator)
    raw = net(pictures).float()
    mine, wanted = targets(boxes, recipe.side)
    count = mine.sum().clamp_min(1)
    box = generalized_box_iou_loss(placed_boxes(raw, recipe.side)[mine], wanted[mine], reduction="sum") / count
    found = F.binary_cross_entropy_with_logits(raw[..., 4], mine.float(), reduction="sum") / count
    kind = torch.zeros(int(mine.sum()), CLASSES)
    kind[:, :1] = 1
    named = F.binary_cross_entropy_with_logits(raw[..., 5:][mine], kind, reduction="sum") / count
    return {"loss": 3 * box + found + 0.5 * named, "box": box, "found": found, "kind": named}


def train_detector(recipe: DetectorRecipe, job: Job) -> Path:
    """Train Mini's detector and write ``dwpose/yolox_mini.onnx``."""
    store = PeopleStore(job.cache, recipe)
    net = Detector(recipe.widths)
    net.load_state_dict(fit(net, lambda _, g: detector_losses(net, store, recipe, g), job.options, job.run))
    path = job.output / "dwpose/yolox_mini.onnx"
    return export_onnx(Published(net), path, (1, 3, recipe.side, recipe.side), ("images",), ("output",))
