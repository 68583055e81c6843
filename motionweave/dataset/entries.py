"""A dataset on disk: ``videos/*.mp4`` and ``metadata.json``, one entry a clip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import InputError
from ..media.files import whole_file

METADATA = "metadata.json"
VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")

Split = Literal["train", "test"]


class Entry(BaseModel):
    """One clip as its owner describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: str
    """The video, or a folder of numbered pictures, relative to the dataset."""
    prompt: str = ""
    """What it shows, in words; backbones without a text encoder take no notice."""
    image: str | None = None
    """A picture of who is shown, relative to the dataset; without one, another moment of the clip serves."""
    light: str | None = None
    """Its light as JSON (`tracks.light_files`), relative to the dataset."""
    camera: str | None = None
    """Its camera as RealEstate10K's text, relative to the dataset; from the film's first frame on, in units of the
    subject's distance there."""
    split: Split = "train"
    """``test`` clips are held out: training measures on them and never learns from them."""


@dataclass(frozen=True)
class Problem:
    """Something that was left out, and why."""

    file: str
    """Which file, or which entry of the metadata."""
    reason: str
    """Why, in words."""

    def line(self) -> str:
        """Give it for a report."""
        return f"{self.file}: {self.reason}"


def is_within(name: str) -> bool:
    """Say whether a name in the metadata stays inside the dataset, on every system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and ".." not in parts and parts[0] != "/" and ":" not in parts[0]


def read_entries(folder: Path) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
    """Read a dataset's entries: those of its metadata, and one for each video that the metadata does not name.

    Args:
        folder: The dataset.

    Returns:
        Entries whose files are there, in a fixed order; and what is wrong with the others.

    Raises:
        InputError: If the metadata is no list of entries, or cannot be read at all.
    """
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    told = folder / METADATA
    for index, each in enumerate(_read_list(told) if told.is_file() else ()):
        found = _checked(folder, each, index)
        if isinstance(found, Problem):
            problems.append(found)
        elif found.file in entries:
            problems.append(Problem(found.file, f"entry {index} of {METADATA} names it a second time"))
        else:
            entries[found.file] = found
    refused = {problem.file for problem in problems}
    for path in sorted((folder / "videos").glob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() in VIDEO_ENDINGS and name not in refused:
            entries.setdefault(name, Entry(file=name))
    return tuple(entries[name] for name in sorted(entries)), tuple(problems)


def write_entries(path: Path, entries: Sequence[BaseModel]) -> None:
    """Write entries; the file appears whole or not at all.

    Args:
        path: The JSON file.
        entries: One a clip.
    """
    text = json.dumps([entry.model_dump(mode="json") for entry in entries], indent=1)
    with whole_file(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _read_list(path: Path) -> list[Any]:
    try:
        # Some editors begin a file with a mark of its encoding.
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); mend it, or move it away to take every video") from error
    if not isinstance(data, list):
        raise InputError(f"{path} holds a {type(data).__name__}; expected a list with one entry a clip")
    return data


def _checked(folder: Path, data: Any, index: int) -> Entry | Problem:
    name = str(data.get("file", "")) if isinstance(data, dict) else ""
    shown = name or f"entry {index} of {METADATA}"
    try:
        entry = Entry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the entry"
        return Problem(shown, f"{METADATA} is wrong at {place} of entry {index}: {first['msg']}")
    for each in (entry.file, entry.image, entry.light, entry.camera):
        if each is None:
            continue
        if not is_within(each):
            return Problem(shown, f"'{each}' leads out of the dataset; name files relative to it")
        if not (folder / each).exists():
            return Problem(shown, f"{METADATA} names '{each}', which is not there")
    return entry
