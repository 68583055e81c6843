"""What several of the runs begin with."""

import pytest
import torch

from motionweave.types import Size


@pytest.fixture(scope="session")
def identity(tiny_backbone):
    """A reference of 32 pixels, as the tiny backbone sees it."""
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return tiny_backbone.encode_image(picture, Size(32, 32), 0.02, 0)
