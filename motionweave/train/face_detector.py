"""Mini's detector of faces: a small convolutional network with SCRFD's contract, trained to find marionettes' faces.

Source: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection" (2021), for the outputs alone.
Differs in what a small world allows: one level answers for each size of face, the cells next to a face's middle are its
own, and both anchors of a cell learn the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .export import halve_weights
from .face_scenes import FaceTruth, compose
from .faces import FaceStore
from .job import Job
from .loop import fit
from .pose_estimator import Residual, conv
from .recipe import FaceDetectorRecipe

STRIDES = (8, 16, 32)
ANCHORS = 2
WIDTHS_OUT = (1, 4, 10)
"""Numbers an anchor gives: a score, distances to the box's sides, offsets of five points."""
LEVEL_SIDES = (48.0, 128.0)
"""Larger side of a face in pixels, up to which the first and the second level answer for it."""
FOUND_PRIOR = -4.0
"""Score to start from: nearly every cell is empty."""


class FaceDetector(nn.Module):
    """The detector as it is trained: raw numbers for each anchor."""

    def __init__(self, widths: tuple[int, int, int, int, int]) -> None:
        """Build it; `widths` are the channels at strides 2, 4, 8, 16 and 32."""
        super().__init__()
        a, b, c, d, e = widths
        self.stem = nn.Sequential(conv(3, a, 2), conv(a, b, 2))
        self.level8 = nn.Sequential(conv(b, c, 2), Residual(c))
        self.level16 = nn.Sequential(conv(c, d, 2), Residual(d))
        self.level32 = nn.Sequential(conv(d, e, 2), Residual(e))
        self.to16, self.to8 = nn.Conv2d(e, d, 1), nn.Conv2d(d, c, 1)
        outward = ANCHORS * sum(WIDTHS_OUT)
        self.heads = nn.ModuleList(nn.Sequential(conv(w, w), nn.Conv2d(w, outward, 1)) for w in (c, d, e))
        for head in self.heads:
            bias = head.get_submodule("1").bias
            if isinstance(bias, nn.Parameter):
                nn.init.constant_(bias.data[:ANCHORS], FOUND_PRIOR)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Read (N, 3, H, W), (rgb - 127.5) / 128: for each level scores, sides and points, (N, anchors, 1 | 4 | 10)."""
        x8 = self.level8(self.stem(pictures))
        x16 = self.level16(x8)
        x32 = self.level32(x16)
        x16 = F.silu(x16 + F.interpolate(self.to16(x32), scale_factor=2.0, mode="nearest"))
        x8 = F.silu(x8 + F.interpolate(self.to8(x16), scale_factor=2.0, mode="nearest"))
        maps = [head(x) for head, x in zip(self.heads, (x8, x16, x32), strict=True)]
        return tuple(numbers for each in maps for numbers in _anchored(each))


def _anchored(raw: Tensor) -> list[Tensor]:
    """Split a level's map (N, A*15, h, w) into scores, sides and points, each (N, h*w*A, numbers)."""
    parts = raw.split([ANCHORS * width for width in WIDTHS_OUT], 1)
    # An anchor's numbers lie together, and a cell's anchors one after the other, as SCRFD's decoding reads them.
    return [
        part.permute(0, 2, 3, 1).reshape(len(raw), -1, width)  # N h w (A k) -> N (h w A) k
        for part, width in zip(parts, WIDTHS_OUT, strict=True)
    ]


class SCRFD(nn.Module):
    """The finished detector, with the published contract's nine outputs."""

    def __init__(self, net: FaceDetector) -> None:
        """Wrap a trained network."""
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Give scores, sides and points, each for strides 8, 16 and 32 and without a batch axis."""
        levels = self.net(pictures)
        scores = [torch.sigmoid(each[0]) for each in levels[0::3]]
        return (*scores, *(sides_of(each[0]) for each in levels[1::3]), *(each[0] for each in levels[2::3]))


def sides_of(raw: Tensor) -> Tensor:
    """Turn raw numbers into distances to a box's sides, in strides."""
    return torch.exp(raw.clamp(-4, 4))


def anchor_centres(height: int, width: int) -> Tensor:
    """Give every anchor's centre in pixels and its stride, (A, 3), in the order of the outputs."""
    levels: list[Tensor] = []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        cells = torch.stack([x, y], -1).reshape(-1, 1, 2).expand(-1, ANCHORS, 2).reshape(-1, 2) * stride
        levels.append(torch.cat([cells, torch.full((len(cells), 1), stride)], -1).float())
    return torch.cat(levels)


