"""Who a face is: ArcFace embeddings of one or several reference pictures."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..types import check_shape
from .face_models import Face, FaceModels
from .preview import INK, contact_sheet

logger = logging.getLogger(__name__)

SAME_PERSON = 0.3
"""Cosine below which two references are more likely two people; between 0.25 and 0.4 in use for ArcFace packs."""
CAPTION_PX = 14


@dataclass(frozen=True)
class FaceIdentity:
    """A face, from one reference picture or several."""

    embedding: Tensor
    """(512,): one reference's as the recogniser gives it, which published face adapters expect; of several the mean
    direction, weighted by detection score, with their mean length."""
    references: tuple[Face, ...]
    """The face of each picture."""
    agreement: float
    """Lowest cosine between two references; 1 for a single one."""
    models: str
    """Name of the pack that made it."""
    models_digest: str
    """Hash of that pack; embeddings of two packs cannot be compared."""
    digest: str
    """Hash of the pack and the pictures, for chunk keys."""

    @property
    def normalised(self) -> Tensor:
        """(512,) of length 1; the dot product of two is their cosine."""
        return F.normalize(self.embedding, dim=0)

    @property
    def score(self) -> float:
        """How sure the detector is of the least sure reference, in [0, 1]."""
        return min(face.score for face in self.references)

    @property
    def box(self) -> Tensor:
        """(4,) pixels: the first reference's x0, y0, x1, y1."""
        return self.references[0].box

    @property
    def points(self) -> Tensor:
        """(5, 2) pixels: the first reference's eyes, nose and corners of the mouth."""
        return self.references[0].points

    def similarity(self, other: FaceIdentity) -> float:
        """Give the cosine to another face of the same pack.

        Raises:
            InputError: If the other comes from another pack.
        """
        if self.models_digest != other.models_digest:
            raise InputError(f"faces of {self.models} and {other.models} cannot be compared; encode both with one pack")
        return float(self.normalised @ other.normalised)


def encode_face(models: FaceModels, pictures: Tensor, which: int = 0) -> FaceIdentity:
    """Encode the face of one or several reference pictures of the same person.

    Args:
        models: Detector and recogniser.
        pictures: (F, 3, H, W) in [0, 1], at least one.
        which: Which face of each picture, from 0 for the largest.

    Returns:
        The identity; a warning is logged where two references look like two people.

    Raises:
        InputError: If a picture shows no face, or fewer than asked for.
    """
    check_shape("pictures", pictures, "F 3 H W")
    references = tuple(_chosen(models, pictures, index, which) for index in range(len(pictures)))
    lowest = _lowest_cosine(references)
    if lowest < SAME_PERSON:
        logger.warning(
            "the reference pictures look like different people (lowest cosine %.2f; below %.2f is rarely one person): "
            "the identity is a mixture of them; take out the picture that differs",
            lowest,
            SAME_PERSON,
        )
    digest = hashlib.sha256(models.digest.encode())
    digest.update(f"{which} {tuple(pictures.shape)}".encode())
    digest.update(pictures.contiguous().numpy().tobytes())
    return FaceIdentity(mean_embedding(references), references, lowest, models.name, models.digest, digest.hexdigest())


def mean_embedding(references: tuple[Face, ...]) -> Tensor:
    """Average embeddings on the unit sphere, weighted by detection score, (512,); a single one stays as it is."""
    if len(references) == 1:
        return references[0].embedding
    embeddings = torch.stack([face.embedding for face in references])
    weights = torch.tensor([face.score for face in references])
    weights = weights / weights.sum()
    direction = F.normalize((weights[:, None] * F.normalize(embeddings, dim=-1)).sum(0), dim=0)
    return direction * (weights * embeddings.norm(dim=-1)).sum()


def face_sheet(identity: FaceIdentity, columns: int = 6) -> Tensor:
    """Draw what the recogniser saw: every reference's aligned face over its detection score.

    Args:
        identity: The face.
        columns: Faces in a row.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    from PIL import Image, ImageDraw

    cells: list[Tensor] = []
    for face in identity.references:
        band = Image.new("RGB", (face.crop.shape[-1], CAPTION_PX))
        ImageDraw.Draw(band).text((3, 1), f"score {face.score:.2f}", fill=INK)
        caption = torch.from_numpy(np.array(band)).permute(2, 0, 1).float() / 255  # 3 h W
        cells.append(torch.cat([face.crop, caption], 1))
    shown = min(columns, len(cells))
    return contact_sheet(torch.stack(cells), shown, 2 * shown * cells[0].shape[-1])


def _chosen(models: FaceModels, pictures: Tensor, index: int, which: int) -> Face:
    found = models.find(pictures[index])
    place = f"reference picture {index + 1} of {len(pictures)}" if len(pictures) > 1 else "the reference picture"
    if not found:
        raise InputError(
            f"no face was found in {place} ({pictures.shape[-1]}x{pictures.shape[-2]} px); give one in which a face is "
            "seen from the front or the side, at least 30 pixels wide and not cut off"
        )
    if which >= len(found):
        raise InputError(
            f"face {which} was asked for, but {place} shows {len(found)}, numbered from 0 for the largest; "
            f"choose 0 to {len(found) - 1}"
        )
    return found[which]


def _lowest_cosine(references: tuple[Face, ...]) -> float:
    units = [F.normalize(face.embedding, dim=0) for face in references]
    return min((float(first @ second) for first, second in combinations(units, 2)), default=1.0)
