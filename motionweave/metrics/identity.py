"""Whether it is still the same character: cosines of identity embeddings.

Two kinds of models tell: a face pack (a detector and ArcFace), which sees people and only the face; and the backbone's
own CLIP image encoder, which sees the whole picture, so clothes and hair count, and to a degree background and pose.
Whoever reports a cosine says which (`Recogniser.name`); cosines of two models are not comparable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import check_shape

if TYPE_CHECKING:
    from ..backbones.base import Backbone
    from ..runtime import Runtime
    from ..tracks.face_models import FaceModels


class Recogniser(Protocol):
    """A model that tells characters apart."""

    @property
    def name(self) -> str:
        """What to call it in reports."""
        ...

    def embed(self, picture: Tensor) -> Tensor | None:
        """Say who is in a picture.

        Args:
            picture: (3, H, W) in [0, 1].

        Returns:
            (D,) of length 1; None where nobody is recognised.
        """
        ...


@dataclass(frozen=True)
class FaceRecogniser:
    """Looks at the largest face."""

    models: FaceModels
    """Detector and recogniser."""

    @property
    def name(self) -> str:
        """What to call it."""
        return f"face ({self.models.name})"

    def embed(self, picture: Tensor) -> Tensor | None:
        """Say whose the largest face is; None where there is no face."""
        found = self.models.find(picture)
        return F.normalize(found[0].embedding, dim=0) if found else None


@dataclass(frozen=True)
class PictureRecogniser:
    """Looks at the whole picture with the backbone's image encoder."""

    backbone: Backbone
    """Whose encoder."""
    runtime: Runtime
    """Has it on the device while it looks."""

    @property
    def name(self) -> str:
        """What to call it."""
        return f"picture ({self.backbone.facts.name}'s image encoder)"

    def embed(self, picture: Tensor) -> Tensor | None:
        """Say what the picture shows; there is always an answer."""
        check_shape("picture", picture, "3 H W")
        with self.runtime.resident((self.backbone.image_encoder,)), torch.inference_mode():
            return F.normalize(self.backbone.embed(picture[None])[0], dim=0)


def cosine(first: Tensor, second: Tensor) -> float:
    """Give the cosine of two embeddings of length 1, (D,)."""
    return float(first @ second)
