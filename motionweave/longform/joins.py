"""From a row of clips to the frames of one video: cut, cross-faded, or with colours matched at every join."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Literal

import torch
from torch import Tensor

from ..errors import InputError
from .blend import fade_weights, mix
from .clips import Clip, ClipRow, Seam

Join = Literal["auto", "cut", "cross-fade", "colour-matched"]
"""How clips are joined: as the row says, cut, faded over the frames that both have, or with colours pulled together."""

JOINS: tuple[Join, ...] = ("auto", "cut", "cross-fade", "colour-matched")

SETTLE_FRAMES = 16
"""Frames after a join in which a clip's colours go back to its own."""


def joined_frames(row: ClipRow, join: Join = "auto") -> Iterator[Tensor]:
    """Give the frames of the video in order; memory holds a lead, whatever the length.

    A colour-matched join measures how far the mean of each channel is off between two views of the same frames (the
    lead), or of the two frames at the join where there is no lead, and takes that off the later clip, in full at the
    join and gently less over the next `SETTLE_FRAMES` frames, so that nothing adds up from join to join.

    Args:
        row: The clips.
        join: How they are joined.

    Yields:
        (3, H, W) uint8.

    Raises:
        InputError: If there is no such join, or a cross-fade was asked for and no clip has frames to fade over.
        MediaError: If a clip cannot be read.
    """
    clips = row.clips()
    seam = _seam(row.seam, clips, join)
    matches = join == "colour-matched"
    held: deque[Tensor] = deque()
    for clip, after in zip(clips, (*clips[1:], None), strict=True):
        frames = clip.frames()
        lead = list(islice(frames, clip.lead))
        shared = min(len(held), len(lead))
        lead = lead[len(lead) - shared :]
        if matches and held:
            lead, frames = _match(list(held), lead, frames, clip.frame_count)
        while len(held) > shared:
            yield held.popleft()
        for earlier, later, weight in zip(held, lead, fade_weights(shared, seam).tolist(), strict=True):
            yield _faded(earlier, later, weight)
        held.clear()
        keep = 0 if after is None else max(after.lead, int(matches))
        for frame in frames:
            held.append(frame)
            if len(held) > keep:
                yield held.popleft()
    yield from held


def _seam(own: Seam, clips: tuple[Clip, ...], join: Join) -> Seam:
    """Say how frames that two clips have give way."""
    if join not in JOINS:
        raise InputError(f"a join '{join}' was asked for; expected one of {', '.join(JOINS)}")
    if join == "cut":
        return "cut"
    if join != "cross-fade":
        return own
    if len(clips) > 1 and not any(clip.lead for clip in clips[1:]):
        raise InputError(
            "a cross-fade was asked for, but no clip begins with frames of the one before it; plan the chunks with a "
            "blend and a fade, say how many frames the clips of a folder share, or join them with 'cut' or "
            "'colour-matched'"
        )
    return own if own in ("linear", "cosine") else "linear"


def _faded(earlier: Tensor, later: Tensor, weight: float) -> Tensor:
    if weight in (0.0, 1.0):
        return later if weight else earlier
    return mix(earlier, later, weight)


def _match(
    held: list[Tensor], lead: list[Tensor], frames: Iterator[Tensor], frame_count: int
) -> tuple[list[Tensor], Iterator[Tensor]]:
    """Pull a clip's colours to those of the one before, giving its lead and its new frames."""
    if lead:
        offset = _mean(held[-len(lead) :]) - _mean(lead)
    else:
        first = next(frames)
        offset = _mean(held[-1:]) - _mean([first])
        frames = chain((first,), frames)
    settle = min(SETTLE_FRAMES, frame_count)
    return [_shifted(frame, offset) for frame in lead], _settling(frames, offset, settle)


def _settling(frames: Iterator[Tensor], offset: Tensor, settle: int) -> Iterator[Tensor]:
    """Shift a clip's first frames by less and less."""
    for frame, back in zip(islice(frames, settle), fade_weights(settle, "cosine").tolist(), strict=False):
        yield _shifted(frame, offset * (1 - back))
    yield from frames


def _mean(frames: list[Tensor]) -> Tensor:
    """Give the mean of each channel, (3, 1, 1)."""
    return torch.stack([frame.float().mean((1, 2), keepdim=True) for frame in frames]).mean(0)


def _shifted(frame: Tensor, offset: Tensor) -> Tensor:
    return (frame.float() + offset).round_().clamp_(0, 255).to(torch.uint8)
