"""Pose control: pose maps through a ControlNet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import torch
from torch import Tensor

from ..backbones.base import ActiveControl, Conditioning
from ..errors import InputError
from ..tracks.pose import PoseTrack
from ..tracks.timeline import Curve
from ..types import Window, float_pixels
from .controlnet import LoadedControlNet


@dataclass(frozen=True)
class PoseControl:
    """A pose track drawn as pose maps and read by a ControlNet."""

    controlnet: LoadedControlNet
    """The network and its digest."""
    track: PoseTrack
    """Poses, already on the video's frame rate."""
    strength: float | Curve = 1.0
    """Factor on the ControlNet's residuals, or a curve of it over the video's seconds; 0 changes nothing."""
    active: tuple[float, float] = (0.0, 1.0)
    """Part of the schedule in which it acts."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        keyframes = self.strength.keyframes if isinstance(self.strength, Curve) else ()
        for value in [key.value for key in keyframes] or [self.strength]:
            if not 0 <= cast(float, value) <= 10:
                raise InputError(f"a pose strength of {value} was given; expected 0 to 10, usually 0.5 to 1.5")
        if not 0 <= self.active[0] <= self.active[1] <= 1:
            raise InputError(
                f"the pose was to act from {self.active[0]} to {self.active[1]} of the schedule; expected two numbers "
                "in order between 0 and 1"
            )

    @property
    def module(self) -> torch.nn.Module:
        """The ControlNet."""
        return self.controlnet.net

    @property
    def frame_count(self) -> int:
        """Frames of the video that it covers."""
        return len(self.track)

    def resample(self, fps: Fraction) -> PoseControl:
        """Give the same control on another frame rate."""
        return replace(self, track=self.track.resample(fps))

    def _strength_over(self, window: Window) -> Tensor:
        """Give the strength in each of a window's frames, read on the video's own clock."""
        if isinstance(self.strength, Curve):
            return torch.from_numpy(self.strength.sample(window.start, window.stop, self.track.fps)).float()
        return torch.full((window.frame_count,), self.strength)

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Add the ControlNet with the window's pose maps.

        Args:
            conditioning: What there is so far.
            window: Frames of the video.

        Returns:
            The same with one more control; the very same where the strength is 0 in every frame.

        Raises:
            InputError: If the track ends before the window.
        """
        strength = self._strength_over(window)
        if not strength.any():
            return conditioning
        if window.stop > len(self.track):
            raise InputError(
                f"the pose track has {len(self.track)} frames, but {window} are asked for; plan a shorter video or "
                "give a longer driving video"
            )
        maps = self.track.window(window.start, window.stop).drawn(conditioning.identity.size)
        control = ActiveControl(
            net=self.controlnet.net,
            digest=self.controlnet.digest,
            signal=(float_pixels(maps) * 2 - 1,),
            strength=strength,
            active=self.active,
        )
        return replace(conditioning, controls=(*conditioning.controls, control))
