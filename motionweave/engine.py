"""The composition root: how one request becomes chunks on disk. Read this first.

`generate` is the walk of the data and nothing more: for each window of the plan, condition, denoise with the overlap
carried as latents, decode, store. A chunk whose key is in the store already is not made again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .backbones.base import Conditioning, Identity
from .errors import GenerationError, MotionWeaveError
from .longform.store import ChunkRecord, ChunkStore, chunk_key
from .request import Request
from .residency import MemoryPlan, Need
from .runtime import Runtime
from .sampling import KnownFrames, denoise_window, frame_noise
from .types import Progress, Window

_LOG = logging.getLogger(__name__)

PREVIEW_SECONDS = 0.5
"""Least time between two previews: each costs the decoding of one frame."""

SLICES = 4
"""Parts in which networks attend where the whole does not fit: slower, for the same numbers in less memory."""


@dataclass(frozen=True)
class MadeChunk:
    """What became of one chunk."""

    record: ChunkRecord
    """As the journal has it."""
    reused: bool
    """Whether it was there already."""


class MotionWeaveEngine:
    """Makes chunks for one request."""

    def __init__(self, request: Request, runtime: Runtime) -> None:
        """Open the run directory.

        Args:
            request: What to make.
            runtime: Where to make it, and whom to tell.

        Raises:
            MediaError: If the run directory cannot be written.
        """
        self.request, self.runtime = request, runtime
        self.store = ChunkStore.open(request.folder, request.plan, request.identity.size)
        self.memory: MemoryPlan | None = None
        """How memory is used, once the first chunk is being made."""
        self._last_preview = 0.0

    def generate(self) -> Iterator[MadeChunk]:
        """Make the chunks in order, each given when it is on disk.

        Raises:
            GenerationError: If a window fails, naming it; chunks before it stay on disk and are reused.
        """
        for window in self.request.plan.windows():
            with _naming(window, len(self.request.plan)):
                known = self._carry(window)
                conditioning = self._condition(window, known)
                key = self._key(window, conditioning, known)
                record = self.store.finished(window.index, key)
                reused = record is not None
                if record is None:
                    started = time.monotonic()
                    self._settle(conditioning)
                    latents = self._denoise(window, conditioning, known)
                    frames = self._decode(window, latents)
                    seconds = time.monotonic() - started
                    record = self.store.save(window.index, key, frames, latents[window.context :], seconds)
            yield MadeChunk(record, reused)

    def memory_rows(self) -> list[dict[str, Any]]:
        """Give how memory was used, for reports; nothing where every chunk was there already."""
        return [] if self.memory is None else [self.memory.row()]

    def _condition(self, window: Window, known: KnownFrames | None) -> Conditioning:
        """Apply every control's part of the window."""
        request = self.request
        conditioning = Conditioning(self._identity(known), float(request.plan.fps), request.motion_bucket)
        for control in request.controls:
            conditioning = control.apply_to(conditioning, window)
        return conditioning

    def _identity(self, known: KnownFrames | None) -> Identity:
        """Say what the window is drawn from.

        A backbone that takes the picture for the first frame would pull every window back to the reference's pose, so
        a window whose first frame is known is drawn from that frame; who it is stays the reference's.
        """
        request = self.request
        if known is None or int(known.places[0]) != 0 or request.drawn_from == "reference":
            return request.identity
        return request.backbone.redrawn(request.identity, known.latents[0])

    def _carry(self, window: Window) -> KnownFrames | None:
        """Collect the context's latents from the chunks that made it, (context, C, h, w)."""
        pieces: list[Tensor] = []
        index, missing = window.index, window.context
        while missing:
            index -= 1
            made = self.store.latents(index)[-missing:]
            pieces.insert(0, made)
            missing -= len(made)
        return KnownFrames(torch.cat(pieces), torch.arange(window.context)) if pieces else None

    def _key(self, window: Window, conditioning: Conditioning, known: KnownFrames | None) -> str:
        request = self.request
        settings = f"{window} {request.options} {request.seed} {request.identity.size} "
        settings += f"{request.decode_frames} {request.decode_tile}"
        carried = () if known is None else (known.latents,)
        return chunk_key("1", request.backbone.digest, settings, conditioning.digest(), *carried)

    def _noise(self, window: Window) -> Tensor:
        facts, size = self.request.backbone.facts, self.request.identity.size
        cells = (size.height // facts.spatial_compression, size.width // facts.spatial_compression)
        shape = (facts.latent_channels, *cells)
        return frame_noise(
            self.request.seed, window.start, window.stop, shape, facts.window, skip=3 * size.width * size.height
        )

    def _settle(self, conditioning: Conditioning) -> None:
        """Decide, before the first chunk that is made, how modules live and work in memory, and say so."""
        if self.memory is not None:
            return
        from .models.slices import set_slices

        host, nets = self.runtime, self._needs(conditioning)[1].modules
        for parts in (1, SLICES):
            for net in nets:
                set_slices(net, parts)
            self.runtime, self.memory = host.settle(self._needs(conditioning))
            if self.memory.stage_fits("denoise"):
                break
        _LOG.log(logging.INFO if self.memory.fits else logging.WARNING, "%s", self.memory)

    def _needs(self, conditioning: Conditioning) -> tuple[Need, ...]:
        """Predict what the stages of a window take."""
        return self.request.needs(tuple(control.net for control in conditioning.controls), conditioning.anchored)

    def _denoise(self, window: Window, conditioning: Conditioning, known: KnownFrames | None) -> Tensor:
        need = self._needs(conditioning)[1]
        steps = self.request.options.steps

        def report(step: int, clean: Tensor) -> None:
            preview = self._preview(clean)
            self.runtime.report(Progress("denoise", window.index, len(self.request.plan), step, steps, preview))

        with self.runtime.resident(need.modules, need.working_bytes):
            return denoise_window(
                self.request.backbone, conditioning, self._noise(window), self.request.options, known, report
            )

    def _preview(self, clean: Tensor) -> Tensor | None:
        """Decode the middle frame as seen so far, now and then."""
        if time.monotonic() - self._last_preview < PREVIEW_SECONDS:
            return None
        middle = clean.shape[0] // 2
        with self.runtime.resident((self.request.backbone.autoencoder,)):
            picture = self.request.backbone.decode_clip(clean[middle : middle + 1])[0]
        self._last_preview = time.monotonic()
        return picture

    def _decode(self, window: Window, latents: Tensor) -> Tensor:
        """Decode the whole window, so that new frames see their context, and give the new ones."""
        steps = self.request.options.steps
        with self.runtime.resident((self.request.backbone.autoencoder,)):
            frames = self.request.backbone.decode_clip(
                latents,
                self.request.decode_frames or None,
                lambda _: self.runtime.report(Progress("decode", window.index, len(self.request.plan), steps, steps)),
                self.request.decode_tile,
            )
        return frames[window.context :]


@contextmanager
def _naming(window: Window, count: int) -> Iterator[None]:
    """Say which window failed; interrupts and out-of-memory pass as they are."""
    try:
        yield
    except GenerationError:
        raise
    except MotionWeaveError as error:
        raise GenerationError(f"window {window.index + 1} of {count}, {window}: {error}", window.index) from error
