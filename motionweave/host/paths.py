"""Names that come from a workflow, turned into paths that cannot leave the folders of a run."""

from __future__ import annotations

import re
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from ..errors import InputError
from ..runtime import Folders

ANNOTATION = re.compile(r"^(?P<name>.*) \[(?P<folder>input|output|temp)\]$", re.DOTALL)
"""ComfyUI's way to name a folder beside a file: ``x.png [output]``."""

DRIVE = re.compile(r"^[A-Za-z]:")
"""A drive letter, which on Windows makes a path absolute or relative to another place."""


def confine(folder: Path, name: str) -> Path:
    """Give the file of that name below a folder, and refuse every name that leads out of it.

    Backslashes count as separators on every system, because a workflow is shared between systems.

    Args:
        folder: Where the file has to lie; it need not exist.
        name: A relative path, as it stands in a workflow.

    Returns:
        The absolute path, with symbolic links followed.

    Raises:
        InputError: If the name is empty, absolute, climbs with ``..``, has a drive letter or a NUL, or passes a
            symbolic link that leaves the folder.
    """
    relative = PurePosixPath(name.replace("\\", "/"))
    reason = None
    if "\0" in name:
        reason = "holds a NUL character"
    elif not relative.parts:
        reason = "is empty"
    elif relative.is_absolute() or DRIVE.match(name):
        reason = "is an absolute path"
    elif ".." in relative.parts:
        reason = "climbs out of its folder with '..'"
    if reason is not None:
        raise _refusal(folder, name, reason)
    root = folder.resolve()
    try:
        path = (root / relative).resolve()
    except (OSError, RuntimeError) as error:  # A loop of links: OSError from Python 3.13 on, RuntimeError before.
        raise _refusal(folder, name, "cannot be followed to a file") from error
    if not path.is_relative_to(root):
        raise _refusal(folder, name, "passes a link that leaves its folder")
    return path


def _refusal(folder: Path, name: str, reason: str) -> InputError:
    return InputError(
        f"the path {name!r} {reason}; give a relative path below the folder '{folder.name}', and bring files from "
        "elsewhere into it"
    )


def locate(folders: Folders, name: str, default: str = "input") -> Path:
    """Find a file that a workflow names; ``x.png [output]`` names another folder than the default one.

    Args:
        folders: The run's folders.
        name: The name, with or without an annotation.
        default: Folder of names without one: ``input``, ``output`` or ``temp``.

    Returns:
        The file, which exists.

    Raises:
        InputError: If the name leads out of its folder, or no such file is there.
    """
    match = ANNOTATION.match(name)
    plain, kind = (match["name"], match["folder"]) if match else (name, default)
    folder: Path = getattr(folders, kind)
    path = confine(folder, plain)
    if not path.is_file():
        near = get_close_matches(plain.replace("\\", "/"), list_files(folder, None), n=5)
        advice = f"did you mean {', '.join(near)}?" if near else "check the name, or put it there"
        raise InputError(f"there is no file '{plain}' in the {kind} folder {folder}; {advice}")
    return path


def next_file(folder: Path, prefix: str, suffix: str) -> Path:
    """Name the next file of a series as ComfyUI does: ``{prefix}_{counter:05}_{suffix}``, one above the highest.

    Args:
        folder: The output or temp folder.
        prefix: As in a workflow, with subfolders; ``%year%`` to ``%second%`` stand for the present time.
        suffix: The ending, with its dot.

    Returns:
        A path that does not exist yet; its folder does.

    Raises:
        InputError: If the prefix leads out of the folder, or the folder cannot be made.
    """
    target = confine(folder, _with_time(prefix))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {target.parent} cannot be made ({error.strerror}); choose one that may be written"
        ) from error
    pattern = re.compile(re.escape(target.name) + r"_(\d+)_")
    matches = (pattern.match(file.name) for file in target.parent.iterdir())
    counter = 1 + max((int(match[1]) for match in matches if match), default=0)
    return target.with_name(f"{target.name}_{counter:05}_{suffix}")


def _with_time(prefix: str) -> str:
    now = datetime.now()
    for word in ("year", "month", "day", "hour", "minute", "second"):
        prefix = prefix.replace(f"%{word}%", f"{getattr(now, word):02}")
    return prefix


def list_files(folder: Path, suffixes: tuple[str, ...] | None) -> list[str]:
    """List the files of a folder and its subfolders that have one of the endings.

    Args:
        folder: The folder; one that does not exist has no files.
        suffixes: Endings in lower case, with their dots; None for every file.

    Returns:
        Names as a workflow has them: relative, with forward slashes, sorted.
    """
    files = (
        path for path in folder.rglob("*") if path.is_file() and (suffixes is None or path.suffix.lower() in suffixes)
    )
    return sorted(path.relative_to(folder).as_posix() for path in files)
