"""What a run is asked to make, checked once, at the border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from torch import nn

from .backbones.base import Backbone, Identity, ImageRole, Work
from .controls.base import Control
from .errors import InputError
from .longform.drift import DriftSettings
from .longform.plan import ChunkPlan
from .residency import Need
from .sampling import DenoiseOptions

IMAGE_ROLES = ("auto", *get_args(ImageRole))
"""What a run may take the picture for."""

SMALLEST_TILE = 64
"""Least side of a decoded tile, in pixels: below it, a tile is mostly overlap."""


@dataclass(frozen=True)
class Request:
    """One video to make."""

    backbone: Backbone
    """The generative core."""
    identity: Identity
    """Who."""
    controls: tuple[Control, ...]
    """What should happen, in the order in which it is applied."""
    plan: ChunkPlan
    """How the video is cut."""
    options: DenoiseOptions
    """Steps and guidance."""
    seed: int
    """Seeds the noise."""
    folder: Path
    """The run directory."""
    motion_bucket: float = 127.0
    """SVD's measure of how much moves, 0 to 255."""
    decode_frames: int = 0
    """Frames decoded together; 0 for the backbone's default."""
    decode_tile: int = 0
    """Side of the picture's tiles that are decoded together, in pixels; 0 for whole pictures."""
    image_role: str = "auto"
    """What the picture is to the backbone, `first_frame` or `reference`; `auto` for what it was trained with."""
    drift: DriftSettings = field(default_factory=DriftSettings)
    """How drift of colours is taken back when the chunks are read."""

    @property
    def drawn_from(self) -> ImageRole:
        """What the picture is to the backbone in this run."""
        return self.backbone.facts.image_role if self.image_role == "auto" else cast(ImageRole, self.image_role)

    def needs(self, nets: Sequence[nn.Module], anchored: int = 0) -> tuple[Need, ...]:
        """Predict what the stages of a window take; encoding came before, and its modules may go.

        Args:
            nets: The controls' networks that act together.
            anchored: Frames that are denoised beside the window's own.
        """
        backbone = self.backbone
        work = Work(
            size=self.identity.size,
            frames=max(window.frame_count for window in self.plan.windows()) + anchored,
            passes=len(self.options.guidance.passes),
            controls=len(nets),
            decode_frames=self.decode_frames,
            decode_tile=self.decode_tile,
        )
        working = backbone.working_bytes(work)
        return (
            Need("encode", (backbone.autoencoder, backbone.image_encoder), working.encode),
            Need("denoise", (backbone.denoiser, *nets), working.denoise),
            Need("decode", (backbone.autoencoder,), working.decode),
        )

    def __post_init__(self) -> None:
        """Refuse what would fail, or quietly go wrong, hours later."""
        frame_count = self.plan.frame_count
        for control in self.controls:
            if control.frame_count < frame_count:
                raise InputError(
                    f"the plan has {frame_count} frames, but a control covers only {control.frame_count} frames at "
                    f"{float(self.plan.fps):g} fps; plan at most {control.frame_count} frames or give a longer track"
                )
        if self.options.guidance.first is not None and len(self.plan) > 1:
            raise InputError(
                "a guidance ramp was asked for over several windows, where it would jump back at every join; use a "
                "constant scale, or plan a single window"
            )
        if self.plan.together:
            self._check_together()
        if self.image_role not in IMAGE_ROLES:
            raise InputError(f"an image role of '{self.image_role}' was given; known are {', '.join(IMAGE_ROLES)}")
        if not 0 <= self.motion_bucket <= 255:
            raise InputError(f"a motion bucket of {self.motion_bucket} was given; expected 0 to 255, usually 127")
        if self.decode_tile and self.decode_tile < SMALLEST_TILE:
            raise InputError(
                f"decoding in tiles of {self.decode_tile} pixels was asked for; give 0 for whole pictures, or at least "
                f"{SMALLEST_TILE}"
            )
        if not 0 <= self.seed < 2**63:
            raise InputError(f"a seed of {self.seed} was given; expected 0 to {2**63 - 1}")

    def _check_together(self) -> None:
        """Refuse what windows that are denoised together cannot do."""
        if self.options.cache_threshold:
            raise InputError(
                f"step caching ({self.options.cache_threshold:g}) was asked for with the context "
                f"'{self.plan.context}': it would have to keep every window's last step in memory; set it to 0, or the "
                "context to 'sequential'"
            )
        if self.drawn_from == "first_frame" and len(self.plan) > 1:
            raise InputError(
                f"the context '{self.plan.context}' was asked for with a backbone that takes the picture for the first "
                "frame, so that every window would begin with it; use 'sequential', or, if the backbone was tuned to "
                "see the picture as a character in any pose, set image_role to 'reference'"
            )
