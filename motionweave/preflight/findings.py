"""What was found: a list of rows, each good, worth knowing, or a reason not to start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InputError

Level = Literal["ok", "note", "stop"]
"""Good; worth knowing; would fail."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    """How it stands."""
    what: str
    """The thing, in a word or two."""
    why: str
    """What was found."""
    change: str = ""
    """What to change; empty where there is nothing to do."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.level:<4}  {self.what}: {self.why}{f'; {self.change}' if self.change else ''}"


@dataclass(frozen=True)
class Cost:
    """What a run is predicted to take; None where nothing tells."""

    device_bytes: int | None = None
    """Peak on the graphics card; None where the work is done on the processor."""
    ram_bytes: int | None = None
    """Peak of the process's memory."""
    disk_bytes: int | None = None
    """What is written that is not there yet, the finished video included."""
    seconds: float | None = None
    """Time from here to the finished video."""


@dataclass(frozen=True)
class PreflightReport:
    """Everything that was found about a run."""

    findings: tuple[Finding, ...]
    """In the order of the walk: what does not fit, then what it takes."""
    cost: Cost
    """The numbers behind the last rows."""

    @property
    def stops(self) -> tuple[Finding, ...]:
        """What would fail."""
        return tuple(each for each in self.findings if each.level == "stop")

    def __str__(self) -> str:
        """Give a table for people, the worst first."""
        order = ("stop", "note", "ok")
        rows = sorted(self.findings, key=lambda each: order.index(each.level))
        return "\n".join([self.verdict, *map(str, rows)])

    @property
    def verdict(self) -> str:
        """Say in a line how it stands."""
        notes = sum(each.level == "note" for each in self.findings)
        if self.stops:
            count = len(self.stops)
            return f"preflight: {count} thing{'s' if count > 1 else ''} would fail"
        return f"preflight: nothing would fail{f', {notes} worth knowing' if notes else ''}"

    def rows(self) -> list[dict[str, Any]]:
        """Give the rows as JSON has them."""
        return [vars(each).copy() for each in self.findings]

    def refuse(self) -> None:
        """Stop a run that would fail.

        Raises:
            InputError: Naming everything that would, and what to change.
        """
        if self.stops:
            told = " ".join(
                f"({place}) {each.what}: {each.why}{f'; {each.change}' if each.change else ''}."
                for place, each in enumerate(self.stops, start=1)
            )
            raise InputError(f"{self.verdict}. {told}")
