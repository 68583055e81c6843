"""Files at the border: what can be read at all, and writing that leaves either the whole file or nothing."""

from __future__ import annotations

import os
import platform
import re
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import MediaError

PARTIAL = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)\.[0-9a-f]{8}\.part")
"""Names of unfinished files, with the machine's mark and the process that writes."""
CLOCK_S = 2.0
"""How far the time at which a process began may be off the disk's clock."""


def check_readable(path: Path | str) -> Path:
    """Refuse what no reader could open, in words that say which of the ways it is wrong.

    Args:
        path: The file to be read.

    Returns:
        The same path, as a `Path`.

    Raises:
        MediaError: If nothing is there, if it is a folder, or if it is empty.
    """
    path = Path(path)
    if not path.exists():
        raise MediaError(path, f"no such file in {path.parent}; check the name and the folder")
    if path.is_dir():
        raise MediaError(path, "is a folder; give a file inside it")
    if path.stat().st_size == 0:
        raise MediaError(path, "is empty (0 bytes); the copy or the download did not finish, bring the file again")
    return path


def partial_path(path: Path) -> Path:
    """Name the unfinished file beside its target, on the same disk, so that the last rename is atomic.

    Unfinished files of the same target whose process has ended, killed most likely, are removed.

    Args:
        path: The file to be written.

    Returns:
        A path that does not exist yet, in the same folder.

    Raises:
        MediaError: If the folder is missing, or a folder stands where the file should go.
    """
    if not path.parent.is_dir():
        raise MediaError(path, f"cannot be written: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise MediaError(path, "cannot be written: a folder has this name; choose another file name")
    for other in path.parent.iterdir():
        if other.name.startswith(f".{path.stem}.") and _is_abandoned(other):
            with suppress(OSError):
                other.unlink()
    return path.with_name(f".{path.stem}.{_machine()}-{os.getpid()}.{secrets.token_hex(4)}.part")


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_abandoned(path: Path) -> bool:
    """Say whether a file is an unfinished one, of this machine, and whoever wrote it is no more."""
    found = PARTIAL.fullmatch(path.name)
    if found is None or found[1] != _machine():
        return False
    import psutil

    try:
        process = psutil.Process(int(found[2]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        # Numbers are given again, in a container always the same ones: then the process is younger than the file.
        return process.create_time() > path.stat().st_mtime + CLOCK_S
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OSError):
        return False


def put_in_place(partial: Path, path: Path) -> None:
    """Give a finished file its name, so that after a crash, or a power cut, it is there whole or not at all.

    Args:
        partial: The file, written and closed.
        path: Its name, on the same disk; a file that has it is replaced.

    Raises:
        OSError: If the disk refuses.
    """
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have a folder's new names outlive a power cut, where the system lets folders be opened (Windows does not)."""
    if os.name == "nt":
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Tell the system's and PyAV's refusals to write as `MediaError`, with the system's own words.

    Args:
        path: The file being written, for the message.

    Yields:
        Nothing.

    Raises:
        MediaError: If the block raised an `OSError` or an error of PyAV.
    """
    from av.error import FFmpegError

    try:
        yield
    except (OSError, FFmpegError) as error:
        reason = error.strerror or str(error)
        raise MediaError(
            path, f"cannot be written: {reason}; check that the folder may be written and that its disk has room"
        ) from error


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Write a file that appears only when it is complete.

    Args:
        path: The file to be written.

    Yields:
        A temporary path in the same folder; it is renamed to `path` when the block ends well and removed when not.

    Raises:
        MediaError: If the folder or the disk refuses.
    """
    path = Path(path)
    partial = partial_path(path)
    try:
        with write_errors(path):
            yield partial
            put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)
