"""Registries: explicit, ordered lists of plug-ins, one line each.

No decorators and no import-time magic: a registry is read top to bottom in the file that fills it. Heavy imports belong
inside an entry's ``build``, so that listing what exists costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One plug-in."""

    id: str
    """Stable name, written into workflows."""
    title: str
    """What a person reads."""
    build: Callable[..., T]
    """Makes the thing; imports what it needs when called."""
    needs: tuple[str, ...] = ()
    """Manifest ids or roles of the models it loads."""


class Registry(Generic[T]):
    """Plug-ins of one kind, in the order in which they are offered."""

    def __init__(self, kind: str, entries: tuple[Entry[T], ...] = ()) -> None:
        """Start with some entries.

        Args:
            kind: What the entries are, for messages.
            entries: The first ones.

        Raises:
            InputError: If two share an id.
        """
        self.kind = kind
        self._entries: dict[str, Entry[T]] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry[T]) -> None:
        """Add a plug-in at the end.

        Raises:
            InputError: If its id is taken; the registry is then unchanged.
        """
        if entry.id in self._entries:
            raise InputError(f"{self.kind} '{entry.id}' is registered already")
        self._entries[entry.id] = entry

    def get(self, id: str) -> Entry[T]:
        """Give the entry of that id.

        Raises:
            InputError: If there is none; the message lists those there are.
        """
        if id not in self._entries:
            raise InputError(f"there is no {self.kind} '{id}'; known are {', '.join(self.ids())}")
        return self._entries[id]

    def ids(self) -> tuple[str, ...]:
        """Ids in order."""
        return tuple(self._entries)

    def copy(self) -> Registry[T]:
        """Give an independent copy, so that a test can add to it."""
        return Registry(self.kind, tuple(self._entries.values()))

    def __iter__(self) -> Iterator[Entry[T]]:
        """Walk the entries in order."""
        return iter(self._entries.values())

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._entries)
