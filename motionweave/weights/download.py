"""Fetch a model from the hub, after it was asked for: verified by the hub's checksum, then put where it is found.

Files gather in a hidden folder beside their place and move there when all of them are whole, so that an interrupted
download is never mistaken for a model, and goes on where it stopped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, MotionWeaveError
from .checks import ExpectedFile, check_file, write_record
from .manifest import ModelEntry
from .survey import readable_size


@dataclass(frozen=True)
class Offer:
    """What would be fetched."""

    entry: ModelEntry
    """The model."""
    commit: str
    """The repository's commit; every file is fetched from that one."""
    files: tuple[ExpectedFile, ...]
    """What the hub says of each file."""
    hub_licence: str | None
    """The licence that the hub's page states now."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size_bytes or 0 for file in self.files)

    def lines(self) -> tuple[str, ...]:
        """Say what one should know before accepting it."""
        entry = self.entry
        return (
            f"{entry.id}: {entry.title}",
            f"  from     https://huggingface.co/{entry.repo} at {self.commit[:12]}, {len(self.files)} files, "
            f"{readable_size(self.size_bytes)}",
            f"  licence  {entry.licence or 'none known'}; its page says: {self.hub_licence or 'nothing'}",
            f"  note     {entry.licence_note}",
        )


def ask_hub(entry: ModelEntry) -> Offer:
    """Ask the hub for a model's sizes, checksums and licence; no weights are fetched.

    Args:
        entry: The model.

    Raises:
        InputError: If it is not on the hub; says where it is instead.
        MotionWeaveError: If the hub cannot be reached, refuses, or lacks a file.
    """
    if entry.repo is None:
        place = f"get it from {entry.page}" if entry.page else "it comes with the pack"
        raise InputError(f"'{entry.id}' is not on the model hub; {place}. {entry.licence_note}")
    from huggingface_hub import HfApi

    with _hub_errors(entry):
        info: Any = HfApi(endpoint=_endpoint()).model_info(entry.repo, revision=entry.revision, files_metadata=True)
    siblings = {each.rfilename: each for each in info.siblings or ()}
    missing = [file.path for file in entry.files if file.path not in siblings]
    if missing:
        raise MotionWeaveError(
            f"{entry.repo} has no {', '.join(missing)} any more; update the pack, or get the model by hand"
        )
    files = tuple(_expected(siblings[file.path], file.sha256) for file in entry.files)
    card: Any = info.card_data
    licence = None if card is None else card.get("license_name") or card.get("license")
    return Offer(entry, info.sha, files, licence)


def _endpoint() -> str | None:
    """Give the hub's address where the user names another; its client would read it only once, when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None


def _expected(sibling: Any, sha256: str | None) -> ExpectedFile:
    """Take what the hub knows; a checksum in the manifest overrules the hub's, so that a changed file is noticed."""
    large = sibling.lfs is not None
    return ExpectedFile(
        path=sibling.rfilename,
        size_bytes=sibling.size,
        sha256=sha256 or (sibling.lfs["sha256"] if large else None),
        git_blob=None if large else sibling.blob_id,
    )


def fetch(offer: Offer, models: Path, on_file: Callable[[str], None] = lambda _: None) -> Path:
    """Fetch what was offered.

    Args:
        offer: From `ask_hub`, accepted by the user.
        models: ComfyUI's ``models`` folder, or another root of the same shape.
        on_file: Told of each file's name before it is fetched.

    Returns:
        The model's folder, below ``models`` in the folder that the manifest names.

    Raises:
        InputError: If the disk is too small.
        MotionWeaveError: If the hub fails, or a file is not what the hub said.
    """
    target = models / offer.entry.comfy_folder / offer.entry.id
    parts = target.parent / f".{offer.entry.id}.part"
    wanted = [file for file in offer.files if not _whole(target, file)]
    _check_room(target.parent, sum(file.size_bytes or 0 for file in wanted))
    for file in wanted:
        if not _whole(parts, file):
            on_file(file.path)
            _fetch_file(offer, file, parts)
    for file in wanted:
        (target / file.path).parent.mkdir(parents=True, exist_ok=True)
        (parts / file.path).replace(target / file.path)
    write_record(target, str(offer.entry.repo), offer.commit, offer.files)
    shutil.rmtree(parts, ignore_errors=True)
    return target


def _whole(folder: Path, file: ExpectedFile) -> bool:
    return (folder / file.path).is_file() and check_file(folder, file).problem is None


def _fetch_file(offer: Offer, file: ExpectedFile, parts: Path) -> None:
    from huggingface_hub import hf_hub_download

    repo = str(offer.entry.repo)
    # A whole file that did not pass is not one to go on from.
    (parts / file.path).unlink(missing_ok=True)
    with _hub_errors(offer.entry):
        hf_hub_download(repo, file.path, revision=offer.commit, local_dir=parts, endpoint=_endpoint())
    problem = check_file(parts, file).problem
    if problem is not None:
        (parts / file.path).unlink(missing_ok=True)
        raise MotionWeaveError(
            f"{file.path} of {repo} {problem}; it was deleted. Run the same command again; if that does not help, "
            "something between this machine and the hub changes files"
        )


def _check_room(folder: Path, needed: int) -> None:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise InputError(
            f"{readable_size(needed)} are to be fetched into {folder}, where {readable_size(free)} are free; free some "
            "space, or choose another --models-dir"
        )


@contextmanager
def _hub_errors(entry: ModelEntry) -> Iterator[None]:
    """Turn what the hub's client raises into words on what to do."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{entry.repo}"
    unreachable: tuple[type[Exception], ...] = (OSError, getattr(errors, "HTTPError", OSError))
    try:
        yield
    except errors.GatedRepoError as error:
        raise MotionWeaveError(
            f"{page} is gated: accept its terms there with your account, then run: hf auth login"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise MotionWeaveError(f"{page} is not there, or not for everybody; look at the page") from error
    except (errors.HfHubHTTPError, *unreachable) as error:
        reason = " ".join(str(error).split())[:200]
        raise MotionWeaveError(
            f"{page} could not be fetched ({reason}); check the connection and run the same command again: it goes on "
            "where it stopped"
        ) from error
