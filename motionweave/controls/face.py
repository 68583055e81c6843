"""Face control: who it is, from a face recogniser, as tokens beside the image's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..errors import InputError
from ..tracks.face import FaceIdentity
from .still import StillControl


@dataclass(frozen=True)
class FaceControl(StillControl):
    """A face adapter and the face that it is told of."""

    name: ClassVar[str] = "face"
    face: FaceIdentity | None = None
    """Whose; must be there."""

    def __post_init__(self) -> None:
        """Check numbers, and that there is a face."""
        super().__post_init__()
        if self.face is None:
            raise InputError("a face adapter was given no face; connect Encode Face")

    def signal(self, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give the recogniser's embedding, (1, E), and the run's image tokens, (1, T, D)."""
        assert self.face is not None  # checked when it was made
        return self.face.embedding[None], conditioning.identity.tokens[None]
