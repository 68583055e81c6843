"""Check models on this machine, and say what to do about a damaged one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import MissingModelError
from ..runtime import Folders
from .checks import FileCheck, check_model
from .locate import find_entry, how_to_get
from .manifest import ModelEntry, load_manifest


@dataclass(frozen=True)
class ModelReport:
    """What was found about one model."""

    entry: ModelEntry
    """The model."""
    folder: Path
    """Where it lies."""
    files: tuple[FileCheck, ...]
    """Each of its files."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return bool(self.files) and all(file.problem is None for file in self.files)

    def lines(self) -> tuple[str, ...]:
        """Say it in lines for a person."""
        name = self.entry.id
        if self.is_sound:
            compared = sum(file.compared for file in self.files)
            return (
                f"{name}: {len(self.files)} files open, {compared} of them compared with a checksum; {self.folder}",
            )
        wrong = [f"{name}: {file.path} {file.problem}" for file in self.files if file.problem is not None]
        return (*(wrong or [f"{name}: {self.folder} holds no weights"]), f"{name}: {self._advice()}")

    def _advice(self) -> str:
        if self.entry.bundled is not None:
            return "it comes with the pack; get the pack again"
        if self.entry.repo is not None:
            return f"delete {self.folder} and run: motionweave models download {self.entry.id}"
        return f"delete {self.folder} and get it again from {self.entry.page}"


def verify_models(folders: Folders, ids: tuple[str, ...] = ()) -> Iterator[ModelReport]:
    """Check models.

    Args:
        folders: The host's.
        ids: Which; every model of the manifest that is on this machine if none is named.

    Returns:
        A report on each, as soon as it is checked: large ones take a while.

    Raises:
        InputError: If there is no model of that id.
        MissingModelError: If a named model is not on this machine.
    """
    manifest = load_manifest()
    named = [manifest.get(id) for id in ids]
    for entry in named or manifest.models:
        folder = find_entry(entry, folders)
        if folder is not None:
            yield ModelReport(entry, folder, check_model(entry, folder))
        elif named:
            raise MissingModelError(entry.id, folders.models, how_to_get(entry))
