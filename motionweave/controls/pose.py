"""Pose control: pose maps through a ControlNet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import torch

from ..backbones.base import Conditioning, ResidualControl
from ..errors import InputError
from ..tracks.pose import PoseTrack
from ..types import Window, float_pixels
from .controlnet import LoadedControlNet


@dataclass(frozen=True)
class PoseControl:
    """A pose track drawn as pose maps and read by a ControlNet."""

    controlnet: LoadedControlNet
    """The network and its digest."""
    track: PoseTrack
    """Poses, already on the video's frame rate."""
    strength: float = 1.0
    """Factor on the ControlNet's residuals; 0 changes nothing."""
    active: tuple[float, float] = (0.0, 1.0)
    """Part of the schedule in which it acts."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if not 0 <= self.strength <= 10:
            raise InputError(f"a pose strength of {self.strength} was given; expected 0 to 10, usually 0.5 to 1.5")
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

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Add the ControlNet with the window's pose maps.

        Args:
            conditioning: What there is so far.
            window: Frames of the video.

        Returns:
            The same with one more residual control; the very same where the strength is 0.

        Raises:
            InputError: If the track ends before the window.
        """
        if self.strength == 0:
            return conditioning
        if window.stop > len(self.track):
            raise InputError(
                f"the pose track has {len(self.track)} frames, but {window} are asked for; plan a shorter video or "
                "give a longer driving video"
            )
        maps = self.track.window(window.start, window.stop).drawn(conditioning.identity.size)
        control = ResidualControl(
            net=self.controlnet.net,
            digest=self.controlnet.digest,
            pictures=float_pixels(maps) * 2 - 1,
            strength=torch.full((window.frame_count,), self.strength),
            active=self.active,
        )
        return replace(conditioning, residuals=(*conditioning.residuals, control))
