"""One chunk made again, so that its neighbours stay as they are.

The chunk is denoised from other noise between two known ends: the context that it went on from, and its own last
frames, which the next chunk went on from. The new take lies beside the others under the chunk's ordinary key, so Weave
keeps it for as long as the inputs are the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from .backbones.base import Conditioning
from .engine import MotionWeaveEngine, naming
from .errors import InputError
from .longform.context import blended, carried, tail_before
from .longform.journal import ChunkRecord
from .longform.plan import ChunkPlan
from .longform.store import ChunkStore, Take
from .request import Request
from .runtime import Runtime
from .sampling import KnownFrames
from .types import Window


@dataclass(frozen=True)
class WovenChunks(ChunkStore):
    """A run's chunks, with what it takes to make one of them again."""

    request: Request
    """What they were made from."""

    @classmethod
    def of(cls, request: Request) -> WovenChunks:
        """Give the chunks of a run that was made."""
        return cls(request.folder, request.plan, request.identity.size, request)


@dataclass(frozen=True)
class Reroll:
    """Which chunk, and what to do with it."""

    second: float
    """Moment of the video that shows it, where `index` does not say."""
    seed: int
    """Seeds its noise."""
    index: int | None = None
    """Place in the plan, from 0."""
    take: int | None = None
    """Take to go back to, 0 for the original; None for that of the seed."""


def remake_chunk(chunks: ChunkStore, wish: Reroll, runtime: Runtime) -> ChunkRecord:
    """Make one chunk of a run again, or have another of its takes count.

    Args:
        chunks: The run, as Weave gave it.
        wish: Which chunk, and what to do with it.
        runtime: Where to make it.

    Returns:
        The take that counts from now on.

    Raises:
        InputError: If the chunks are not Weave's own, or as `reroll_chunk` and `choose_take` do.
        GenerationError: If it fails; the take that was there still counts.
        MediaError: If the run directory cannot be written, or another process is at work there.
    """
    if not isinstance(chunks, WovenChunks):
        raise InputError(
            "chunks were given that were upscaled or read from files; give those that come from Weave, re-roll first"
        )
    index = chunk_at(chunks.plan, wish.second) if wish.index is None else wish.index
    if wish.take is not None:
        return choose_take(chunks.request, runtime, index, wish.take)
    return reroll_chunk(chunks.request, runtime, index, wish.seed)


def chunk_at(plan: ChunkPlan, second: float) -> int:
    """Give the index of the chunk that is seen at a moment of the video.

    Args:
        plan: How the video is cut.
        second: Seconds from its start.

    Raises:
        InputError: If the video does not last that long.
    """
    frame = int(second * plan.fps)
    for window in plan.windows():
        if 0 <= window.new_start <= frame < window.stop:
            return window.index
    raise InputError(
        f"second {second:g} was asked for, but the video lasts from 0 to {float(plan.frame_count / plan.fps):g} s"
    )


def reroll_chunk(request: Request, runtime: Runtime, index: int, seed: int) -> ChunkRecord:
    """Make one chunk of a finished run again, from other noise; the take then counts.

    A seed that the chunk was re-rolled with before gives that take back, without making it again. The last chunk of a
    video may go on from more of the chunk before than others do; it is made again where that changes.

    Args:
        request: What the run was made from.
        runtime: Where to make it.
        index: Which chunk, from 0.
        seed: Seeds its noise.

    Returns:
        The take, as the journal has it.

    Raises:
        InputError: If the run is not finished, or no frame of the chunk could change.
        GenerationError: If it fails; the take that was there still counts.
        MediaError: If the run directory cannot be written, or another process is at work there.
    """
    engine = MotionWeaveEngine(request, runtime)
    with _placed(engine, index) as place:
        store = engine.store
        takes = store.takes(index, place.key)
        made = next((take for take in takes if take.take and take.seed == seed), None)
        if made is None:
            _make(engine, place, Take(1 + max(take.take for take in takes), seed))
        else:
            store.choose(made)
        return _settled(engine, place.window)


