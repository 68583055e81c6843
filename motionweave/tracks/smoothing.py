"""Steady keypoints: short gaps filled, jitter taken out without taking the motion along.

The filter is the One-Euro filter (Casiez, Roussel and Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for
Noisy Input in Interactive Systems", CHI 2012): a low-pass whose cutoff rises with speed, so that a still joint is calm
and a fast one is not held back. It was made for live input, where only the past is known and some lag remains. Here the
whole track is there: it runs forwards and backwards and the two are averaged, so that lag and lead cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .keypoints import VISIBLE_ABOVE, Person
from .people import figure_box, link_people
from .pose import KeypointTrack
from .stacking import stack_people, unstack_people


@dataclass(frozen=True)
class SmoothOptions:
    """How a track is steadied."""

    cutoff_hz: float = 1.5
    """Cutoff for a joint at rest: lower is calmer. 0 turns the filter off."""
    speed_weight: float = 8.0
    """Hz that are added to the cutoff for each figure height per second at which a joint moves."""
    speed_cutoff_hz: float = 1.0
    """Cutoff of the speed itself, as in the paper."""
    fill_frames: int = 8
    """Longest gap that is filled, in frames; 0 fills none."""
    trusted_above: float = VISIBLE_ABOVE
    """Confidence above which a joint counts as seen."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if min(self.cutoff_hz, self.speed_weight, self.fill_frames) < 0 or self.speed_cutoff_hz <= 0:
            raise InputError(
                f"a cutoff of {self.cutoff_hz} Hz, a speed weight of {self.speed_weight}, a speed cutoff of "
                f"{self.speed_cutoff_hz} Hz and gaps of {self.fill_frames} frames were given; expected none below 0, "
                "and a speed cutoff above it"
            )


def fill_gaps(points: np.ndarray, fill_frames: int, trusted_above: float = VISIBLE_ABOVE) -> np.ndarray:
    """Fill short gaps between two good sightings along a straight line.

    Args:
        points: (F, J, 3) x, y, confidence.
        fill_frames: Longest gap, in frames; a longer one stays as it is, as do those at either end.
        trusted_above: Confidence above which a point counts as seen.

    Returns:
        (F, J, 3). A filled point's confidence lies half as far above the threshold as its neighbours' do, so that it is
        still drawn.
    """
    count = len(points)
    seen = points[..., 2] > trusted_above
    times = np.arange(count)[:, None]
    before = np.maximum.accumulate(np.where(seen, times, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, times, count)[::-1], axis=0)[::-1]
    gap = after - before - 1
    frames, joints = np.nonzero(~seen & (before >= 0) & (after < count) & (gap <= fill_frames))
    start, stop = before[frames, joints], after[frames, joints]
    share = ((frames - start) / (stop - start))[:, None]
    between = (1 - share) * points[start, joints] + share * points[stop, joints]
    between[:, 2] = trusted_above + (between[:, 2] - trusted_above) / 2
    filled = points.copy()
    filled[frames, joints] = between
    return filled


def _rate(cutoff_hz: np.ndarray | float, fps: float) -> np.ndarray | float:
    """Give the share of a new value that a first-order low-pass takes (Casiez et al. 2012, equations 5 and 6)."""
    return 1 / (1 + fps / (2 * math.pi * cutoff_hz))


def one_euro(values: np.ndarray, seen: np.ndarray, fps: float, options: SmoothOptions, unit: float = 1.0) -> np.ndarray:
    """Run the One-Euro filter over time, every joint by itself.

    Args:
        values: (F, J, 2) positions in pixels.
        seen: (F, J) where they count. A joint that comes back after an absence starts anew, where it is.
        fps: Frames per second.
        options: Cutoffs.
        unit: Pixels in which speed is counted, such as the figure's height.

    Returns:
        (F, J, 2); what is not seen comes back as it was.

    Source: Casiez et al. 2012, algorithm 1; speed is the length of the joint's motion rather than each axis by itself,
        so that the result does not depend on how the picture is turned.
    """
    smooth = values.copy()
    speed = np.zeros_like(values[0])
    slow = _rate(options.speed_cutoff_hz, fps)
    for frame in range(1, len(values)):
        known = seen[frame] & seen[frame - 1]
        step = (values[frame] - smooth[frame - 1]) * fps
        speed = np.where(known[:, None], speed + slow * (step - speed), 0.0)
        pace = np.hypot(speed[:, 0], speed[:, 1]) / unit
        taken = np.asarray(_rate(options.cutoff_hz + options.speed_weight * pace, fps))[:, None]
        followed = smooth[frame - 1] + taken * (values[frame] - smooth[frame - 1])
        smooth[frame] = np.where(known[:, None], followed, values[frame])
    return smooth


def steady(points: np.ndarray, fps: float, options: SmoothOptions, unit: float) -> np.ndarray:
    """Fill the gaps of one person's points and take out their jitter.

    Args:
        points: (F, J, 3) x, y, confidence.
        fps: Frames per second.
        options: How.
        unit: The figure's height in pixels.

    Returns:
        (F, J, 3).
    """
    filled = fill_gaps(points, options.fill_frames, options.trusted_above)
    if options.cutoff_hz == 0 or len(points) < 2:
        return filled
    seen = filled[..., 2] > options.trusted_above
    positions = filled[..., :2]
    forwards = one_euro(positions, seen, fps, options, unit)
    backwards = one_euro(positions[::-1], seen[::-1], fps, options, unit)[::-1]
    return np.concatenate([(forwards + backwards) / 2, filled[..., 2:]], -1)


def smooth_pose(track: KeypointTrack, options: SmoothOptions | None = None) -> KeypointTrack:
    """Steady everybody in a track, each person by itself.

    Args:
        track: The poses.
        options: How; the defaults suit figures that fill the picture at 24 to 60 frames per second.

    Returns:
        The same people with short gaps filled and jitter taken out; times and canvas stay.
    """
    options = options or SmoothOptions()
    frames: list[list[Person]] = [[] for _ in track.frames]
    for identity in link_people(track.frames):
        boxes = [figure_box(person) for person in identity.people if person is not None]
        unit = max(float(np.median([(box[2:] - box[:2]).max() for box in boxes])), 1.0)
        points = steady(stack_people(identity.people), float(track.fps), options, unit)
        for people, person in zip(frames, unstack_people(points, identity.people), strict=True):
            if person is not None:
                people.append(person)
    return replace(track, frames=tuple(tuple(people) for people in frames))
