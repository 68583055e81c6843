"""Mini's face recogniser: a small convolutional network with ArcFace's contract, trained to tell marionettes apart.

Pictures of one character in different poses and lights are drawn together, those of others apart (van den Oord et al.,
"Representation Learning with Contrastive Predictive Coding", 2018): classes with a margin, as ArcFace is trained, suit
thousands of people who differ in kind, not characters who differ by degrees of a few colours. Those colours are asked
for as well, which speeds learning.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .export import export_onnx
from .faces import FaceStore
from .job import Job
from .loop import fit
from .pose_estimator import Residual, conv
from .recipe import FaceEmbedderRecipe

CROP_PX = 112
EMBEDDING = 512
TEMPLATE = torch.tensor(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where ArcFace wants the five points in a crop of 112 pixels; InsightFace's `face_align`."""
LEAST_FACE_PX = 22.0
"""Width of a face's box in a rendered picture, below which its colours are too few pixels."""
POINT_ERROR = 0.03
"""Deviation of the points over the face's width: what a detector misses them by."""
TEMPERATURE = 0.05
"""Cosines are divided by this before the contrast."""


class FaceNet(nn.Module):
    """The recogniser: crops to embeddings."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        """Build it; `widths` are the channels at strides 2, 4, 8 and 16."""
        super().__init__()
        a, b, c, d = widths
        self.body = nn.Sequential(conv(6, a, 2), conv(a, b, 2), Residual(b), conv(b, c, 2), Residual(c), conv(c, d, 2))
        # One weight for each place, as in MobileFaceNet: hair is above, skin in the middle.
        self.gather = nn.Sequential(nn.Conv2d(d, d, CROP_PX // 16, groups=d, bias=False), nn.BatchNorm2d(d))
        self.embed = nn.Linear(d, EMBEDDING)

    def forward(self, crops: Tensor) -> Tensor:
        """Read (N, 3, 112, 112), (rgb - 127.5) / 127.5: (N, 512), of any length."""
        # Light multiplies colours, and adds to their logarithms: what cancels it is then a difference.
        logarithms = torch.log(crops + 1.08)
        return self.embed(self.gather(self.body(torch.cat([crops, logarithms], 1))).flatten(1))


class FaceReader(nn.Module):
    """The recogniser and what is asked of it in training besides."""

    def __init__(self, widths: tuple[int, int, int, int], asked: int) -> None:
        """Build it; `asked` numbers of a character are read from the embedding."""
        super().__init__()
        self.net, self.read = FaceNet(widths), nn.Linear(EMBEDDING, asked)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Give unit embeddings (N, 512) and the character's numbers (N, asked)."""
        unit = F.normalize(self.net(crops).float(), dim=-1)
        return unit, self.read(unit)


def aligned_crops(pictures: Tensor, points: Tensor) -> Tensor:
    """Cut faces out so that their five points come to lie on the template as nearly as turning and scaling allow.

    Args:
        pictures: (B, 3, H, W).
        points: (B, 5, 2) pixels.

    Returns:
        (B, 3, 112, 112), zeros beyond the picture.

    Source: Umeyama, "Least-Squares Estimation of Transformation Parameters" (1991); in the plane a turn with a scale is
    one complex factor, and the least squares have a closed form.
    """
    found, wanted = (torch.view_as_complex(each.contiguous()) for each in (points.float(), TEMPLATE))
    found_mean, wanted_mean = found.mean(1, keepdim=True), wanted.mean()
    spread = found - found_mean
    factor = ((wanted - wanted_mean) * spread.conj()).sum(1) / spread.abs().square().sum(1)
    y, x = torch.meshgrid(torch.arange(CROP_PX), torch.arange(CROP_PX), indexing="ij")
    places = torch.complex(x.float(), y.float())
    source = torch.view_as_real((places - wanted_mean) / factor[:, None, None] + found_mean[:, None])  # B h w 2
    size = torch.tensor([pictures.shape[-1], pictures.shape[-2]])
    grid = 2 * source / size - 1
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def truths(identity: np.ndarray) -> Tensor:
    """Give what a face shows of a character, from `Character.vector`: skin, hair, and whether the hair is long.

    Args:
        identity: (B, 31).

    Returns:
        (B, 7) float32 of about unit spread.
    """
    return torch.from_numpy(np.concatenate([identity[:, 6:12], identity[:, -1:]], -1))


def pairs(store: FaceStore, count: int, generator: torch.Generator) -> np.ndarray:
    """Draw two pictures of each of `count` characters, (2 * count,): first all first ones, then all second ones."""
    large = (store.boxes[:, 2] - store.boxes[:, 0] >= LEAST_FACE_PX).reshape(-1, store.views)
    characters = torch.randperm(len(large), generator=generator)[:count]
    order = torch.rand(count, store.views, generator=generator) + torch.from_numpy(~large[characters.numpy()])
    # Portraits are always large enough, so that there are two.
    chosen = characters[:, None] * store.views + order.argsort(-1)[:, :2]
    return chosen.T.reshape(-1).numpy()


def softened(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Change sharpness, brightness a little and noise, crop by crop; (B, 3, h, w) in [0, 255] in and out."""

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(crops), 1, 1, 1, generator=generator)

    blurred = F.avg_pool2d(F.avg_pool2d(crops, 3, 1, 1), 3, 1, 1)
    mixed = torch.lerp(crops, blurred, draw(-0.2, 1.0)) * draw(0.94, 1.06)
    return (mixed + torch.randn(crops.shape, generator=generator) * draw(0, 5)).clamp(0, 255)


def embedding_losses(
    reader: FaceReader, store: FaceStore, recipe: FaceEmbedderRecipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``contrast``, a cross-entropy; ``told``, the error of the character's numbers; ``first``, the share of
        characters whose other picture is the nearest.
    """
    count = recipe.batch // 2
    chosen = pairs(store, count, generator)
    pictures, points, boxes = store.read(chosen)
    width = (boxes[:, 2] - boxes[:, 0])[:, None, None]
    points = points + POINT_ERROR * width * torch.randn(points.shape, generator=generator)
    crops = softened(aligned_crops(pictures, points), generator)
    unit, told = reader((crops - 127.5) / 127.5)
    cosines = unit[:count] @ unit[count:].T
    same = torch.arange(count)
    logits = cosines / TEMPERATURE
    contrast = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
    error = F.smooth_l1_loss(told.float(), truths(store.identity[chosen]))
    first = (cosines.argmax(-1) == same).float().mean()
    return {"loss": contrast + error, "contrast": contrast, "told": error, "first": first}


def train_face_embedder(recipe: FaceEmbedderRecipe, job: Job) -> Path:
    """Train Mini's face recogniser and write ``face/arcface_mini.onnx``."""
    store = FaceStore(job.cache, recipe)
    reader = FaceReader(recipe.widths, truths(store.identity[:1]).shape[-1])
    reader.load_state_dict(fit(reader, lambda _, g: embedding_losses(reader, store, recipe, g), job.options, job.run))
    path = job.output / "face/arcface_mini.onnx"
    return export_onnx(reader.net, path, (1, 3, CROP_PX, CROP_PX), ("input.1",), ("embedding",))
