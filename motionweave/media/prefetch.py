"""Work ahead in a thread, so that reading and encoding overlap: FFmpeg lets go of Python's lock in both."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")

LOOK_S = 0.1
"""How often a full queue is looked at again, to see whether anybody still wants what is in it."""


def prefetch(source: Iterator[T], ahead: int) -> Generator[T, None, None]:
    """Give what an iterator gives, made ahead of time by a thread of its own.

    Args:
        source: Run in the thread from now on; what it raises is raised here, after all that came before it.
        ahead: Most items that wait.

    Yields:
        The same items in the same order. Closing this generator ends the thread and closes the source.
    """
    waiting: Queue[tuple[str, T | BaseException | None]] = Queue(ahead)
    ended = Event()

    def give(kind: str, item: T | BaseException | None) -> bool:
        while not ended.is_set():
            try:
                waiting.put((kind, item), timeout=LOOK_S)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in source:
                if not give("item", item):
                    break
            else:
                give("end", None)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
            give("error", error)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    thread = Thread(target=work, name="motionweave-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            kind, item = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                assert isinstance(item, BaseException)
                raise item
            yield item  # type: ignore[misc]
    finally:
        ended.set()
        thread.join()
