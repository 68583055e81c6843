"""Speech control: what is heard around each frame, read where the face is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from torch import Tensor

from ..backbones.base import Conditioning
from ..errors import InputError
from ..tracks.face_region import face_regions, require_faces
from ..tracks.pose import KeypointTrack
from ..tracks.speech import SPEECH_OFFSETS_S
from ..types import Size, Window
from .base import TrackControl


@dataclass(frozen=True)
class SpeechControl(TrackControl):
    """A speech track, and the pose track that says where the face is."""

    name: ClassVar[str] = "speech"
    reads: ClassVar[str | None] = "SpeechProjector"
    moving: ClassVar[int] = 2
    pose: KeypointTrack | None = None
    """Where the face is, already on the video's frame rate; must be there."""

    def __post_init__(self) -> None:
        """Check that model and speech fit, and that there is a face."""
        super().__post_init__()
        if self.pose is None:
            raise InputError("speech needs to know where the face is: give the pose track that the video follows")
        require_faces(self.pose)
        wanted, came = self.network.net.config, self.track.states.shape[1:]
        if came != (wanted["states"], wanted["channels"]):
            raise InputError(
                f"the speech track has {came[0]} layers of {came[1]} numbers; this projector was trained on "
                f"{wanted['states']} of {wanted['channels']}. Encode the speech with the model that belongs to it"
            )

    @property
    def frame_count(self) -> int:
        """Frames of the video that both tracks cover."""
        return min(len(self.track), len(self._pose))

    @property
    def _pose(self) -> KeypointTrack:
        assert self.pose is not None  # checked when it was made
        return self.pose

    def resample(self, fps: Fraction) -> SpeechControl:
        """Give the same control on another frame rate."""
        return replace(self, track=self.track.resample(fps), pose=self._pose.resample(fps))

    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give what is heard, (F, W, L, D), and where the face is, (F, h, w)."""
        height, width = conditioning.identity.image_latents.shape[-2:]
        heard = self.track.window(window.start, window.stop).around(SPEECH_OFFSETS_S)
        return heard, face_regions(self._pose.window(window.start, window.stop), Size(width, height))

    def source(self, window: Window, signal: tuple[Tensor, ...]) -> str | None:
        """Hash the sound around the window, and where the face is."""
        heard = self.track.window(window.start, window.stop).digest(SPEECH_OFFSETS_S)
        if heard is None:
            return None
        return hashlib.sha256(heard.encode() + signal[1].contiguous().numpy().tobytes()).hexdigest()