def choose_take(request: Request, runtime: Runtime, index: int, number: int) -> ChunkRecord:
    """Have another take of a chunk count, such as the original.

    Args:
        request: What the run was made from.
        runtime: Where to make the last chunk again, if it went on from this one's changed frames.
        index: Which chunk, from 0.
        number: 0 for the original, 1 and up in the order in which they were made.

    Returns:
        The take, as the journal has it.

    Raises:
        InputError: If the run is not finished, or the chunk has no such take.
        MediaError: If the run directory cannot be written, or another process is at work there.
    """
    engine = MotionWeaveEngine(request, runtime)
    with _placed(engine, index) as place:
        takes = {take.take: take for take in engine.store.takes(index, place.key)}
        if number not in takes:
            there = ", ".join(str(take) for take in sorted(takes))
            raise InputError(f"chunk {index + 1} has no take {number}; there are {there}")
        engine.store.choose(takes[number])
        return _settled(engine, place.window)


@dataclass(frozen=True)
class _Place:
    """Where a chunk stands among its neighbours."""

    window: Window
    known: KnownFrames | None
    conditioning: Conditioning
    key: str


@contextmanager
def _placed(engine: MotionWeaveEngine, index: int) -> Iterator[_Place]:
    """Find a chunk of a finished run, and keep the run to oneself inside the block."""
    store, windows = engine.store, engine.request.plan.windows()
    if not 0 <= index < len(windows):
        raise InputError(f"chunk {index + 1} was asked for, but the run has chunks 1 to {len(windows)}")
    _require_finished(store)
    window = windows[index]
    with store.writing():
        known = engine.carry(window)
        conditioning = engine.condition(window, known)
        key = engine.key(window, conditioning, known)
        if not store.takes(index, key):
            raise InputError(
                f"chunk {index + 1} of the run {store.folder.name} was made from other inputs, or is damaged; run "
                "Weave first"
            )
        yield _Place(window, known, conditioning, key)


def _require_finished(store: ChunkStore) -> None:
    there = ChunkStore.reopen(store.folder)
    if (there.plan, there.size) != (store.plan, store.size) or len(there.records()) < len(there.plan):
        raise InputError(f"the run {store.folder.name} is not finished, or is another one by now; run Weave first")


def _make(engine: MotionWeaveEngine, place: _Place, take: Take) -> None:
    """Make a take between two known ends."""
    started, window, store = time.monotonic(), place.window, engine.store
    fixed = _tail(engine.request.plan, window)
    if window.context + fixed >= window.frame_count:
        raise InputError(
            f"every frame of chunk {window.index + 1} is known to a neighbour, so none could change; plan longer "
            "chunks, or less overlap"
        )
    known = _between(store, place, fixed)
    with naming(window, len(engine.request.plan)):
        engine.settle(place.conditioning)
        lead = engine.lead(window)
        latents = engine.denoise(window, place.conditioning, known, take.seed)
        latents = blended(store.plan, window, latents, tail_before(store, window))
        frames = engine.decode(window, latents, lead)
        own, seconds = latents[window.context :], time.monotonic() - started
        store.save(window.index, place.key, frames, own, seconds, lead, take)


def _between(store: ChunkStore, place: _Place, fixed: int) -> KnownFrames | None:
    """Give what is known at both ends of a chunk; nothing, where chunks are made independently."""
    window = place.window
    if store.plan.context == "independent":
        return None
    # Windows that were denoised together knew nothing beforehand; by now their frames are there.
    known = place.known or carried(store, window)
    if not fixed:
        return known
    tail = store.latents(window.index)[-fixed:]
    places = torch.arange(window.frame_count - fixed, window.frame_count)
    if known is None:
        return KnownFrames(tail, places)
    return replace(known, latents=torch.cat((known.latents, tail)), places=torch.cat((known.places, places)))


def _tail(plan: ChunkPlan, window: Window) -> int:
    """Count the last frames of a chunk that have to stay: the next chunk's context.

    A last chunk that was moved back may go on from the whole of this one; then no more than the plan's overlap stays.
    """
    if plan.context == "independent":
        return 0
    later = plan.windows()[window.index + 1 :]
    context = window.stop - min((each.start for each in later if each.context), default=window.stop)
    return min(max(context, 0), plan.overlap)


def _settled(engine: MotionWeaveEngine, window: Window) -> ChunkRecord:
    """Bring the chunks that went on from this one in order; nearly always they are, and nothing is made."""
    record, stop = engine.chunk(window).record, window.stop
    engine.drift.see(record)
    for later in engine.request.plan.windows()[window.index + 1 :]:
        if later.start >= stop:
            break
        made = engine.chunk(later)
        engine.drift.see(made.record)  # at the least, the seam before it is another one
        if not made.reused:
            stop = later.stop
    engine.store.finish()
    return record
