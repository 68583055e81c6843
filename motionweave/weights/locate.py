"""Where models lie: bundled with the pack, in ComfyUI's model folders, in other packs, or in the hub's cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError, MissingModelError
from ..runtime import Folders
from .hub_cache import cached_snapshot
from .identify import is_kind, wrong_kind
from .manifest import ModelEntry, is_inside, load_manifest
from .roles import ROLES, Role
from .tensor_files import SUFFIXES

DEPTHS = ("*/", "*/*/", "*/*/*/")
"""How deep below a role's folder a model may lie: users sort models, and repositories and zips hold folders."""

LISTED = tuple(suffix for suffix in SUFFIXES if suffix != ".ckpt")
"""Suffixes of single files that are looked into; what ends in ``.ckpt`` are pickles of image models."""


def _roots(homes: tuple[str, ...], folders: Folders) -> Iterator[Path]:
    """Give these folders below every models root, and wherever else the host has folders of that name."""
    for home in homes:
        yield from (root / home for root in folders.models)
        first, _, rest = home.partition("/")
        yield from (folder / rest for name, folder in folders.extra if name == first)


def _bases(role: Role, folders: Folders) -> Iterator[Path]:
    """Give every folder in which a role's model folders are looked for, in order."""
    yield from _roots(role.homes, folders)
    packs = [root.parent / "custom_nodes" for root in folders.models]
    packs += [folder for name, folder in folders.extra if name == "custom_nodes"]
    yield from (pack / home for pack in packs for home in role.pack_homes)
    yield from (Path.home() / home for home in role.user_homes)


def _below(base: Path, role: Role) -> Iterator[tuple[str, Path]]:
    """Give the model folders of a role below one folder, each with its name there."""
    steps = len(Path(role.marker).parts) - 1
    for depth in DEPTHS if role.marker else ():
        for marker in sorted(base.glob(depth + role.marker)):
            folder = marker.parents[steps]
            parts = folder.relative_to(base).parts
            # Half-finished downloads and caches are hidden folders.
            if any(part.startswith(".") for part in parts) or not role.is_one(folder):
                continue
            # A zip that holds one more folder of its own name is still one model.
            short = parts[:-1] if len(parts) > 1 and parts[-1] == parts[-2] else parts
            yield "/".join(short), folder


def _files_below(base: Path, role: Role) -> Iterator[tuple[str, Path]]:
    """Give the models of a role that are single files below one folder, each with its name there."""
    for depth in ("", *DEPTHS):
        for path in sorted(base.glob(depth + "*")):
            parts = path.relative_to(base).parts
            if path.suffix.lower() not in LISTED or any(part.startswith(".") for part in parts):
                continue
            # Beside a config.json it is a part of a model that is a folder.
            if not (path.parent / "config.json").is_file() and is_kind(path, *role.file_kinds):
                yield "/".join(parts), path


def _found(role_name: str, folders: Folders) -> dict[str, Path]:
    """Give models of a role by name, folders first; of two of one name the first one found counts."""
    role = ROLES[role_name]
    places = [_below(base, role) for base in dict.fromkeys(_bases(role, folders))]
    places += [_files_below(base, role) for base in dict.fromkeys(_roots(role.file_homes, folders))]
    found: dict[str, Path] = {}
    seen: set[Path] = set()
    for name, path in (model for place in places for model in place):
        if path.resolve() not in seen:
            seen.add(path.resolve())
            found.setdefault(name, path)
    for entry in load_manifest().with_role(role_name):
        snapshot = cached_snapshot(entry)
        if snapshot is not None:
            found.setdefault(entry.id, snapshot / entry.files[0].path if len(entry.files) == 1 else snapshot)
    return found


def is_copy(entry: ModelEntry, name: str) -> bool:
    """Say whether a name says that this model is there: its id, its repository's, or that of its single file."""
    parts = name.split("/")
    if entry.id in (parts[0], parts[-1]) or parts[-1] in entry.single_files:
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
    """Give the folder, or the single file, of a manifest's model on this machine, or None.

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
    """Find a model's folder, or its single file.

    Args:
        role: A key of `ROLES`, such as ``backbone`` or ``depth``.
        name: A manifest id, or a name as `available_models` lists it.
        folders: The host's.

    Raises:
        InputError: If the name is of another role, or a file's of another kind; says what it seems to be.
        MissingModelError: If it is not on this machine; says where to get it and where to put it.
    """
    found = _found(role, folders)
    if name in found:
        return found[name]
    files_in = tuple(dict.fromkeys(_roots(ROLES[role].file_homes, folders)))
    searched = tuple(dict.fromkeys((*_bases(ROLES[role], folders), *files_in)))
    manifest = load_manifest()
    if name not in manifest.ids():
        for base in files_in:
            if is_inside(name) and (base / name).is_file():
                raise wrong_kind(base / name, f"a {role}")
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
    size = "" if entry.download_bytes is None else f"{entry.download_bytes / 1e9:.2f} GB; "
    licence = f"{size}licence: {entry.licence or 'none stated'}"
    if entry.repo is not None:
        alone = f", or its {entry.single_files[0]} into models/checkpoints" if entry.role == "backbone" else ""
        return f"Run: motionweave models download {entry.id} ({licence}), or put {entry.repo} into {place}{alone}."
    if entry.page is not None:
        return f"Get it from {entry.page} ({licence}) and put its files into {place}."
    return "It comes with the pack; get the pack again."
