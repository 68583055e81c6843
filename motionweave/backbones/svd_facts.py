"""What is known about SVD and its siblings: from their configs, from their names, and from a file beside them."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..types import Size
from .base import BackboneFacts

SVD_XT_FACTS = BackboneFacts(
    name="SVD-XT",
    window=25,
    chunk_frames=17,
    overlap=8,
    fps=Fraction(7),
    size=Size(1024, 576),
    spatial_multiple=64,
    spatial_compression=8,
    temporal_compression=1,
    latent_channels=4,
    image_role="first_frame",
    context_sigma=float("inf"),
    steps=25,
    guidance=2.5,
    noise_augmentation=0.02,
)
"""What holds for the published SVD-XT; a ``motionweave.json`` beside a model's folders overrules it field by field."""

SVD_FACTS = replace(SVD_XT_FACTS, name="SVD", window=14, chunk_frames=10, overlap=4)
"""The first SVD: the same networks, trained on 14 frames."""

SVD_XT_1_1_FACTS = replace(SVD_XT_FACTS, name="SVD-XT 1.1", fps=Fraction(6))
"""SVD-XT tuned at 6 frames per second."""

_NAMES_XT = re.compile(r"svd|stable.?video|img2vid", re.IGNORECASE)
_NAMES_1_1 = re.compile(r"xt[-_. ]?v?1[-_.]1", re.IGNORECASE)


def facts_by_name(name: str) -> BackboneFacts:
    """Tell SVD's siblings apart by the name of their file or folder; nothing in the weights does.

    Assumed: a name that says SVD without "xt" is the first one, of 14 frames; with "xt" and "1.1" (or 1_1, 1-1) it is
    1.1; every other name is SVD-XT, as nearly every fine-tune and merge is made from it.
    """
    if _NAMES_1_1.search(name):
        return SVD_XT_1_1_FACTS
    return SVD_FACTS if _NAMES_XT.search(name) and "xt" not in name.lower() else SVD_XT_FACTS


def read_facts(folder: Path) -> BackboneFacts:
    """Read what is known about a model in a folder: its sibling's facts, overruled by its ``motionweave.json``.

    The UNet's config says how many frames it was trained on, the folder's name whether it is 1.1.

    Raises:
        InputError: If that file names a fact that does not exist.
    """
    facts = _published(folder)
    path = folder / "motionweave.json"
    if not path.is_file():
        return facts
    own: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    known = [field.name for field in fields(BackboneFacts)]
    unknown = sorted(set(own) - set(known))
    if unknown:
        raise InputError(f"{path} has unknown facts: {', '.join(unknown)}; known are {', '.join(known)}")
    if "fps" in own:
        own["fps"] = Fraction(own["fps"])
    if "size" in own:
        own["size"] = Size(*own["size"])
    return replace(facts, **own)


def _published(folder: Path) -> BackboneFacts:
    config = folder / "unet/config.json"
    frames = json.loads(config.read_text(encoding="utf-8")).get("num_frames") if config.is_file() else None
    if frames == SVD_FACTS.window:
        return SVD_FACTS
    return SVD_XT_1_1_FACTS if _NAMES_1_1.search(folder.name) else SVD_XT_FACTS
