"""The chunk store: a run directory that makes long runs resumable and keeps memory flat.

A directory holds ``plan.json``, ``journal.jsonl``, and for each chunk ``chunk-00007.mkv`` (its new frames, lossless,
after those that it shares with the chunk before) and ``chunk-00007.safetensors`` (the latents that the next chunk
carries on from); re-rolled takes lie beside them as ``chunk-00007-take-1``. Files are written beside their place,
brought to the disk and renamed into it, and a chunk counts only once its journal line is complete, so a kill at any
moment costs at most the chunk being made.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..media import VideoWriter
from ..media.files import whole_file, write_errors
from ..types import Size
from .clips import Clip, Seam
from .drift_rows import corrections
from .journal import ChunkRecord, Journal
from .lock import held
from .plan import ChunkPlan

_LOG = logging.getLogger(__name__)

LEFTOVER = re.compile(r"\.[\w-]+\.([0-9a-f]{8}-\d+\.)?[0-9a-f]{8}\.part")
"""Names of files that were being written."""


@dataclass(frozen=True)
class Take:
    """One of the ways a chunk was made."""

    number: int = 0
    """0 for the original."""
    seed: int | None = None
    """What its noise came from, if not from the run's seed."""


ORIGINAL = Take()
"""The chunk as Weave makes it."""


