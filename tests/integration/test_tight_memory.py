"""Where the device has too little free, networks work in slices: the same frames, and a plan that says so."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch

from motionweave.controls import PoseControl
from motionweave.engine import MotionWeaveEngine
from motionweave.longform.plan import plan_chunks
from motionweave.models.slices import is_sliced
from motionweave.request import Request
from motionweave.residency import GIB
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size

FPS, SIZE = Fraction(7), Size(32, 32)


@dataclass(frozen=True)
class Tight(LocalRuntime):
    """A device with as much free as is said."""

    free: float = 0.0

    def _free_bytes(self, modules):
        del modules
        return int(self.free * GIB)


def made(backbone, controlnet, folder, free):
    with torch.inference_mode():
        identity = backbone.encode_image(torch.full((1, 3, 32, 32), 0.4), SIZE, 0.0, 0)
        maps = PoseMapFrames(torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(3)), FPS)
        request = Request(
            backbone=backbone,
            identity=identity,
            controls=(PoseControl(controlnet, maps),),
            plan=plan_chunks(backbone.facts, 6, FPS),
            options=DenoiseOptions(2, Guidance(1.0)),
            seed=1,
            folder=folder,
        )
        here = Folders(Path("input"), Path("output"), Path("temp"))
        engine = MotionWeaveEngine(request, Tight(here, free=free))
        for _ in engine.generate():
            pass
    return torch.stack(list(engine.store.frames())), engine.memory


def test_slices_are_taken_only_where_the_whole_does_not_fit_and_change_nothing(
    tiny_backbone, tiny_controlnet, tmp_path
):
    nets = tiny_backbone.unet, tiny_controlnet.net
    whole, plan = made(tiny_backbone, tiny_controlnet, tmp_path / "whole", 24)
    assert plan.fits
    assert not any(map(is_sliced, nets))
    sliced, plan = made(tiny_backbone, tiny_controlnet, tmp_path / "sliced", 1e-6)
    assert not plan.fits
    assert all(map(is_sliced, nets))
    assert int((sliced.int() - whole.int()).abs().max()) <= 1  # of 255: the order of sums is another
    made(tiny_backbone, tiny_controlnet, tmp_path / "again", 24)
    assert not any(map(is_sliced, nets))
