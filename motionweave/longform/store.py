"""The chunk store: a run directory that makes long runs resumable and keeps memory flat.

A directory holds ``plan.json``, ``journal.jsonl`` (one line a finished chunk), and for each chunk ``chunk-00007.mkv``
(its new frames, lossless) and ``chunk-00007.safetensors`` (the latents that the next chunk carries on from). Files
are written beside their place and renamed into it, and a chunk counts only once its journal line is complete, so a kill
at any moment costs at most the chunk being made.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError, MediaError
from ..media import VideoWriter
from ..types import Size
from .clips import Clip
from .plan import ChunkPlan


@dataclass(frozen=True)
class ChunkRecord:
    """A finished chunk, as the journal tells of it."""

    index: int
    """Place in the plan, from 0."""
    key: str
    """Hash of everything that made it."""
    frame_count: int
    """New frames in its clip."""
    clip: str
    """File name of the clip."""
    latents: str
    """File name of the carried latents."""
    clip_sha256: str
    """Checksum of the clip."""
    seconds: float
    """Time it took."""
    lead: int = 0
    """Frames of the chunk before that its clip begins with."""


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
            MediaError: If the folder cannot be written.
        """
        store = cls(folder, plan, size)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            described = asdict(plan) | {"fps": str(plan.fps), "width": size.width, "height": size.height}
            _write_whole(folder / "plan.json", json.dumps(described, indent=1).encode())
        except OSError as error:
            raise MediaError(
                folder, f"the run directory cannot be written: {error.strerror}; choose another folder"
            ) from error
        return store

    @classmethod
    def reopen(cls, folder: Path) -> ChunkStore:
        """Open a run directory that is there.

        Raises:
            InputError: If it is none.
        """
        try:
            described = json.loads((folder / "plan.json").read_text())
            size = Size(described.pop("width"), described.pop("height"))
            return cls(folder, ChunkPlan.parse(described), size)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder.name} is not a run directory: its plan.json cannot be read ({error})") from error

    def records(self) -> dict[int, ChunkRecord]:
        """Read the journal: the newest record of each chunk. A last line that was cut off does not count."""
        records: dict[int, ChunkRecord] = {}
        journal = self.folder / "journal.jsonl"
        if journal.is_file():
            for line in journal.read_text().splitlines():
                try:
                    record = ChunkRecord(**json.loads(line))
                except (ValueError, TypeError):
                    continue
                records[record.index] = record
        return records

    def finished(self, index: int, key: str) -> ChunkRecord | None:
        """Give the record of a chunk that was made under this very key and whose files are whole."""
        record = self.records().get(index)
        if record is None or record.key != key or not (self.folder / record.latents).is_file():
            return None
        clip = self.folder / record.clip
        return record if clip.is_file() and _sha256(clip) == record.clip_sha256 else None

    def save(self, index: int, key: str, frames: Tensor, latents: Tensor, seconds: float) -> ChunkRecord:
        """Write a finished chunk and enter it in the journal.

        Args:
            index: Place in the plan.
            key: Hash of everything that made it.
            frames: (F, 3, H, W) in [0, 1]: its new frames.
            latents: (F, C, h, w): the latents of the same frames, from which the next chunk takes its context.
            seconds: Time it took.

        Raises:
            MediaError: If the disk does not take it; earlier chunks stay as they are.
        """
        from safetensors.torch import save

        clip, carried = f"chunk-{index:05}.mkv", f"chunk-{index:05}.safetensors"
        with VideoWriter(self.folder / clip, fps=self.plan.fps, size=self.size, codec="ffv1") as writer:
            writer.write(frames)
        record = ChunkRecord(index, key, len(frames), clip, carried, _sha256(self.folder / clip), round(seconds, 3))
        try:
            _write_whole(self.folder / carried, save({"latents": latents.contiguous()}))
            _append_line(self.folder / "journal.jsonl", json.dumps(asdict(record)))
        except OSError as error:
            raise MediaError(self.folder / carried, f"the chunk cannot be written: {error.strerror}") from error
        return record

    def latents(self, index: int) -> Tensor:
        """Read a chunk's latents, (F, C, h, w)."""
        from safetensors.torch import load_file

        return load_file(self.folder / f"chunk-{index:05}.safetensors")["latents"]

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return self.plan.fps

    def clips(self) -> tuple[Clip, ...]:
        """Give the chunks' clips in order.

        Raises:
            InputError: If a chunk is missing.
        """
        records = self.records()
        missing = [index for index in range(len(self.plan)) if index not in records]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(self.plan)} chunks are not made yet, the first is {missing[0]}; run Weave "
                "again, it goes on from there"
            )
        made = (records[index] for index in range(len(self.plan)))
        return tuple(Clip(self.folder / each.clip, each.frame_count, each.lead) for each in made)

    def frames(self) -> Iterator[Tensor]:
        """Read the whole video, frame by frame, each (3, H, W) uint8, the chunks cut one to the next.

        Raises:
            InputError: If a chunk is missing.
        """
        for clip in self.clips():
            yield from islice(clip.frames(), clip.lead, None)


def chunk_key(*parts: str | Tensor) -> str:
    """Hash what makes a chunk: weights, settings, conditioning, and the latents it carries on from."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part.to(torch.float32).contiguous().numpy().tobytes()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _append_line(path: Path, line: str) -> None:
    """Add a line; what a kill left of the last one is closed off, so that it cannot swallow the new one."""
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else "\n" + line
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(record: ChunkRecord) -> dict[str, Any]:
    """Give a record as plain JSON values, without its file names."""
    return {name: value for name, value in asdict(replace(record)).items() if name not in ("clip", "latents")}