@dataclass(frozen=True)
class ChunkStore:
    """A run directory."""

    folder: Path
    """Where it lies."""
    plan: ChunkPlan
    """How the video is cut."""
    size: Size
    """The video's picture size."""

    @classmethod
    def open(cls, folder: Path, plan: ChunkPlan, size: Size) -> ChunkStore:
        """Make or re-enter a run directory.

        Args:
            folder: The directory; made if it is not there.
            plan: The plan of this run. A directory of another plan is taken over: chunks whose keys still hold are
                kept, the others are made again.
            size: The video's picture size.

        Raises:
            MediaError: If the folder cannot be written, or another process is at work there.
        """
        store = cls(folder, plan, size)
        with store.writing():
            return store

    @classmethod
    def reopen(cls, folder: Path) -> ChunkStore:
        """Open a run directory that is there, to read it.

        Raises:
            InputError: If it is none.
        """
        try:
            described = json.loads((folder / "plan.json").read_text())
            size = Size(described.pop("width"), described.pop("height"))
            return cls(folder, ChunkPlan.parse(described), size)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder.name} is not a run directory: its plan.json cannot be read ({error})") from error

    @cached_property
    def journal(self) -> Journal:
        """What was finished when."""
        return Journal(self.folder / "journal.jsonl")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have the directory to oneself inside the block, made if it is not there and rid of what a kill left.

        Raises:
            MediaError: If the folder cannot be written, or another process is at work there.
        """
        with write_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder):
            with write_errors(self.folder):
                for path in leftovers(self.folder):
                    path.unlink()
            self.journal.start()
            self._write_plan()
            yield

    def _write_plan(self) -> None:
        described = asdict(self.plan) | {
            "fps": str(self.plan.fps),
            "width": self.size.width,
            "height": self.size.height,
        }
        data, path = json.dumps(described, indent=1).encode(), self.folder / "plan.json"
        if path.is_file():
            if path.read_bytes() == data:
                return
            with write_errors(self.journal.path):
                self.journal.doubt(0)  # Before the plan changes: what the old one made counts once a walk was there.
        with whole_file(path) as partial:
            partial.write_bytes(data)

    def records(self) -> Mapping[int, ChunkRecord]:
        """Give the records of the chunks that are made, by index; those of older inputs only until a walk began."""
        return self.journal.current()

    def finished(self, index: int, key: str, lead: int = 0) -> ChunkRecord | None:
        """Give the record of a chunk that was made under this very key and whose files are whole.

        Args:
            index: Place in the plan.
            key: Hash of everything that makes it.
            lead: Frames of the chunk before that its clip has to begin with, at least.

        Returns:
            The take chosen last, or, where its latents are damaged, the one before; None if the clip has to be made.
        """
        record = self.kept(index, key)
        if record is None or record.lead < lead or not self._is_whole(record.clip, record.clip_sha256):
            return None
        if record != self.journal.records()[index]:
            _LOG.warning(
                "chunk %d: the newest take is damaged or of other inputs; take %d counts again", index + 1, record.take
            )
            self.choose(record)
        return record

    def kept(self, index: int, key: str) -> ChunkRecord | None:
        """Give the record of a chunk whose latents are whole, so that its clip needs but decoding."""
        return next(self._whole_takes(index, key), None)

    def takes(self, index: int, key: str) -> tuple[ChunkRecord, ...]:
        """Give the takes of a chunk whose latents are whole, the one that was chosen last first."""
        return tuple(self._whole_takes(index, key))

    def _whole_takes(self, index: int, key: str) -> Iterator[ChunkRecord]:
        for take in self.journal.takes(index, key):
            if self._is_whole(take.latents, take.latents_sha256):
                yield take

    def save(
        self,
        index: int,
        key: str,
        frames: Tensor,
        latents: Tensor,
        seconds: float,
        lead: int = 0,
        take: Take = ORIGINAL,
    ) -> ChunkRecord:
        """Write a finished chunk and enter it in the journal.

        Args:
            index: Place in the plan.
            key: Hash of everything that made it.
            frames: (lead + F, 3, H, W) in [0, 1]: frames shared with the chunk before, then its new ones.
            latents: (F, C, h, w): the latents of the new frames, from which the next chunk takes its context.
            seconds: Time it took.
            lead: How many frames are shared.
            take: Which take it is; others keep their files.

        Raises:
            MediaError: If the disk does not take it; what was finished before stays as it is.
        """
        from safetensors.torch import save

        name = f"chunk-{index:05}" + (f"-take-{take.number}" if take.number else "")
        clip, carried = self.folder / f"{name}.mkv", self.folder / f"{name}.safetensors"
        with write_errors(self.journal.path):
            self.journal.begin(index)
        with VideoWriter(clip, fps=self.plan.fps, size=self.size, codec="ffv1") as writer:
            writer.write(frames)
        with whole_file(carried) as partial:
            partial.write_bytes(save({"latents": latents.contiguous()}))
        record = ChunkRecord(
            index=index,
            key=key,
            frame_count=len(frames) - lead,
            clip=clip.name,
            latents=carried.name,
            clip_sha256=_sha256(clip),
            latents_sha256=_sha256(carried),
            seconds=round(seconds, 3),
            lead=lead,
            take=take.number,
            seed=take.seed,
        )
        self.choose(record)
        return record

    def choose(self, record: ChunkRecord) -> None:
        """Have a take count from now on.

        Raises:
            MediaError: If the disk does not take it.
        """
        with write_errors(self.journal.path):
            self.journal.add(record)

    def finish(self) -> None:
        """Say that every chunk of the plan is made from the same inputs.

        Raises:
            MediaError: If the disk does not take it.
        """
        with write_errors(self.journal.path):
            self.journal.finish()

    def latents(self, index: int) -> Tensor:
        """Read the latents of a chunk's new frames, (F, C, h, w).

        Raises:
            InputError: If the chunk is not made.
        """
        record = self.journal.records().get(index)
        if record is None:
            raise InputError(f"chunk {index + 1} of {self.folder.name} is not made yet; run Weave first")
        return self.latents_of(record)

    def latents_of(self, record: ChunkRecord) -> Tensor:
        """Read the latents of a take's new frames, (F, C, h, w)."""
        from safetensors.torch import load_file

        return load_file(self.folder / record.latents)["latents"]

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return self.plan.fps

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def seam(self) -> Seam:
        """How the plan has chunks give way to one another."""
        return self.plan.seam

    def clips(self) -> tuple[Clip, ...]:
        """Give the chunks' clips in order.

        Raises:
            InputError: If a chunk is missing.
        """
        records = self.records()
        missing = [index for index in range(len(self.plan)) if index not in records]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(self.plan)} chunks are not made yet, the first is {missing[0] + 1}; run Weave "
                "again, it goes on from there"
            )
        made = [records[index] for index in range(len(self.plan))]
        pairs = zip(made, corrections(self.folder, made), strict=True)
        return tuple(
            Clip(self.folder / each.clip, each.frame_count, each.lead, done, each.clip_sha256) for each, done in pairs
        )

    def frames(self) -> Iterator[Tensor]:
        """Read the whole video, frame by frame, each (3, H, W) uint8, the chunks cut one to the next.

        Raises:
            InputError: If a chunk is missing.
        """
        for clip in self.clips():
            yield from islice(clip.frames(), clip.lead, None)

    def _is_whole(self, name: str, sha256: str) -> bool:
        path = self.folder / name
        return path.is_file() and _sha256(path) == sha256


def leftovers(folder: Path) -> list[Path]:
    """List files of a run directory that a kill left half-written; only while nobody else is at work there."""
    return [path for path in folder.iterdir() if LEFTOVER.fullmatch(path.name)]


def chunk_key(*parts: str | Tensor) -> str:
    """Hash what makes a chunk: weights, settings, conditioning, and the latents it carries on from."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part.to(torch.float32).contiguous().numpy().tobytes()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
