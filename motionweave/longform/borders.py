"""Borders that move a few frames to where they show least: where little moves, and little is heard."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..tracks.keypoints import VISIBLE_ABOVE, Person
from ..tracks.pose import KeypointTrack, PoseTrack
from ..types import Audio, Size, check_shape
from .plan import ChunkPlan

HOME = 0.1
"""What a border pays for standing as far from its even place as it may, in mean costs of the places it could have: so
that where nothing is gained, nothing moves."""

MAP_SIZE = Size(64, 64)
"""Size at which pose maps are compared."""

BLOCK = 64
"""Pose maps held at once."""


def settle_borders(plan: ChunkPlan, motion: Tensor, loudness: Tensor | None, reach: int) -> ChunkPlan:
    """Move every border of a plan to the stillest, quietest frame near it.

    A border's cost at a frame is how much moves into it, plus how loud it is there, each over its mean among the places
    that this border could have: so what happens elsewhere in the video does not matter. All borders together are chosen
    for the least sum (dynamic programming) under what windows allow: none is longer than `ChunkPlan.window_frames`, and
    each keeps at least half the overlap as context, and all of the fade.

    Args:
        plan: With even borders.
        motion: (F,), at least 0: how much moves from the frame before to each frame of the video; any unit.
        loudness: (F,), at least 0: how loud each frame is; any unit. None where there is no sound.
        reach: Frames that a border may move, either way.

    Returns:
        The plan with as many frames and chunks; the very same where no border gains by moving.

    Raises:
        InputError: If the reach is negative, or the plan's borders were moved already.
        ShapeError: If a curve has another length than the video.
    """
    if reach < 0 or plan.borders:
        raise InputError(f"borders of an even plan move by 0 frames or more; {reach} was asked for")
    for name, curve in (("motion", motion), ("loudness", loudness)):
        if curve is not None:
            check_shape(name, curve, str(plan.frame_count))
    homes = [window.new_start for window in plan.windows()[1:]]
    if not homes or not reach:
        return plan
    places = [range(max(1, home - reach), min(plan.frame_count - 1, home + reach) + 1) for home in homes]
    costs = [_costs(place, home, reach, motion, loudness) for place, home in zip(places, homes, strict=True)]
    borders = _cheapest(plan, places, costs)
    return plan if borders == homes else replace(plan, borders=tuple(borders))


def _costs(places: range, home: int, reach: int, motion: Tensor, loudness: Tensor | None) -> np.ndarray:
    """Give what each of a border's places costs."""
    at = torch.tensor(places)
    costs = HOME * (at - home).abs().double() / reach
    # The border lies between two frames; both are heard there.
    heard = None if loudness is None else loudness[at - 1] + loudness[at]
    for curve in (motion[at], heard):
        if curve is not None and float(curve.sum()) > 0:
            costs += curve.double() / curve.double().mean()
    return costs.numpy()


def _cheapest(plan: ChunkPlan, places: list[range], costs: list[np.ndarray]) -> list[int]:
    """Choose one place for each border, so that windows hold and the sum is least."""
    context = max(1, plan.fade, -(-plan.overlap // 2))
    most = plan.window_frames - min(context, plan.overlap)
    first = np.array(places[0])
    totals = np.where((first >= context) & (first <= plan.window_frames), costs[0], np.inf)
    came_from: list[np.ndarray] = []
    for before, here, cost in zip(places, places[1:], costs[1:], strict=False):
        gaps = np.array(here)[:, None] - np.array(before)[None]
        reached = np.where((gaps >= max(1, plan.fade)) & (gaps <= most), totals[None], np.inf)
        came_from.append(reached.argmin(1))
        totals = reached.min(1) + cost
    # The even plan is always among them, so the best that there is is finite.
    last = np.where(plan.frame_count - np.array(places[-1]) <= most, totals, np.inf)
    chosen = [int(last.argmin())]
    for origin in reversed(came_from):
        chosen.insert(0, int(origin[chosen[0]]))
    return [place[index] for place, index in zip(places, chosen, strict=True)]


def pose_motion(track: PoseTrack, frame_count: int) -> Tensor:
    """Measure how much a pose track moves into each frame.

    For keypoints, the mean distance that points seen in both frames have gone, over all people, in pixels of the
    canvas; for drawn pose maps, the mean difference of the pictures, a few maps at a time.

    Args:
        track: On the video's frame rate.
        frame_count: Frames of the video.

    Returns:
        (F,) float32, 0 for the first frame.
    """
    if isinstance(track, KeypointTrack):
        frames = track.frames[:frame_count]
        gone = [0.0, *(_gone(before, after) for before, after in pairwise(frames))]
        return torch.tensor(gone)
    pieces: list[Tensor] = []
    last: Tensor | None = None
    for start in range(0, frame_count, BLOCK):
        maps = track.window(start, min(start + BLOCK, frame_count)).drawn(MAP_SIZE).float()
        row = torch.cat((maps[:1] if last is None else last, maps))
        pieces.append(row.diff(dim=0).abs().mean((1, 2, 3)))
        last = maps[-1:]
    return torch.cat(pieces)


def _gone(before: tuple[Person, ...], after: tuple[Person, ...]) -> float:
    """Give the mean distance between the same people's points in two frames; 0 where none is seen in both."""
    distances: list[np.ndarray] = []
    for old, new in zip(before, after, strict=False):
        for name in ("body", "face", "hand_left", "hand_right"):
            one, other = getattr(old, name), getattr(new, name)
            if one.shape == other.shape:
                seen = (one[:, 2] > VISIBLE_ABOVE) & (other[:, 2] > VISIBLE_ABOVE)
                distances.append(np.linalg.norm((other - one)[seen, :2], axis=1))
    gone = np.concatenate(distances) if distances else np.zeros(0)
    return float(gone.mean()) if len(gone) else 0.0


def frame_loudness(audio: Audio, plan: ChunkPlan) -> Tensor:
    """Measure how loud each of the video's frames is.

    Args:
        audio: Sound from the first frame on.
        plan: Says how many frames there are, and when.

    Returns:
        (F,) float32: the root mean square of the samples that play during the frame; 0 after the sound's end.
    """
    edges = [int(frame * audio.sample_rate / plan.fps) for frame in range(plan.frame_count + 1)]
    pieces = (audio.waveform[:, start:stop] for start, stop in pairwise(edges))
    return torch.stack([piece.square().mean().sqrt() if piece.numel() else torch.zeros(()) for piece in pieces])


def settle_on(plan: ChunkPlan, reach: int, pose: PoseTrack | None, audio: Audio | None) -> ChunkPlan:
    """Move a plan's borders by what is known of the motion and the sound.

    Args:
        plan: With even borders.
        reach: Frames that a border may move, either way; 0 leaves the plan as it is.
        pose: Any frame rate; None where there is none.
        audio: None where there is none.

    Raises:
        InputError: If borders are to move and neither is given, or the pose track is shorter than the video.
    """
    if not reach:
        return plan
    if pose is None and audio is None:
        raise InputError(
            f"borders were to move by up to {reach} frames to where it is still and quiet, but neither a pose track "
            "nor sound was given; connect one, or set border_reach to 0"
        )
    motion = torch.zeros(plan.frame_count)
    if pose is not None:
        resampled = pose.resample(plan.fps)
        if len(resampled) < plan.frame_count:
            raise InputError(
                f"the plan has {plan.frame_count} frames, but the pose track ends after {len(resampled)}; plan a "
                "shorter video or give a longer track"
            )
        motion = pose_motion(resampled, plan.frame_count)
    return settle_borders(plan, motion, None if audio is None else frame_loudness(audio, plan), reach)
