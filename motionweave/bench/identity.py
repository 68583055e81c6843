"""How well Mini's face models tell characters apart that they never saw."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..marionette import FIRST_EVALUATION_SEED, make_world, render_clip
from ..marionette.light import make_light
from ..marionette.motion import make_motion
from ..marionette.sample import draw_reference
from ..marionette.scene import make_scene
from ..marionette.skeleton import pose_skeleton
from ..tracks.face_models import FaceModels, load_face_models
from ..train.faces import portrait_camera
from ..types import Size
from ..weights.manifest import load_manifest

REFERENCE, PROBE = Size(512, 512), Size(256, 256)
"""Sizes of the whole figure that stands for a reference image, and of the portrait that is to be recognised."""
ELSEWHERE = 500_000
"""Added to a character's seed for the light, place and pose in which it is met again."""
HEAD_SHARE, DISTANCE_M = 0.15, 2.5
"""Radius of the head over the portrait's height, and metres from which it is seen."""


def measure_identity(characters: int = 100) -> dict[str, float]:
    """Recognise held-out characters: one picture of each is known, another is asked for.

    Known is the reference image, a whole figure at ease. Asked for is a portrait in another pose, light and place.

    Args:
        characters: How many.

    Returns:
        ``identity_top1``, the share of portraits whose nearest reference by cosine is their own, a face that was not
        found counting as wrong; ``faces_found``, the share of all pictures in which there was a face;
        ``identity_same`` and ``identity_other``, the mean cosine of one character's two pictures and of two
        characters' pictures.
    """
    models = mini_faces()
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + characters)
    known = known_characters(models, characters)
    asked = torch.stack([_unit(models, portrait(seed)) for seed in seeds])
    found = torch.cat([known, asked]).any(-1)
    cosines = asked @ known.T
    own = torch.arange(characters)
    right = (cosines.argmax(-1) == own) & found[:characters] & found[characters:]
    return {
        "identity_top1": float(right.float().mean()),
        "faces_found": float(found.float().mean()),
        "identity_same": float(cosines.diagonal().mean()),
        "identity_other": float(cosines[~torch.eye(characters, dtype=torch.bool)].mean()),
    }


def mini_faces() -> FaceModels:
    """Load Mini's face models."""
    bundled = load_manifest().get("mini-face").bundled_path
    assert bundled is not None
    return load_face_models(bundled)


def known_characters(models: FaceModels, characters: int) -> Tensor:
    """Give the embeddings of held-out characters' references, (C, 512) of length 1."""
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + characters)
    return torch.stack([_unit(models, draw_reference(seed, REFERENCE)) for seed in seeds])


def recognised(models: FaceModels, frames: Tensor, known: Tensor) -> Tensor:
    """Give the cosines of who is in a video to each of those known.

    Args:
        models: Look at every frame's largest face; what they see is averaged.
        frames: (F, 3, H, W) in [0, 1].
        known: (C, 512) of length 1.

    Returns:
        (C,); zeros where there is no face in any frame.
    """
    seen = torch.stack([_unit(models, frame[None]) for frame in frames]).sum(0)
    return known @ F.normalize(seen, dim=0)


def portrait(seed: int) -> Tensor:
    """Draw a held-out character's head and shoulders elsewhere than its reference, (1, 3, H, W) in [0, 1]."""
    world = make_world(seed)
    there = replace(world, light=make_light(seed + ELSEWHERE), scene=make_scene(seed + ELSEWHERE))
    motion = make_motion(seed + ELSEWHERE, np.zeros(1))
    skeleton = pose_skeleton(world.character, motion)
    camera = portrait_camera(skeleton.joints["head"][0], skeleton.head_radius, HEAD_SHARE, DISTANCE_M)
    return render_clip(there, np.zeros(1), Fraction(1), PROBE, camera, motion).frames


def _unit(models: FaceModels, picture: Tensor) -> Tensor:
    """Give the largest face's embedding with length 1, (512,); zeros where there is no face."""
    found = models.find(picture[0])
    return F.normalize(found[0].embedding, dim=0) if found else torch.zeros(512)
