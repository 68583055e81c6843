"""How a chunk is tied to the one before it: what it is told of it, and what of its own gives way to it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..sampling import KnownFrames
from ..types import Window
from .blend import fade_weights, mix
from .plan import ChunkPlan
from .store import ChunkStore

ANCHOR_LEVEL = 2.0
"""Noise level from which on a re-anchored chunk sees its context, in deviations of clean latents. Above it, where the
layout and the large colours settle, the chunk is the reference's and the controls' alone."""


def carried(store: ChunkStore, window: Window) -> KnownFrames | None:
    """Collect the context's latents from the chunks that made it, (context, C, h, w)."""
    pieces: list[Tensor] = []
    index, missing = window.index, window.context
    while missing:
        index -= 1
        made = store.latents(index)[-missing:]
        pieces.insert(0, made)
        missing -= len(made)
    return KnownFrames(torch.cat(pieces), torch.arange(window.context)) if pieces else None


def known_frames(store: ChunkStore, window: Window, is_reference: bool) -> KnownFrames | None:
    """Give the frames that a window's denoising is told of.

    Every `reinject_every` chunks the reference re-anchors the picture. Where the backbone takes it for the character in
    any pose, the chunk sees its context only from `ANCHOR_LEVEL` on. Where it takes it for the first frame, context
    stays as it is, and the chunk is drawn from the reference in place of its first known frame.

    Args:
        store: The run; its plan says how windows are kept together.
        window: The window.
        is_reference: Whether the picture is the character in any pose.

    Returns:
        The context, or None where the plan has windows know nothing of each other beforehand.
    """
    plan = store.plan
    known = carried(store, window) if plan.context == "sequential" else None
    if known is None or not (is_reference and plan.anchors(window.index)):
        return known
    return replace(known, highest=ANCHOR_LEVEL)


def tail_before(store: ChunkStore, window: Window) -> Tensor | None:
    """Give the frames before a window's new ones as the chunk before made them, where the plan blends in latents.

    Returns:
        (fade, C, h, w), or None where nothing is blended in latents.
    """
    if store.plan.blend_in != "latent" or not window.context:
        return None
    return store.latents(window.index - 1)[-store.plan.fade :]


def blended(plan: ChunkPlan, window: Window, latents: Tensor, tail: Tensor | None) -> Tensor:
    """Let the chunk before fade into a window's own view of the overlap.

    The window's clip then begins with the blended frames, decoded, and they are shown in place of those of the chunk
    before. So decoding sees one picture per frame, where a fade in pixels shows two at once.

    Args:
        plan: Says over how many frames, and how.
        window: The window.
        latents: (F, C, h, w): its latents.
        tail: What `tail_before` gave.

    Returns:
        (F, C, h, w); the very same where nothing is blended.
    """
    if tail is None:
        return latents
    first = window.context - plan.fade
    mixed = mix(tail, latents[first : window.context], fade_weights(plan.fade, plan.blend))
    return torch.cat((latents[:first], mixed, latents[window.context :]))