def assign(truth: FaceTruth, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """Say which anchors answer for which face.

    Args:
        truth: One picture's faces.
        anchors: (A, 3) centres and strides.

    Returns:
        (A,) the index of each anchor's face, -1 where there is none; (A,) bool, whether the anchor is asked at all.
    """
    owner = torch.full((len(anchors),), -1)
    asked = torch.ones(len(anchors), dtype=torch.bool)
    for box in truth.doubtful:
        inside = (anchors[:, :2] > box[:2]) & (anchors[:, :2] < box[2:])
        asked &= ~inside.all(-1)
    for index, box in enumerate(truth.boxes):
        side = float((box[2:] - box[:2]).max())
        stride = STRIDES[sum(side > limit for limit in LEVEL_SIDES)]
        apart = (anchors[:, :2] - (box[:2] + box[2:]) / 2).abs().amax(-1)
        near = (apart < stride) & (anchors[:, 2] == stride)
        owner[near], asked[near] = index, True
    return owner, asked


def face_losses(
    net: FaceDetector, store: FaceStore, recipe: FaceDetectorRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``box``, one less the generalised intersection over union; ``found``, a focal cross-entropy;
        ``points``, their distance over the face's size.
    """
    from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

    pictures, truths = compose(store, recipe.batch, recipe.side, generator)
    levels = [each.float() for each in net((pictures - 127.5) / 128)]
    scores, sides, points = (torch.cat(levels[kind::3], 1) for kind in range(3))
    anchors = anchor_centres(recipe.side, recipe.side)
    owners, asked = (torch.stack(each) for each in zip(*(assign(t, anchors) for t in truths), strict=True))
    mine = owners >= 0
    count = mine.sum().clamp_min(1)
    centre, stride = (each.expand(len(pictures), -1, -1)[mine] for each in (anchors[:, :2], anchors[:, 2:]))
    wanted = torch.cat([t.boxes[o[o >= 0]] for t, o in zip(truths, owners, strict=True)])
    marks = torch.cat([t.points[o[o >= 0]] for t, o in zip(truths, owners, strict=True)])
    reach = sides_of(sides[mine]) * stride
    made = torch.cat([centre - reach[:, :2], centre + reach[:, 2:]], -1)
    box = generalized_box_iou_loss(made, wanted, reduction="sum") / count
    found = sigmoid_focal_loss(scores[..., 0], mine.float(), alpha=0.4, reduction="none")[asked].sum() / count
    placed = centre[:, None] + points[mine].view(-1, 5, 2) * stride[:, None]
    error = (placed - marks).norm(dim=-1).mean(-1) / (wanted[:, 2:] - wanted[:, :2]).amax(-1)
    off = error.sum() / count
    return {"loss": 2 * box + 4 * found + 10 * off, "box": box, "found": found, "points": off}


def train_face_detector(recipe: FaceDetectorRecipe, job: Job) -> Path:
    """Train Mini's face detector and write ``face/scrfd_mini.onnx``."""
    store = FaceStore(job.cache, recipe)
    net = FaceDetector(recipe.widths)
    net.load_state_dict(fit(net, lambda _, g: face_losses(net, store, recipe, g), job.options, job.run))
    return export_face_detector(net, job.output / "face/scrfd_mini.onnx")


def export_face_detector(net: FaceDetector, path: Path) -> Path:
    """Write the detector as ONNX for one picture of any size whose sides are multiples of 32.

    Args:
        net: Trained; it is put into evaluation mode.
        path: The .onnx to write.

    Returns:
        The path.
    """
    import onnx

    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = (torch.export.Dim(name, min=2, max=64) for name in ("rows", "columns"))
    names = [f"{kind}_{stride}" for kind in ("score", "bbox", "kps") for stride in STRIDES]
    program: Any = torch.onnx.export(
        SCRFD(net).eval().float(),
        (torch.zeros(1, 3, 128, 192),),
        dynamo=True,
        input_names=["input"],
        output_names=names,
        dynamic_shapes=({2: 32 * rows, 3: 32 * columns},),
        verbose=False,
    )
    model = program.model_proto
    # Readers that fix the input's size rewrite its axes alone: inner shapes must not contradict them.
    del model.graph.value_info[:]
    halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
