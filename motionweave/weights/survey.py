"""Which models there are, which of them lie on this machine and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..runtime import Folders
from .locate import available_models, find_entry, how_to_get, is_copy, locate_model
from .manifest import ModelEntry, load_manifest
from .roles import ROLES


@dataclass(frozen=True)
class ModelState:
    """One model, listed in the manifest or found beside it."""

    id: str
    """Its id, or the folder's name for a model that the manifest does not know."""
    role: str
    """What it is used as."""
    title: str
    """What a person reads."""
    licence: str | None
    """The licence's name, or None where none is known."""
    folder: Path | None
    """Where it lies, or None if it is not here."""
    size_bytes: int | None
    """Bytes on disk, or to fetch as far as that is known."""
    bundled: bool = False
    """Whether it comes with the pack."""
    how_to_get: str = ""
    """What to do to have it."""

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON's types."""
        return {
            "id": self.id,
            "role": self.role,
            "title": self.title,
            "licence": self.licence,
            "here": self.folder is not None,
            "folder": None if self.folder is None else str(self.folder),
            "size_bytes": self.size_bytes,
            "bundled": self.bundled,
            "how_to_get": self.how_to_get,
        }

    def line(self) -> str:
        """Give it as a line for a person."""
        place = str(self.folder) if self.folder is not None else "not here"
        size = readable_size(self.size_bytes)
        return f"{self.id:40} {self.role:14} {size:>9}  {self.title}; {self.licence or 'no licence known'}; {place}"


def survey(folders: Folders, role: str | None = None) -> tuple[ModelState, ...]:
    """List every model of the manifest, and those on this machine that it does not know.

    Args:
        folders: The host's.
        role: Only models of this role.

    Raises:
        InputError: If there is no such role.
    """
    entries = load_manifest().models
    roles = tuple(dict.fromkeys((*ROLES, *(entry.role for entry in entries))))
    if role is not None and role not in roles:
        raise InputError(f"there are no models of role '{role}'; roles are {', '.join(roles)}")
    wanted = roles if role is None else (role,)
    listed = [_listed(entry, folders) for entry in entries if entry.role in wanted]
    others = [_other(name, each, folders) for each in wanted if each in ROLES for name in _unknown(each, folders)]
    return (*listed, *others)


def readable_size(size_bytes: int | None) -> str:
    """Give a size in decimal units, as the hub's pages do."""
    if size_bytes is None:
        return "? MB"
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.2f} GB"
    return f"{size_bytes / 1e6:.1f} MB"


def _listed(entry: ModelEntry, folders: Folders) -> ModelState:
    folder = find_entry(entry, folders)
    size = entry.download_bytes if folder is None else _size_on_disk(folder)
    return ModelState(
        entry.id, entry.role, entry.title, entry.licence, folder, size, entry.bundled is not None, how_to_get(entry)
    )


def _unknown(role: str, folders: Folders) -> list[str]:
    """Give names of models on this machine that are no copy of a model in the manifest."""
    entries = load_manifest().with_role(role)
    return [name for name in available_models(role, folders) if not any(is_copy(entry, name) for entry in entries)]


def _other(name: str, role: str, folders: Folders) -> ModelState:
    folder = locate_model(role, name, folders)
    return ModelState(name, role, "found on this machine", None, folder, _size_on_disk(folder))


def _size_on_disk(model: Path) -> int:
    files = [model] if model.is_file() else (path for path in model.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)
