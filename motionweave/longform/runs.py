"""The runs that lie in a folder: what each has, what it takes, and what of it may go."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..media.files import write_errors
from .journal import ChunkRecord
from .lock import LOCK, OWNER, held
from .store import LEFTOVER, ChunkStore

OWN = re.compile(
    r"plan\.json|journal\.jsonl|drift\.json|together\.safetensors|chunk-\d{5,}(-take-\d+)?\.(mkv|safetensors)"
)
"""Names of a run directory's own files; whatever else lies there is somebody's, and stays."""


@dataclass(frozen=True)
class RunState:
    """One run, as it lies on disk."""

    store: ChunkStore
    """The run."""
    finished: int
    """Chunks that are made."""
    bytes: int
    """What its own files take."""
    changed: float
    """When one of them last changed, in seconds since 1970."""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.store.folder.name

    @property
    def planned(self) -> int:
        """Chunks that make the video."""
        return len(self.store.plan)

    def line(self) -> str:
        """Give it as a line for a person."""
        plan = self.store.plan
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.changed))
        return (
            f"{self.name:24} {self.finished:4} of {self.planned:4} chunks  {self.bytes / 2**20:9.1f} MiB  {when}  "
            f"{plan.frame_count} frames at {float(plan.fps):g} fps, {self.store.size}"
        )

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON's types, with every chunk that is made."""
        plan = asdict(self.store.plan) | {"fps": str(self.store.plan.fps)}
        return {
            "name": self.name,
            "folder": str(self.store.folder),
            "size": str(self.store.size),
            "plan": plan,
            "planned": self.planned,
            "finished": self.finished,
            "bytes": self.bytes,
            "changed": self.changed,
            "chunks": [asdict(record) for record in self.chunks()],
        }

    def chunks(self) -> list[ChunkRecord]:
        """List the chunks that are made, in order."""
        records = self.store.records()
        return [records[index] for index in sorted(records) if index < self.planned]

    def lines(self) -> list[str]:
        """Give all there is to say: folder, plan, and a line for each chunk."""
        plan, windows = self.store.plan, self.store.plan.windows()
        told = [self.line(), f"  folder {self.store.folder}"]
        told.append(f"  plan   {plan.chunk_frames} new frames and {plan.overlap} of overlap a chunk, {plan.context}")
        for record in self.chunks():
            window = windows[record.index]
            takes = sorted({take.take for take in self.store.takes(record.index, record.key)})
            others = f", takes {', '.join(map(str, takes))}" if len(takes) > 1 else ""
            told.append(
                f"  {record.index + 1:5} frames {window.new_start}-{window.stop - 1}  {record.seconds:8.1f} s  "
                f"{record.clip}{others}"
            )
        return told


def list_runs(root: Path) -> tuple[RunState, ...]:
    """List the runs in a folder, the one that changed last first.

    Args:
        root: Where Weave keeps them; it need not be there.
    """
    folders = [plan.parent for plan in root.glob("*/plan.json")] if root.is_dir() else []
    return tuple(sorted((_state(folder) for folder in folders), key=lambda state: (-state.changed, state.name)))


def find_runs(root: Path, names: Sequence[str]) -> tuple[RunState, ...]:
    """Give some runs by their names, or all if none is named.

    Raises:
        InputError: If there is no such run.
    """
    runs = {state.name: state for state in list_runs(root)}
    unknown = [name for name in names if name not in runs]
    if unknown:
        there = f"there are {', '.join(sorted(runs))}" if runs else "there are none"
        raise InputError(f"no run '{unknown[0]}' lies in {root}; {there}")
    return tuple(runs[name] for name in names) if names else tuple(runs.values())


def removable(state: RunState, takes: bool = False, finished: bool = False) -> tuple[Path, ...]:
    """List what may go of a run: what a kill left half-written, and chunks that a shorter plan left over.

    Args:
        state: The run.
        takes: Also takes that do not count, the original among them where another does.
        finished: Also all of the run, if every chunk is made.
    """
    files = _own_files(state.store.folder)
    if finished and state.finished == state.planned:
        return tuple(files)
    records = state.store.journal.records()
    used = {name for each in records.values() if each.index < state.planned for name in (each.clip, each.latents)}
    return tuple(path for path in files if _is_spare(path.name, used, state.planned, takes))


def remove(state: RunState, files: Sequence[Path]) -> None:
    """Remove files of a run, and its folder if nothing is left in it.

    Raises:
        MediaError: If a process is at work there, or the folder cannot be written.
    """
    folder = state.store.folder
    with held(folder):
        for path in files:
            with write_errors(path):
                path.unlink(missing_ok=True)
    if {path.name for path in folder.iterdir()} <= {LOCK, OWNER}:
        with write_errors(folder):
            for name in (OWNER, LOCK):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()


def _state(folder: Path) -> RunState:
    store = ChunkStore.reopen(folder)
    stats = [path.stat() for path in _own_files(folder)]
    finished = sum(index < len(store.plan) for index in store.records())
    return RunState(store, finished, sum(each.st_size for each in stats), max(each.st_mtime for each in stats))


def _own_files(folder: Path) -> list[Path]:
    names = (OWN, LEFTOVER)
    found = (path for path in folder.iterdir() if any(each.fullmatch(path.name) for each in names))
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _is_spare(name: str, used: set[str], planned: int, takes: bool) -> bool:
    if LEFTOVER.fullmatch(name):
        return True
    numbers = re.match(r"chunk-(\d+)(-take-)?", name)
    if numbers is None or name in used:
        return False
    return takes or int(numbers[1]) >= planned
