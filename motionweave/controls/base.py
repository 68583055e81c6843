"""A control: a track, and the adapter that turns a window of it into conditioning."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from ..backbones.base import ActiveControl, Conditioning
from ..errors import InputError
from ..tracks.base import Track
from ..tracks.timeline import Curve
from ..types import Window

MOST = 10.0
"""Largest strength; beyond it there are only colours left."""


class Control(Protocol):
    """Something that says what should happen in the video."""

    @property
    def module(self) -> nn.Module | None:
        """The network it runs, so that the host can make room for it; None if it has none."""
        ...

    @property
    def frame_count(self) -> int:
        """Frames of the video that it covers."""
        ...

    def resample(self, fps: Fraction) -> Control:
        """Give the same control on another frame rate."""
        ...

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Give the conditioning with this control's part of the window added."""
        ...


class LoadedNetwork(Protocol):
    """A control's network, ready to run."""

    @property
    def net(self) -> Any:
        """An adapter for the backbone."""
        ...

    @property
    def digest(self) -> str:
        """Hash of its weights and config."""
        ...

    @property
    def unconditional(self) -> bool:
        """Whether passes without the image see it."""
        ...


def check_strength(name: str, strength: float | Curve, active: tuple[float, float]) -> None:
    """Refuse numbers that mean nothing.

    Args:
        name: What is controlled, for the message.
        strength: 0 to `MOST`, or a curve of it.
        active: Part of the schedule.

    Raises:
        InputError: If one is out of range.
    """
    keyframes = strength.keyframes if isinstance(strength, Curve) else ()
    for value in [key.value for key in keyframes] or [cast(float, strength)]:
        if not 0 <= value <= MOST:
            raise InputError(f"a {name} strength of {value} was given; expected 0 to {MOST:g}, usually 0.5 to 1.5")
    if not 0 <= active[0] <= active[1] <= 1:
        raise InputError(
            f"the {name} was to act from {active[0]} to {active[1]} of the schedule; expected two numbers in order "
            "between 0 and 1"
        )


def strength_over(strength: float | Curve, window: Window, fps: Fraction) -> Tensor:
    """Give the strength in each of a window's frames, read on the video's own clock, (F,)."""
    if isinstance(strength, Curve):
        return torch.from_numpy(strength.sample(window.start, window.stop, fps)).float()
    return torch.full((window.frame_count,), strength)


@dataclass(frozen=True)
class TrackControl:
    """A track read by an adapter; what the adapter is told of a window is up to each kind."""

    network: LoadedNetwork
    """The adapter and its digest."""
    track: Any
    """Already on the video's frame rate."""
    strength: float | Curve = 1.0
    """Factor on what the adapter adds, or a curve of it over the video's seconds; 0 changes nothing."""
    active: tuple[float, float] = (0.0, 1.0)
    """Part of the schedule in which it acts."""

    name: ClassVar[str]
    """What is controlled, for messages."""
    reads: ClassVar[str | None] = None
    """Class of the adapters that read such a track; None for any."""
    moving: ClassVar[int] = 1
    """How many of the signals, counted from the first, have a value for each frame."""

    def __post_init__(self) -> None:
        """Check numbers and network once."""
        check_strength(self.name, self.strength, self.active)
        given = type(self.network.net).__name__
        if self.reads not in (None, given):
            raise InputError(f"a {given} was given to read the {self.name}; expected a {self.reads}: load another file")

    @property
    def module(self) -> nn.Module:
        """The adapter."""
        return self.network.net

    @property
    def frame_count(self) -> int:
        """Frames of the video that it covers."""
        return len(self.track)

    def resample(self, fps: Fraction) -> TrackControl:
        """Give the same control on another frame rate."""
        return replace(self, track=cast(Track, self.track).resample(fps))

    def source(self, window: Window, signal: tuple[Tensor, ...]) -> str | None:
        """Hash what a window's signal was taken from, where that tells better what has changed; else None."""
        del window, signal
        return None

    @abstractmethod
    def signal(self, window: Window, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give what the adapter's `encode` reads for a window."""

    def anchor(self, conditioning: Conditioning) -> tuple[Tensor, ...]:
        """Give what it reads of the reference in its own pose; nothing where it was not trained with that."""
        del conditioning
        return ()

    def apply_to(self, conditioning: Conditioning, window: Window) -> Conditioning:
        """Add the adapter with the window's part of the track.

        Args:
            conditioning: What there is so far.
            window: Frames of the video.

        Returns:
            The same with one more control; the very same where the strength is 0 in every frame.

        Raises:
            InputError: If the track ends before the window.
        """
        strength = strength_over(self.strength, window, self.track.fps)
        if not strength.any():
            return conditioning
        if window.stop > self.frame_count:
            raise InputError(
                f"the {self.name} track has {self.frame_count} frames, but {window} are asked for; plan a shorter "
                "video or give a longer track"
            )
        signal, anchor = self.signal(window, conditioning), self.anchor(conditioning)
        return with_control(conditioning, self, strength, signal, anchor, self.source(window, signal))


class Acting(Protocol):
    """What every control that has an adapter knows."""

    moving: ClassVar[int]
    """How many of its signals, counted from the first, have a value for each frame."""

    @property
    def network(self) -> LoadedNetwork:
        """The adapter and its digest."""
        ...

    @property
    def active(self) -> tuple[float, float]:
        """Part of the schedule in which it acts."""
        ...


def with_control(
    conditioning: Conditioning,
    control: Acting,
    strength: Tensor,
    signal: tuple[Tensor, ...],
    anchor: tuple[Tensor, ...] = (),
    source: str | None = None,
) -> Conditioning:
    """Give the conditioning with one more control.

    Args:
        conditioning: What there is so far.
        control: Whose adapter.
        strength: (F,).
        signal: What the adapter's `encode` reads.
        anchor: What it reads of the reference in its own pose, where it was trained with that.
        source: Hash of what the signal was taken from, where that tells better what has changed.
    """
    added = ActiveControl(
        net=control.network.net,
        digest=control.network.digest,
        signal=signal,
        strength=strength,
        active=control.active,
        unconditional=control.network.unconditional,
        moving=control.moving,
        anchor=anchor,
        source=source,
    )
    return replace(conditioning, controls=(*conditioning.controls, added))
