"""A run as it is planned, which may still be one that would fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from ..backbones.base import Backbone, Identity
from ..controls.base import Control
from ..longform.plan import ChunkPlan
from ..request import Request
from ..sampling import DenoiseOptions
from ..tracks.pose import PoseTrack
from ..types import Audio, Size
from ..upscale.chunks import UpscaleOptions
from ..upscale.faces import FacePass
from ..upscale.model import UpscaleModel


@dataclass(frozen=True)
class PlannedRun:
    """What is to be made. Unlike a `Request` it may be wrong; finding that out is what it is for."""

    backbone: Backbone
    """The generative core."""
    identity: Identity
    """Who."""
    controls: tuple[Control, ...]
    """As they come, on their own frame rates."""
    plan: ChunkPlan
    """How the video is cut."""
    options: DenoiseOptions
    """Steps and guidance."""
    folder: Path
    """The run directory; need not be there."""
    audio: Audio | None = None
    """The sound of the finished video."""
    reference_pose: PoseTrack | None = None
    """The reference picture's own pose, its first frame."""
    upscale: int = 1
    """How many times larger the finished chunks are made, each way; 1 for as they are."""
    upscaler: UpscaleModel | None = None
    """What makes them larger, as far as it is known yet."""
    decode: tuple[int, int] = field(default=(0, 0))
    """Frames decoded together, and the side of the tiles, as in `Request`."""
    faces: FacePass | None = None
    """What makes faces anew while chunks are made larger."""

    @property
    def enlarging(self) -> UpscaleOptions:
        """How chunks are made larger."""
        return UpscaleOptions(self.upscale, faces=self.faces)

    @property
    def final_size(self) -> Size:
        """Size of the finished video."""
        size = self.identity.size
        return Size(size.width * self.upscale, size.height * self.upscale)

    @property
    def seconds(self) -> float:
        """Length of the video."""
        return float(self.plan.frame_count / self.plan.fps)

    @property
    def nets(self) -> tuple[nn.Module, ...]:
        """The controls' networks, one for each control that has one."""
        return tuple(control.module for control in self.controls if control.module is not None)

    def request(self, controls: tuple[Control, ...]) -> Request:
        """Give it as the engine takes it.

        Args:
            controls: Those to apply, on the plan's frame rate.

        Raises:
            InputError: If something about it would fail.
        """
        return Request(
            backbone=self.backbone,
            identity=self.identity,
            controls=controls,
            plan=self.plan,
            options=self.options,
            seed=0,
            folder=self.folder,
            decode_frames=self.decode[0],
            decode_tile=self.decode[1],
        )
