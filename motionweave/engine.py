"""The composition root: how one request becomes chunks on disk. Read this first.

`generate` is the walk of the data and nothing more: for each window of the plan, condition, denoise with the overlap
carried as latents, decode, store. A chunk whose key is in the store already is not made again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .backbones.base import Conditioning, Identity
from .errors import GenerationError, MotionWeaveError
from .longform.context import blended, carried, known_frames, tail_before
from .longform.drift_log import DriftLog, Likeness, settings_for
from .longform.drift_rows import ChunkMeasures
from .longform.store import ORIGINAL, ChunkRecord, ChunkStore, Take, chunk_key
from .longform.together import JointLatents
from .metrics.identity import PictureRecogniser
from .request import Request
from .residency import MemoryPlan, Need
from .runtime import Runtime
from .sampling import KnownFrames, denoise_window, frame_noise
from .settling import settle
from .types import Progress, Window

_LOG = logging.getLogger(__name__)

PREVIEW_SECONDS = 0.5
"""Least time between two previews: each costs the decoding of one frame."""


@dataclass(frozen=True)
class MadeChunk:
    """What became of one chunk."""

    record: ChunkRecord
    """As the journal has it."""
    reused: bool
    """Whether it was there already."""
    measures: ChunkMeasures | None = None
    """What it looks like; None where it was made on its own, outside a walk."""

    def looks(self) -> dict[str, Any]:
        """Give what it looks like for reports."""
        return {} if self.measures is None else self.measures.row()


class MotionWeaveEngine:
    """Makes chunks for one request."""

    def __init__(self, request: Request, runtime: Runtime) -> None:
        """Take what to make; nothing is touched yet.

        Args:
            request: What to make.
            runtime: Where to make it, and whom to tell.
        """
        self.request, self.runtime = request, runtime
        self.store = ChunkStore(request.folder, request.plan, request.identity.size)
        self.joint = JointLatents(request, lambda window: self.condition(window, None))
        """The latents of the whole video, where the plan has windows denoised together."""
        settings = settings_for(request.drift, request.controls)
        who = PictureRecogniser(request.backbone, runtime)
        self.drift = DriftLog(self.store, settings, Likeness(who, F.normalize(request.identity.tokens[0], dim=0)))
        """What chunks look like, and by how much their colours are corrected when they are read."""
        self.memory: MemoryPlan | None = None
        """How memory is used, once the first chunk is being made."""
        self._last_preview = 0.0

    def generate(self) -> Iterator[MadeChunk]:
        """Make the chunks in order, each given when it is on disk.

        Raises:
            GenerationError: If a window fails, naming it; chunks before it stay on disk and are reused.
            MediaError: If the run directory cannot be written, or another process is at work there.
        """
        with self.store.writing():
            for window in self.request.plan.windows():
                with naming(window, len(self.request.plan)):
                    made = self.chunk(window)
                    made = replace(made, measures=self.drift.see(made.record))
                yield made
            self.store.finish()

    def chunk(self, window: Window) -> MadeChunk:
        """Find a chunk, or make it; where only its clip is missing, the latents that are there are decoded again.

        The chunks before it must be there, and the run directory be held.
        """
        known = self.carry(window)
        conditioning = self.condition(window, known)
        key, lead = self.key(window, conditioning, known), self.lead(window)
        record = self.store.finished(window.index, key, lead)
        if record is not None:
            return MadeChunk(record, True)
        started, take = time.monotonic(), ORIGINAL
        self.settle(conditioning)
        # A chunk that knew nothing of its context has a view of its own of it, which is not kept.
        alone = self.request.plan.context == "independent" and window.context
        kept = None if alone else self.store.kept(window.index, key)
        if kept is None:
            latents = self._latents(window, conditioning, known)
        else:
            own, take = self.store.latents_of(kept), Take(kept.take, kept.seed)
            before = carried(self.store, window)
            latents = own if before is None else torch.cat((before.latents, own))
        frames = self.decode(window, latents, lead)
        seconds = time.monotonic() - started
        own = latents[window.context :]
        return MadeChunk(self.store.save(window.index, key, frames, own, seconds, lead, take), False)

    def lead(self, window: Window) -> int:
        """Count the context frames that the window's clip begins with, for cross-fades."""
        return min(window.context, self.request.plan.fade)

    def memory_rows(self) -> list[dict[str, Any]]:
        """Give how memory was used, for reports; nothing where every chunk was there already."""
        return [] if self.memory is None else [self.memory.row()]

    def condition(self, window: Window, known: KnownFrames | None) -> Conditioning:
        """Apply every control's part of the window."""
        request = self.request
        conditioning = Conditioning(self._identity(window, known), float(request.plan.fps), request.motion_bucket)
        for control in request.controls:
            conditioning = control.apply_to(conditioning, window)
        return conditioning

    def _identity(self, window: Window, known: KnownFrames | None) -> Identity:
        """Say what the window is drawn from.

        A backbone that takes the picture for the first frame would pull every window back to the reference's pose, so
        a window whose first frame is known is drawn from that frame; who it is stays the reference's. Where the plan
        has the reference re-anchor the chunk, it is drawn from the reference all the same.
        """
        request = self.request
        drawn_from_reference = request.drawn_from == "reference" or request.plan.anchors(window.index)
        if known is None or int(known.places[0]) != 0 or drawn_from_reference:
            return request.identity
        return request.backbone.redrawn(request.identity, known.latents[0])

    def carry(self, window: Window) -> KnownFrames | None:
        """Give the frames of chunks before that the window's denoising is told of."""
        return known_frames(self.store, window, self.request.drawn_from == "reference")

    def key(self, window: Window, conditioning: Conditioning, known: KnownFrames | None) -> str:
        """Hash everything that makes the window's chunk."""
        request = self.request
        settings = f"{window} {request.options} {request.seed} {request.identity.size} "
        settings += f"{request.decode_frames} {request.decode_tile}"
        beside: list[str | Tensor] = [] if known is None else [known.latents]
        if known is not None and not math.isinf(known.highest):
            beside.append(f"anchored from {known.highest}")
        if request.plan.together:
            beside.append(self.joint.key)
        tail = tail_before(self.store, window)
        beside += [] if tail is None else [request.plan.blend, tail]
        return chunk_key("1", request.backbone.digest, settings, conditioning.digest(), *beside)

    def _noise(self, window: Window, seed: int | None) -> Tensor:
        facts, size = self.request.backbone.facts, self.request.identity.size
        cells = (size.height // facts.spatial_compression, size.width // facts.spatial_compression)
        shape = (facts.latent_channels, *cells)
        drawn_from = self.request.seed if seed is None else seed
        return frame_noise(
            drawn_from, window.start, window.stop, shape, facts.window, skip=3 * size.width * size.height
        )

    def settle(self, conditioning: Conditioning) -> None:
        """Decide, before the first chunk that is made, how modules live and work in memory, and say so."""
        if self.memory is not None:
            return
        nets = tuple(control.net for control in conditioning.controls)
        self.runtime, self.memory = settle(self.request, self.runtime, nets, conditioning.anchored)
        _LOG.log(logging.INFO if self.memory.fits else logging.WARNING, "%s", self.memory)

    def _needs(self, conditioning: Conditioning) -> tuple[Need, ...]:
        """Predict what the stages of a window take."""
        return self.request.needs(tuple(control.net for control in conditioning.controls), conditioning.anchored)

    def denoise(
        self, window: Window, conditioning: Conditioning, known: KnownFrames | None, seed: int | None = None
    ) -> Tensor:
        """Make a window's latents, from the run's own noise or from that of another seed, (F, C, h, w)."""
        need = self._needs(conditioning)[1]
        steps = self.request.options.steps

        def report(step: int, clean: Tensor) -> None:
            preview = self._preview(clean)
            self.runtime.report(Progress("denoise", window.index, len(self.request.plan), step, steps, preview))

        with self.runtime.resident(need.modules, need.working_bytes):
            return denoise_window(
                self.request.backbone, conditioning, self._noise(window, seed), self.request.options, known, report
            )

    def _latents(self, window: Window, conditioning: Conditioning, known: KnownFrames | None) -> Tensor:
        """Make a window's latents as the plan says: by itself, or with all others, (F, C, h, w)."""
        plan = self.request.plan
        if not plan.together:
            made = self.denoise(window, conditioning, known)
            return blended(plan, window, made, tail_before(self.store, window))
        need = self._needs(conditioning)[1]

        def report(done: int, total: int, clean: Tensor | None) -> None:
            preview = None if clean is None else self._preview(clean)
            self.runtime.report(Progress("denoise", 0, 1, done, total, preview))

        video = self.joint.made(
            lambda: self._noise(Window(0, 0, plan.frame_count, 0), None),
            lambda: self.runtime.resident(need.modules, need.working_bytes),
            report,
        )
        return video[window.start : window.stop]

    def _preview(self, clean: Tensor) -> Tensor | None:
        """Decode the middle frame as seen so far, now and then, where anybody looks."""
        if not self.runtime.previews or time.monotonic() - self._last_preview < PREVIEW_SECONDS:
            return None
        middle = clean.shape[0] // 2
        with self.runtime.resident((self.request.backbone.autoencoder,)):
            picture = self.request.backbone.decode_clip(clean[middle : middle + 1])[0]
        self._last_preview = time.monotonic()
        return picture

    def decode(self, window: Window, latents: Tensor, lead: int) -> Tensor:
        """Decode the whole window, so that new frames see their context; give the new ones and the lead before."""
        steps = self.request.options.steps
        with self.runtime.resident((self.request.backbone.autoencoder,)):
            frames = self.request.backbone.decode_clip(
                latents,
                self.request.decode_frames or None,
                lambda _: self.runtime.report(Progress("decode", window.index, len(self.request.plan), steps, steps)),
                self.request.decode_tile,
            )
        return frames[window.context - lead :]


@contextmanager
def naming(window: Window, count: int) -> Iterator[None]:
    """Say which window failed; interrupts and out-of-memory pass as they are."""
    try:
        yield
    except GenerationError:
        raise
    except MotionWeaveError as error:
        raise GenerationError(f"window {window.index + 1} of {count}, {window}: {error}", window.index) from error
