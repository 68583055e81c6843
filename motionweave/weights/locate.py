"""Where models lie: bundled with the pack, in ComfyUI's model folders, in other packs, or in the hub's cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError, MissingModelError
from ..runtime import Folders
from .hub_cache import cached_snapshot
from .manifest import ModelEntry, load_manifest
from .roles import ROLES, Role

DEPTHS = ("*/", "*/*/", "*/*/*/")
"""How deep below a role's folder a model may lie: users sort models, and repositories and zips hold folders."""


def _bases(role: Role, folders: Folders) -> Iterator[Path]:
    """Give every folder in which models of a role are looked for, in order."""
    for home in role.homes:
        yield from (root / home for root in folders.models)
        first, _, rest = home.partition("/")
        yield from (folder / rest for name, folder in folders.extra if name == first)
    packs = [root.parent / "custom_nodes" for root in folders.models]
    packs += [folder for name, folder in folders.extra if name == "custom_nodes"]
    yield from (pack / home for pack in packs for home in role.pack_homes)
    yield from (Path.home() / home for home in role.user_homes)


def _below(base: Path, role: Role) -> Iterator[tuple[str, Path]]:
    """Give the models of a role below one folder, each with its name there."""
    steps = len(Path(role.marker).parts) - 1
    for depth in DEPTHS:
        for marker in sorted(base.glob(depth + role.marker)):
            folder = marker.parents[steps]
            parts = folder.relative_to(base).parts
            # Half-finished downloads and caches are hidden folders.
            if any(part.startswith(".") for part in parts) or not role.is_one(folder):
                continue
            # A zip that holds one more folder of its own name is still one model.
            short = parts[:-1] if len(parts) > 1 and parts[-1] == parts[-2] else parts
            yield "/".join(short), folder


def _found(role_name: str, folders: Folders) -> dict[str, Path]:
    """Give model folders of a role by name; of two of one name the first one found counts."""
    role = ROLES[role_name]
    found: dict[str, Path] = {}
    seen: set[Path] = set()
    for base in dict.fromkeys(_bases(role, folders)):
        for name, folder in _below(base, role):
            if folder.resolve() not in seen:
                seen.add(folder.resolve())
                found.setdefault(name, folder)
    for entry in load_manifest().with_role(role_name):
        snapshot = cached_snapshot(entry)
        if snapshot is not None:
            found.setdefault(entry.id, snapshot)
    return found


def is_copy(entry: ModelEntry, name: str) -> bool:
    """Say whether a folder's name says that it holds this model: its id, or its repository's name."""
    parts = name.split("/")
    if entry.id in (parts[0], parts[-1]):
        return True
    return entry.repo is not None and (name == entry.repo or parts[-1] == entry.repo.split("/")[1])


def available_models(role: str, folders: Folders) -> tuple[str, ...]:
    """List what can be loaded for a role: bundled models first, then those that are found on this machine.

    Args:
        role: A key of `ROLES`, such as ``backbone`` or ``depth``.
        folders: The host's.
    """
    bundled = (entry for entry in load_manifest().with_role(role) if entry.bundled_path is not None)
    present = [entry.id for entry in bundled if entry.bundled_path is not None and entry.bundled_path.is_dir()]
    return tuple(dict.fromkeys((*present, *_found(role, folders))))


def find_entry(entry: ModelEntry, folders: Folders) -> Path | None:
    """Give the folder of a manifest's model on this machine, or None.

    Args:
        entry: The model.
        folders: The host's.
    """
    if entry.bundled_path is not None and entry.bundled_path.is_dir():
        return entry.bundled_path
    if entry.role not in ROLES:
        return None
    found = _found(entry.role, folders)
    return found.get(entry.id) or next((path for name, path in found.items() if is_copy(entry, name)), None)


def locate_model(role: str, name: str, folders: Folders) -> Path:
    """Find a model's folder.

    Args:
        role: A key of `ROLES`, such as ``backbone`` or ``depth``.
        name: A manifest id, or a folder's name as `available_models` lists it.
        folders: The host's.

    Raises:
        InputError: If the name is of another role.
        MissingModelError: If it is not on this machine; says where to get it and where to put it.
    """
    found = _found(role, folders)
    if name in found:
        return found[name]
    searched = tuple(dict.fromkeys(_bases(ROLES[role], folders)))
    manifest = load_manifest()
    if name not in manifest.ids():
        known = ", ".join(available_models(role, folders)) or "none"
        raise MissingModelError(name, searched, f"Known here are: {known}.")
    entry = manifest.get(name)
    if entry.role != role:
        raise InputError(f"'{name}' is a {entry.role}; expected a {role}")
    folder = find_entry(entry, folders)
    if folder is None:
        raise MissingModelError(name, searched, how_to_get(entry))
    return folder


def how_to_get(entry: ModelEntry) -> str:
    """Say in a sentence where to get a model and where to put it."""
    place = f"ComfyUI's models/{entry.comfy_folder}/{entry.id}"
    licence = f"licence: {entry.licence or 'none stated'}"
    if entry.repo is not None:
        return f"Run: motionweave models download {entry.id} ({licence}), or put {entry.repo} into {place}."
    if entry.page is not None:
        return f"Get it from {entry.page} ({licence}) and put its files into {place}."
    return "It comes with the pack; get the pack again."
