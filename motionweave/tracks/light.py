"""Light tracks: order-2 spherical harmonics over time, and the ways to change them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..types import check_shape
from .base import check_window, resampled_length
from .linear_light import LUMINANCE, linear_from_srgb
from .spherical_harmonics import project_equirect, rotate
from .timeline import Curve, Easing, Keyframe


@dataclass(frozen=True)
class LightTrack:
    """Light on a clock. A light that does not change is a track of one frame; `held` makes it as long as needed."""

    coefficients: Tensor
    """(F, 9, 3) float32 radiance coefficients; axes and order as in `spherical_harmonics`."""
    fps: Fraction
    """Frames per second."""

    def __post_init__(self) -> None:
        """Check the shape once."""
        check_shape("light", self.coefficients, "F 9 3")
        if self.fps <= 0 or not len(self.coefficients):
            raise InputError(f"a light of {len(self.coefficients)} frames at {self.fps} fps came; expected one or more")

    def __len__(self) -> int:
        """Count the frames."""
        return self.coefficients.shape[0]

    def resample(self, fps: Fraction) -> LightTrack:
        """Give the same light at another frame rate.

        Light changes continuously: a frame is the light at its moment, and between two frames it is blended by time.
        After the last frame it holds.
        """
        if fps == self.fps:
            return self
        step = self.fps / fps
        whole = [
            divmod(i * step.numerator, step.denominator) for i in range(resampled_length(len(self), self.fps, fps))
        ]
        before = torch.tensor([index for index, _ in whole])
        share = torch.tensor([rest / step.denominator for _, rest in whole])[:, None, None]
        after = (before + 1).clamp(max=len(self) - 1)
        return LightTrack(torch.lerp(self.coefficients[before], self.coefficients[after], share), fps)

    def window(self, start: int, stop: int) -> LightTrack:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return LightTrack(self.coefficients[start:stop], self.fps)

    def held(self, frame_count: int) -> LightTrack:
        """Give the light at a length: cut, or its last frame held."""
        index = torch.arange(frame_count).clamp(max=len(self) - 1)
        return LightTrack(self.coefficients[index], self.fps)


def light_track(coefficients: np.ndarray, fps: Fraction = Fraction(24)) -> LightTrack:
    """Give a light, (9, 3), or lights over time, (F, 9, 3), as a track."""
    values = coefficients if coefficients.ndim == 3 else coefficients[None]
    return LightTrack(torch.from_numpy(np.ascontiguousarray(values)).float(), fps)


def direction_of(azimuth: float, elevation: float) -> np.ndarray:
    """Give the unit vector toward a light.

    Args:
        azimuth: Degrees around the character: 0 from the viewer, 90 from the picture's right, -90 from its left, 180
            from behind.
        elevation: Degrees above the horizon: 90 from straight above, -90 from below.

    Returns:
        (3,).
    """
    turn, height = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(turn) * np.cos(height), np.sin(height), np.cos(turn) * np.cos(height)])


def dominant_direction(coefficients: np.ndarray) -> np.ndarray:
    """Give where most light comes from, a unit vector (3,).

    It is that of the first order of the luminance: the direction in which a matte surface catches most, and the exact
    direction of a single light over any ambient one (Ramamoorthi and Hanrahan 2001; Sloan, "Stupid Spherical Harmonics
    Tricks", 2008, "optimal linear direction").

    Args:
        coefficients: (9, 3) light.

    Raises:
        InputError: If the light comes from everywhere alike.
    """
    first = coefficients[[3, 1, 2]] @ LUMINANCE
    length = float(np.linalg.norm(first))
    if length < 1e-6 * max(1e-12, float(np.abs(coefficients).max())):
        raise InputError("the light comes from everywhere alike and has no direction; add a light from one side")
    return first / length


def about_vertical(degrees: float) -> np.ndarray:
    """Give the (3, 3) rotation about the vertical that turns the viewer's side toward the picture's right."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def turn_light(track: LightTrack, degrees: Callable[[int], float]) -> LightTrack:
    """Turn each frame about the vertical.

    Args:
        track: The light.
        degrees: Gives each frame's angle; positive turns from the viewer toward the picture's right.
    """
    lights = enumerate(track.coefficients.double().numpy())
    return light_track(np.stack([rotate(light, about_vertical(degrees(i))) for i, light in lights]), track.fps)


def scale_light(track: LightTrack, strength: Curve) -> LightTrack:
    """Multiply a light by a strength over time, read on the track's clock."""
    factor = torch.from_numpy(strength.sample(0, len(track), track.fps)).float()
    if bool((factor < 0).any()):
        raise InputError(f"a light's strength falls to {float(factor.min()):g}; expected 0 or more")
    return LightTrack(track.coefficients * factor[:, None, None], track.fps)


@dataclass(frozen=True)
class LightAnimation:
    """How a light goes from one to another."""

    seconds: float
    """Length."""
    easing: Easing = "ease"
    """How the change begins and ends; the turn is steady."""
    turn_degrees: float = 0.0
    """Turn about the vertical over the whole length; 360 comes round so that the video loops."""
    fps: Fraction = Fraction(24)
    """Frames per second."""


def animate_light(first: LightTrack, last: LightTrack, animation: LightAnimation) -> LightTrack:
    """Blend from one light to another, and turn it on the way.

    Args:
        first: Its first frame is where the animation starts.
        last: Its last frame is where it ends, reached in the last frame.
        animation: How long and how.

    Raises:
        InputError: If the length is shorter than a frame.
    """
    count = round(animation.seconds * animation.fps)
    if count < 1:
        raise InputError(f"{animation.seconds:g} s at {animation.fps} fps is less than a frame; give more seconds")
    curve = Curve((Keyframe(0.0, 0.0, animation.easing), Keyframe(1.0, 1.0)))
    share = torch.tensor([curve.at(i / max(1, count - 1)) for i in range(count)])[:, None, None]
    blended = LightTrack(torch.lerp(first.coefficients[:1], last.coefficients[-1:], share), animation.fps)
    if not animation.turn_degrees:
        return blended
    return turn_light(blended, lambda frame: animation.turn_degrees * frame / count)


def light_from_panorama(panorama: Tensor, stops: float = 0.0, turn_degrees: float = 0.0) -> LightTrack:
    """Read the light of surroundings; several panoramas become a light over time.

    Args:
        panorama: (F, 3, H, W) sRGB in [0, 1], equirectangular; its middle is behind the character, its borders meet at
            the viewer. White all around gives a shading of 1. What is brighter than white, such as the sun, is clipped
            in such a picture, so real sunshine comes out weaker.
        stops: Brightness: each stop doubles it.
        turn_degrees: Turns the surroundings from the viewer toward the picture's right.

    Raises:
        InputError: If a panorama is not twice as wide as high.
    """
    check_shape("panorama", panorama, "F 3 H W")
    lights = [project_equirect(linear_from_srgb(frame.movedim(0, -1).double()).numpy()) for frame in panorama]
    return turn_light(light_track(np.stack(lights) * 2.0**stops), lambda _: turn_degrees)
