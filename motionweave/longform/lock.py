"""One process at a time in a run directory; the system lets go of the lock when its holder ends, however it ends."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MediaError
from ..media.files import write_errors

_LOG = logging.getLogger(__name__)

LOCK, OWNER = ".lock", ".owner.json"
"""The file that is locked, and who locked it last: a locked file itself cannot be read everywhere."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a run directory to oneself inside the block.

    Args:
        folder: The directory; it must exist.

    Yields:
        Nothing.

    Raises:
        MediaError: If another process is at work there, with its number and since when; or if the folder cannot be
            written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    try:
        with write_errors(folder):
            try:
                lock.acquire(timeout=0)
            except Timeout as error:  # itself an OSError
                raise MediaError(
                    folder,
                    f"{_owner(folder)} is at work in this run directory; wait until it is done, or give this run "
                    "another name",
                ) from error
    except NotImplementedError:
        _LOG.warning("%s lies on a disk without file locks: let only one process at a time work in it", folder)
        yield
        return
    try:
        with write_errors(folder):
            (folder / OWNER).write_text(json.dumps([os.getpid(), platform.node(), time.strftime("%Y-%m-%d %H:%M:%S")]))
        yield
    finally:
        lock.release()


def _owner(folder: Path) -> str:
    try:
        process, machine, since = json.loads((folder / OWNER).read_text())
    except (OSError, ValueError):
        return "another process"
    return f"process {process} on {machine}, since {since},"
