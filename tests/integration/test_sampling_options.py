"""Every choice of how to sample makes another video, so it makes the chunks again; the same choice reuses them."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.engine import MotionWeaveEngine
from motionweave.longform.plan import plan_chunks
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.types import Size

OPTIONS = DenoiseOptions(2, Guidance(1.0))


@pytest.fixture(scope="module")
def request_made(tiny_backbone, tmp_path_factory):
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        identity = tiny_backbone.encode_image(picture, Size(32, 32), 0.02, 0)
    plan = plan_chunks(tiny_backbone.facts, 4, Fraction(7))
    request = Request(tiny_backbone, identity, (), plan, OPTIONS, 3, tmp_path_factory.mktemp("run"))
    return request


def reused(request) -> list[bool]:
    folders = Folders(Path("input"), Path("output"), Path("temp"))
    with torch.no_grad():
        return [made.reused for made in MotionWeaveEngine(request, LocalRuntime(folders)).generate()]


@pytest.mark.parametrize(
    "changes",
    [
        {"sampler": "dpmpp_2m"},
        {"schedule": "align_your_steps"},
        {"cache_threshold": 0.1},
        {"guidance": Guidance(1.0, control=2.0)},
    ],
)
def test_another_choice_is_another_video(request_made, changes):
    other = replace(request_made, options=replace(OPTIONS, **changes))
    reused(request_made)
    assert (reused(request_made), reused(other), reused(other)) == ([True], [False], [True])
