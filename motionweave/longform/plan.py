"""Which frames are denoised together, so that every frame of the video is made exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, get_args

from ..backbones.base import BackboneFacts
from ..errors import InputError
from ..types import Window

Context = Literal["sequential", "fused", "shifted", "independent"]
"""How windows are kept together: each goes on from the one before; all are denoised together, with their overlaps
merged at every step, or with windows that move from step to step; or not at all."""

Blend = Literal["cut", "linear", "cosine"]
"""How one chunk's pictures give way to the next one's."""

BlendIn = Literal["pixel", "latent"]
"""Where: in the decoded pictures, or in the latents before they are decoded."""

CONTEXTS: tuple[str, ...] = get_args(Context)
BLENDS: tuple[str, ...] = get_args(Blend)
BLENDS_IN: tuple[str, ...] = get_args(BlendIn)
TOGETHER = ("fused", "shifted")
"""Contexts in which no window is finished before all are."""


@dataclass(frozen=True)
class ChunkPlan:
    """A video cut into chunks, each denoised in one window that may begin with frames of the chunk before."""

    frame_count: int
    """Frames of the video."""
    fps: Fraction
    """Frames per second."""
    chunk_frames: int
    """New frames a chunk adds (the first and the last may differ)."""
    overlap: int
    """Context frames a chunk begins with."""
    shortest: int
    """A last window shorter than this is moved back: the backbone's native window."""
    context: Context = "sequential"
    """How windows are kept together."""
    blend: Blend = "cut"
    """How one chunk's pictures give way to the next one's."""
    blend_in: BlendIn = "pixel"
    """Where they are blended."""
    fade: int = 0
    """Frames before each border over which they are blended; 0 for a cut."""
    reinject_every: int = 0
    """Every so many chunks the reference re-anchors the picture; 0 for never."""
    borders: tuple[int, ...] = ()
    """First new frame of each chunk after the first, where borders were moved; empty for even chunks."""

    def __post_init__(self) -> None:
        """Refuse plans that make nothing, never end, or ask for what would change nothing."""
        if self.frame_count < 1:
            raise InputError(f"a video of {self.frame_count} frames was planned; expected at least 1")
        if self.fps <= 0:
            raise InputError(f"a video of {self.fps} frames per second was planned; expected a positive rate")
        if self.chunk_frames < 1 or not 0 <= self.overlap < self.chunk_frames + self.overlap:
            raise InputError(
                f"chunks of {self.chunk_frames} new frames with {self.overlap} of overlap were planned; expected at "
                "least 1 new frame and no negative overlap"
            )
        if self.overlap > self.chunk_frames:
            raise InputError(
                f"an overlap of {self.overlap} frames is longer than the {self.chunk_frames} new frames of a chunk, so "
                "context would reach beyond the chunk before; lower the overlap or lengthen the chunks"
            )
        _check_context(self)
        _check_blend(self)
        _check_borders(self)

    @classmethod
    def parse(cls, described: dict[str, Any]) -> ChunkPlan:
        """Read a plan from JSON values, as `asdict` gives them; what an older version did not know has its default.

        Raises:
            InputError: If the values make no plan.
            KeyError: If the frame rate is missing.
            TypeError: If a value is missing, or one too many.
        """
        values: dict[str, Any] = described | {
            "fps": Fraction(described["fps"]),
            "borders": tuple(described.get("borders", ())),
        }
        return cls(**values)

    @property
    def window_frames(self) -> int:
        """Most frames that are denoised together, wherever borders lie."""
        return self.chunk_frames + self.overlap

    @property
    def together(self) -> bool:
        """Whether all windows are denoised together, so that none is finished before all are."""
        return self.context in TOGETHER

    @property
    def seam(self) -> Blend | Literal["replace"]:
        """How pictures give way when chunks are stitched.

        `replace` where the frames before a border were blended in latents already: the later chunk's are shown.
        """
        return "replace" if self.blend_in == "latent" else self.blend

    def anchors(self, index: int) -> bool:
        """Say whether the reference re-anchors a chunk; the first is the reference's own in any case."""
        return bool(self.reinject_every) and index > 0 and index % self.reinject_every == 0

    def windows(self) -> tuple[Window, ...]:
        """Give the windows in order.

        Chunk 0 covers ``[0, chunk_frames)``, chunk k covers ``[k * chunk_frames - overlap, (k + 1) * chunk_frames)``
        and begins with `overlap` context frames. The last one ends with the video; where that would leave it shorter
        than the backbone's window it starts earlier, with more context, so that no frame is padded or made twice.

        Where borders were moved, a chunk's new frames lie between its own border and the next one's. Its window still
        has at most `window_frames` frames: a chunk with more new frames begins with less context. One that would be
        shorter than the backbone's window begins with more.
        """
        return tuple(self._walk())

    def _walk(self) -> Iterator[Window]:
        starts = (0, *self.borders) if self.borders else range(0, self.frame_count, self.chunk_frames)
        for index, new_start in enumerate(starts):
            stop = starts[index + 1] if index + 1 < len(starts) else self.frame_count
            is_last = stop == self.frame_count
            even = 0 if not self.borders else min(self.shortest, self.window_frames)
            fewest = self.shortest if is_last else even
            most = max(self.window_frames, fewest)
            start = max(0, min(new_start - self.overlap, stop - fewest), stop - most)
            yield Window(index, start, stop, new_start - start)

    def __len__(self) -> int:
        """Count the chunks."""
        return len(self.borders) + 1 if self.borders else -(-self.frame_count // self.chunk_frames)


def _check_context(plan: ChunkPlan) -> None:
    """Refuse contexts that nothing knows, and anchors where nothing drifts."""
    if plan.context not in CONTEXTS:
        raise InputError(f"a context of '{plan.context}' was planned; known are {', '.join(CONTEXTS)}")
    if plan.reinject_every < 0:
        raise InputError(f"an anchor every {plan.reinject_every} chunks was planned; expected 0 (never) or more")
    if plan.reinject_every and plan.context != "sequential":
        raise InputError(
            f"an anchor every {plan.reinject_every} chunks would change nothing with the context '{plan.context}', "
            "where every window is drawn from the reference alone; set reinject_every to 0, or the context to "
            "'sequential'"
        )


def _check_blend(plan: ChunkPlan) -> None:
    """Refuse blends that nothing knows, or that would change nothing."""
    if plan.blend not in BLENDS or plan.blend_in not in BLENDS_IN:
        raise InputError(
            f"a blend '{plan.blend}' in '{plan.blend_in}' was planned; known are {', '.join(BLENDS)} in "
            f"{' or '.join(BLENDS_IN)}"
        )
    if (plan.blend == "cut") != (plan.fade == 0) or plan.fade < 0:
        raise InputError(
            f"a blend '{plan.blend}' over {plan.fade} frames was planned; expected 0 frames for a cut, and at least 1 "
            "for a fade"
        )
    if plan.fade > plan.overlap:
        raise InputError(
            f"a fade over {plan.fade} frames was planned with an overlap of {plan.overlap}; only frames that both "
            "chunks have can be blended: lower the fade or raise the overlap"
        )
    if plan.blend_in == "latent" and (plan.blend == "cut" or plan.context != "independent"):
        reason = {
            "sequential": "the overlap's latents are carried over, so both chunks have the same",
            "fused": "the overlap's latents are merged at every step already",
            "shifted": "every frame has one latent only",
        }.get(plan.context, "a cut blends nothing")
        raise InputError(f"blending in latents would change nothing here: {reason}; blend in 'pixel'")


def _check_borders(plan: ChunkPlan) -> None:
    """Refuse borders that leave a chunk without frames, without context, or with more than fit in a window."""
    if not plan.borders:
        return
    edges = (0, *plan.borders, plan.frame_count)
    most, context = plan.window_frames, max(plan.fade, min(1, plan.overlap))
    for index, (start, stop) in enumerate(pairwise(edges)):
        least = 1 if stop == plan.frame_count else max(1, plan.fade)
        room = most - context if index else most
        if not least <= stop - start <= room:
            raise InputError(
                f"chunk {index + 1} was given the {stop - start} new frames from {start} on; expected {least} to "
                f"{room}, so that windows of {most} frames hold them with their context"
            )


@dataclass(frozen=True)
class Joining:
    """How chunks are to be joined, before it is known how they are cut."""

    context: Context = "sequential"
    """How windows are kept together."""
    blend: Blend | Literal["auto"] = "auto"
    """How one chunk's pictures give way to the next one's; `auto` for a cosine, or a cut where they share no frames."""
    fade: int = 0
    """Frames to blend over; 0 for none in a cut, half the overlap in a blend, and in `auto` for all of the overlap, but
    half where borders may move: a longer chunk begins with less of it."""
    reinject_every: int = 0
    """Every so many chunks the reference re-anchors the picture; 0 for never."""
    blend_in: BlendIn = "pixel"
    """Where they are blended."""
    border_reach: int = 0
    """Frames that borders may be moved by afterwards."""

    def over(self, overlap: int) -> tuple[Blend, int]:
        """Settle how chunks that share so many frames are blended, and over how many."""
        half = -(-overlap // 2)
        if self.blend == "auto":
            fade = self.fade or (half if self.border_reach else overlap)
            return ("cosine", fade) if fade else ("cut", 0)
        return self.blend, self.fade or (0 if self.blend == "cut" else half)


def plan_chunks(
    facts: BackboneFacts,
    frame_count: int,
    fps: Fraction,
    chunk_frames: int = 0,
    overlap: int | None = None,
    joining: Joining | None = None,
) -> ChunkPlan:
    """Plan a video for a backbone.

    Args:
        facts: The backbone's; gives the defaults.
        frame_count: Frames of the video.
        fps: Frames per second.
        chunk_frames: New frames a chunk; 0 for the backbone's.
        overlap: Context frames; None for the backbone's.
        joining: How chunks are joined; None for each to go on from the one before, faded over the overlap.

    Returns:
        The plan.

    Raises:
        InputError: If a number makes no plan, or a setting would change nothing.
    """
    joining = joining or Joining()
    overlap = facts.overlap if overlap is None else overlap
    blend, fade = joining.over(overlap)
    return ChunkPlan(
        frame_count=frame_count,
        fps=fps,
        chunk_frames=chunk_frames or facts.chunk_frames,
        overlap=overlap,
        shortest=facts.window,
        context=joining.context,
        blend=blend,
        blend_in=joining.blend_in,
        fade=fade,
        reinject_every=joining.reinject_every,
    )
