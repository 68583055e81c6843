"""What a run directory remembers: a line for each chunk that was finished, in the order in which it happened.

Lines are only ever added. The newest line of a chunk counts, so another take is chosen by writing its line again. A
walk over the plan says with a ``begun`` line that it is about to make something, and with a ``whole`` line that it got
to the end: in between, chunks that it has not reached may be of older inputs and do not count.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from ..media.files import sync_folder


@dataclass(frozen=True)
class ChunkRecord:
    """A finished chunk, as the journal tells of it."""

    index: int
    """Place in the plan, from 0."""
    key: str
    """Hash of everything that made it; every take of a chunk has the key of the first."""
    frame_count: int
    """New frames in its clip."""
    clip: str
    """File name of the clip."""
    latents: str
    """File name of the carried latents."""
    clip_sha256: str
    """Checksum of the clip."""
    latents_sha256: str
    """Checksum of the carried latents."""
    seconds: float
    """Time it took."""
    lead: int = 0
    """Frames of the chunk before that its clip begins with."""
    take: int = 0
    """0 for the chunk as Weave made it, 1 and up for those that were re-rolled."""
    seed: int | None = None
    """What a re-rolled take's noise came from."""


class Journal:
    """The journal of one run directory; reads what was added since it last looked."""

    def __init__(self, path: Path) -> None:
        """Name the file, which need not be there yet."""
        self.path = path
        """The file."""
        self._begun = False
        self._forget()

    def start(self) -> None:
        """Start a walk of one's own: the first chunk that it makes begins it."""
        self._begun = False

    def records(self) -> Mapping[int, ChunkRecord]:
        """Give the newest record of each chunk that ever was, whether it still counts or not."""
        self._catch_up()
        return self._newest

    def current(self) -> Mapping[int, ChunkRecord]:
        """Give the newest record of each chunk that counts: after a stopped walk, those that it reached."""
        self._catch_up()
        if self._reached is None:
            return self._newest
        return {index: self._newest[index] for index in sorted(self._reached & self._newest.keys())}

    def takes(self, index: int, key: str) -> tuple[ChunkRecord, ...]:
        """Give the takes that a chunk has under a key, the one that was chosen last first."""
        self._catch_up()
        known = (record for record in reversed(self._history.get(index, [])) if record.key == key)
        newest: dict[int, ChunkRecord] = {}
        for record in known:
            newest.setdefault(record.take, record)
        return tuple(newest.values())

    def add(self, record: ChunkRecord) -> None:
        """Enter a chunk.

        Raises:
            OSError: If the disk does not take the line; the journal stays as it was.
        """
        self._append(asdict(record))

    def begin(self, first: int) -> None:
        """Say, once a walk, that chunks from `first` on are of other inputs unless they are reached.

        Raises:
            OSError: If the disk does not take it.
        """
        if not self._begun:
            self.doubt(first)
            self._begun = True

    def doubt(self, first: int) -> None:
        """Have chunks from `first` on count no more.

        Raises:
            OSError: If the disk does not take it.
        """
        self._append({"begun": first})

    def finish(self) -> None:
        """Say that every chunk of the plan was reached, where that was in doubt.

        Raises:
            OSError: If the disk does not take it.
        """
        if self.is_open:
            self._append({"whole": True})

    @property
    def is_open(self) -> bool:
        """Whether a walk has begun and not ended, here or in a process that was stopped."""
        self._catch_up()
        return self._reached is not None

    def _forget(self) -> None:
        self._read_bytes = 0
        self._newest: dict[int, ChunkRecord] = {}
        self._history: dict[int, list[ChunkRecord]] = {}
        self._reached: set[int] | None = None

    def _catch_up(self) -> None:
        """Read the lines that are new; a last one that was cut off does not count until it is closed off."""
        size = self.path.stat().st_size if self.path.is_file() else 0
        if size < self._read_bytes:
            self._forget()
        if size == self._read_bytes:
            return
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                self._take_in(cast("dict[str, Any]", entry))

    def _take_in(self, entry: dict[str, Any]) -> None:
        if "begun" in entry:
            self._reached = set(range(entry["begun"]))
            return
        if "whole" in entry:
            self._reached = None
            return
        try:
            record = ChunkRecord(**entry)
        except TypeError:
            return  # Of another version, which knew other things about a chunk: it is made again.
        self._newest[record.index] = record
        self._history.setdefault(record.index, []).append(record)
        if self._reached is not None:
            self._reached.add(record.index)

    def _append(self, entry: dict[str, Any]) -> None:
        """Add a line; what a kill left of the last one is closed off, so that it cannot swallow the new one."""
        is_new = not self.path.exists()
        with self.path.open("ab+", buffering=0) as file:
            end, torn = file.seek(0, os.SEEK_END), False
            if end:
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            line = b"\n" * torn + json.dumps(entry).encode() + b"\n"
            try:
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), end)
                raise
        if is_new:
            sync_folder(self.path.parent)
