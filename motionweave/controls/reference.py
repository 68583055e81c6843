"""Reference control: the UNet attends to what a ReferenceNet sees in the reference pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..backbones.base import Conditioning, Identity
from ..errors import InputError
from .still import StillControl


@dataclass(frozen=True)
class ReferenceControl(StillControl):
    """A ReferenceNet and the pictures that it reads; they are read once a run."""

    name: ClassVar[str] = "reference"
    pictures: tuple[Identity, ...] = ()
    """Pictures of the character as the backbone sees them, all of one size; without any, the run's own reference."""

    def __post_init__(self) -> None:
        """Check numbers and sizes once."""
        super().__post_init__()
        sizes = sorted({str(picture.size) for picture in self.pictures})
        if len(sizes) > 1:
            raise InputError(f"references of the sizes {', '.join(sizes)} were given; expected all of one size")

    def signal(self, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give image latents, (N, 4, h, w), and image tokens, (N, T, D)."""
        pictures = self.pictures or (conditioning.identity,)
        return torch.stack([each.image_latents for each in pictures]), torch.stack([each.tokens for each in pictures])
