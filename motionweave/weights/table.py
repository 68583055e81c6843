"""README's table of models: made from the manifest, so that it cannot say anything else."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .manifest import ModelEntry, load_manifest

START = "<!-- models: written by `motionweave models table --write README.md` -->"
"""Line above the table in a file that holds it."""

END = "<!-- /models -->"
"""Line below it."""

HEAD = "| model | id | loaded by | licence | verified | how |\n|---|---|---|---|---|---|"


def models_table() -> str:
    """Give the table in Markdown: a row for every model of the manifest."""
    return "\n".join([HEAD, *(_row(entry) for entry in load_manifest().models)])


def with_table(text: str) -> str:
    """Give a file's text with the table between its two marks.

    Raises:
        InputError: If a mark is missing.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise InputError(f"there is no place for the table; expected the lines {START} and {END}")
    return f"{before}{START}\n\n{models_table()}\n\n{END}{after}"


def write_table(path: Path) -> None:
    """Put the table into a file, between its two marks.

    Raises:
        InputError: If the file cannot be read, or a mark is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the file that holds the table") from error
    path.write_text(with_table(text), encoding="utf-8", newline="\n")


def _row(entry: ModelEntry) -> str:
    licence = entry.licence or "none stated: all rights reserved"
    return f"| {entry.title} | `{entry.id}` | {entry.node} | {licence} | {entry.verified} | {entry.verified_by} |"
