"""Mini's depth model: Depth Anything V2's class, very small, trained on Marionette's exact depth.

It gives inverse depth, larger for nearer, as the published relative models do. Theirs is known up to scale and shift;
Mini's is taught in inverse metres times `SCALE`, which is one such scale, the same in every frame.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .job import Job
from .loop import fit
from .people import change_colours, render_views
from .recipe import DepthRecipe
from .rendered import kept_views

SCALE = 4.0
"""What inverse metres are multiplied by, so that the network's output is about one."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EDGE_LEVELS = 3


def render_depth(seed: int, views: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Render one character a few times.

    Args:
        seed: The character's.
        views: How many pictures.
        size: Width and height in pixels.

    Returns:
        Pictures (V, 3, S, S) uint8 and inverse depth (V, S, S) float16 in inverse metres times `SCALE`.
    """
    clip = render_views(seed, views, size)
    return (clip.frames * 255).round().to(torch.uint8).numpy(), (SCALE / clip.depth).half().numpy()


class DepthStore:
    """Pictures with their depth on disk, rendered on first use."""

    def __init__(self, folder: Path, recipe: DepthRecipe) -> None:
        """Open the pictures, rendering what is missing.

        Args:
            folder: Where to keep them; about a gigabyte.
            recipe: What to render.

        Raises:
            InputError: If seeds kept for evaluation would be among them.
        """
        shapes = {"nearness.f16": (recipe.size, recipe.size)}
        self.pictures, self.nearness = kept_views(folder, "depth", recipe, render_depth, shapes)

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw pictures: (B, 3, S, S) normalised, and inverse depth (B, S, S); half of them mirrored."""
        chosen = torch.randint(len(self.pictures), (count,), generator=generator).numpy()
        pictures = change_colours(torch.from_numpy(self.pictures[chosen]).float(), generator) / 255
        nearness = torch.from_numpy(self.nearness[chosen].astype(np.float32))
        mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (MEAN, STD))
        mirrored = torch.rand(count, generator=generator) < 0.5
        pictures = torch.where(mirrored[:, None, None, None], pictures.flip(-1), pictures)
        return (pictures - mean) / std, torch.where(mirrored[:, None, None], nearness.flip(-1), nearness)


def build_model(recipe: DepthRecipe) -> Any:
    """Give Depth Anything's class at the recipe's sizes, untrained."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    layers, build = recipe.layers, cast(Any, Dinov2Config)  # whose annotations leave out what it passes on
    backbone = build(
        hidden_size=recipe.width,
        num_hidden_layers=layers,
        num_attention_heads=recipe.heads,
        mlp_ratio=recipe.mlp_ratio,
        image_size=recipe.size,
        patch_size=14,
        out_indices=[layers * part // 4 for part in (1, 2, 3, 4)],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=recipe.width,
        patch_size=14,
        neck_hidden_sizes=list(recipe.neck),
        fusion_hidden_size=recipe.fusion,
        head_hidden_size=recipe.fusion // 2,
        depth_estimation_type="relative",
    )
    return DepthAnythingForDepthEstimation(config)


def depth_losses(net: Any, store: DepthStore, recipe: DepthRecipe, generator: torch.Generator) -> dict[str, Tensor]:
    """Give the losses of one step.

    Returns:
        ``loss``; ``value``, the mean absolute error; ``edge``, that of differences between neighbours at several sizes.
    """
    pictures, truth = store.sample(recipe.batch, generator)
    found = net(pixel_values=pictures).predicted_depth.float()
    value = (found - truth).abs().mean()
    edge = torch.zeros(())
    error = (found - truth)[:, None]
    for _ in range(EDGE_LEVELS):
        edge = edge + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        error = F.avg_pool2d(error, 2)
    return {"loss": value + edge, "value": value, "edge": edge}


def train_depth(recipe: DepthRecipe, job: Job) -> Path:
    """Train Mini's depth model and write the folder ``depth``."""
    store = DepthStore(job.cache, recipe)
    net = build_model(recipe)
    net.load_state_dict(fit(net, lambda _, g: depth_losses(net, store, recipe, g), job.options, job.run))
    folder = job.output / "depth"
    net.half().save_pretrained(folder)
    processor = {
        "do_normalize": True,
        "do_pad": False,
        "do_rescale": True,
        "do_resize": True,
        "ensure_multiple_of": 14,
        "image_mean": MEAN,
        "image_processor_type": "DPTImageProcessor",
        "image_std": STD,
        "keep_aspect_ratio": True,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": recipe.size, "width": recipe.size},
    }
    text = json.dumps(processor, indent=2)
    (folder / "preprocessor_config.json").write_text(text + "\n", encoding="utf-8")
    return folder
