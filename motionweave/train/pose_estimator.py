"""Mini's whole-body estimator: a small convolutional network with SimCC outputs, DWPose's contract.

Out come scores over x and over y for each of 133 points. The published networks give raw scores whose maximum serves as
confidence; here the shape and the height are learned apart: where a point is as a distribution over bins, whether it
can be seen as one number, which then is the height of the peak.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..tracks.estimators.simcc import BINS_PER_PX, crop_frames, normalise
from ..types import Size
from .export import export_onnx
from .job import Job
from .loop import fit
from .people import PeopleStore, change_colours
from .recipe import PoseEstimatorRecipe

POINTS = 133
SIGMA_BINS = 4.0
"""Deviation of the target's bell over bins: two pixels of the input."""
PART_WEIGHTS = np.concatenate([np.full(17, 4.0), np.full(6, 2.0), np.full(68, 1.0), np.full(42, 1.0)])
"""Arms and legs are few among 133 points, and matter most."""


def conv(inward: int, outward: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Give a convolution with batch normalisation, which folds into it, and SiLU."""
    return nn.Sequential(
        nn.Conv2d(inward, outward, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outward), nn.SiLU()
    )


class Residual(nn.Module):
    """Two convolutions round which the input passes."""

    def __init__(self, width: int) -> None:
        """Keep the width."""
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) in and out."""
        return x + self.second(self.first(x))


class Mixing(nn.Module):
    """Points look at one another: an elbow is known from shoulder and wrist."""

    def __init__(self, width: int, heads: int = 4) -> None:
        """Give one transformer layer without positions; a point's channel says which it is."""
        super().__init__()
        self.heads = heads
        self.norm, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.names = nn.Parameter(torch.randn(POINTS, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 133, D) in and out."""
        x = x + self.names
        parts = self.inward(self.norm(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # 3 N heads J d
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)  # N J D
        x = x + self.outward(mixed)
        return x + self.narrow(F.silu(self.wide(self.after(x))))


class PoseNet(nn.Module):
    """The estimator as it is trained: logits and visibility; `simcc` gives what the contract asks for."""

    def __init__(self, recipe: PoseEstimatorRecipe) -> None:
        """Build it at the recipe's sizes."""
        super().__init__()
        a, b, c, d = recipe.widths
        self.high = nn.Sequential(conv(3, a, 2), conv(a, b, 2), Residual(b), conv(b, c, 2), Residual(c), Residual(c))
        self.low = nn.Sequential(conv(c, d, 2), Residual(d), nn.Conv2d(d, c, 1))
        self.maps = nn.Sequential(conv(c, c), nn.Conv2d(c, POINTS, 3, padding=1))
        cells = (recipe.width // 8) * (recipe.height // 8)
        self.flat, self.mixing = nn.Linear(cells, recipe.token), Mixing(recipe.token)
        self.x = nn.Linear(recipe.token, int(recipe.width * BINS_PER_PX))
        self.y = nn.Linear(recipe.token, int(recipe.height * BINS_PER_PX))
        self.seen = nn.Linear(recipe.token, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read normalised pictures (N, 3, H, W): logits over x and y (N, 133, bins), visibility logits (N, 133)."""
        high = self.high(pictures)
        features = F.silu(high + F.interpolate(self.low(high), scale_factor=2.0, mode="nearest"))
        tokens = self.mixing(self.flat(self.maps(features).flatten(2)))
        return self.x(tokens), self.y(tokens), self.seen(tokens)[..., 0]


class SimCC(nn.Module):
    """The finished estimator, with the published contract's outputs."""

    def __init__(self, net: PoseNet) -> None:
        """Wrap a trained network."""
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Give scores over x and y, (N, 133, bins), whose maximum is the confidence."""
        x, y, seen = self.net(pictures)
        height = torch.sigmoid(seen)[..., None]
        x, y = (torch.exp(each - each.amax(-1, keepdim=True)) * height for each in (x, y))
        return x, y


def augmented(store: PeopleStore, count: int, size: Size, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw crops as the detector would give them: off centre, too large or small, turned a little.

    Args:
        store: Rendered people.
        count: How many.
        size: The network's input.
        generator: Draws.

    Returns:
        Normalised pictures (B, 3, h, w), points (B, 133, 2) in input pixels, visibility (B, 133) of 0 or 1.
    """
    pictures, points, boxes = store.sample(count, generator)
    centre, extent = (torch.from_numpy(each).float() for each in crop_frames(boxes.numpy(), size))

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    centre = centre + draw(-0.08, 0.08, 2) * extent
    extent = extent * draw(0.78, 1.3, 1)
    angle = draw(-0.2, 0.2)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)  # B 2 2
    full = torch.tensor([size.width, size.height]).float()
    y, x = torch.meshgrid(torch.arange(size.height), torch.arange(size.width), indexing="ij")
    offset = (torch.stack([x, y], -1) / full - 0.5)[None] * extent[:, None, None]  # B h w 2
    where = torch.einsum("bij,bhwj->bhwi", turn, offset) + centre[:, None, None]
    grid = (2 * where + 1) / pictures.shape[-1] - 1
    crops = F.grid_sample(change_colours(pictures, generator), grid, mode="bilinear", align_corners=False)
    back = torch.einsum("bji,bkj->bki", turn, points[..., :2] - centre[:, None])
    placed = (back / extent[:, None] + 0.5) * full
    inside = ((placed >= 0) & (placed < full)).all(-1)
    return normalise(crops), placed, (points[..., 2] > 0) * inside.float()


def bell(place: Tensor, bins: int) -> Tensor:
    """Give a normalised bell over bins round each place in pixels, (B, 133) to (B, 133, bins)."""
    centres = torch.arange(bins) / BINS_PER_PX
    shape = torch.exp(-(((centres - place[..., None]) * BINS_PER_PX / SIGMA_BINS) ** 2) / 2)
    return shape / shape.sum(-1, keepdim=True).clamp_min(1e-6)


def pose_losses(
    net: PoseNet, store: PeopleStore, recipe: PoseEstimatorRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``place``, the cross-entropy of places; ``seen``, that of visibility; ``px``, the mean error.
    """
    pictures, points, seen = augmented(store, recipe.batch, Size(recipe.width, recipe.height), generator)
    x, y, visible = (each.float() for each in net(pictures))
    weight = seen * torch.from_numpy(PART_WEIGHTS).float()
    total = weight.sum().clamp_min(1)
    place = torch.zeros(())
    for axis, logits in enumerate((x, y)):
        entropy = -(bell(points[..., axis], logits.shape[-1]) * F.log_softmax(logits, -1)).sum(-1)
        place = place + (entropy * weight).sum() / total
    sight = F.binary_cross_entropy_with_logits(visible, seen)
    found = torch.stack([x.argmax(-1), y.argmax(-1)], -1) / BINS_PER_PX
    error = ((found - points).norm(dim=-1) * seen).sum() / seen.sum().clamp_min(1)
    return {"loss": place + sight, "place": place, "seen": sight, "px": error}


def train_pose_estimator(recipe: PoseEstimatorRecipe, job: Job) -> Path:
    """Train Mini's estimator and write ``dwpose/dw-mini_ucoco.onnx``."""
    store = PeopleStore(job.cache, recipe)
    net = PoseNet(recipe)
    net.load_state_dict(fit(net, lambda _, g: pose_losses(net, store, recipe, g), job.options, job.run))
    path = job.output / "dwpose/dw-mini_ucoco.onnx"
    shape = (1, 3, recipe.height, recipe.width)
    return export_onnx(SimCC(net), path, shape, ("input",), ("simcc_x", "simcc_y"))
