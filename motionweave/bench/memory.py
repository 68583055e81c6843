"""How much memory a piece of work takes: the peak of the process's resident set above where it started."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

EVERY_S = 0.01


@dataclass
class Watched:
    """What was seen; filled when the block ends."""

    start_bytes: int
    """Resident set when the block began."""
    peak_bytes: int
    """Largest resident set inside the block."""

    @property
    def above_mb(self) -> float:
        """Megabytes between the two."""
        return (self.peak_bytes - self.start_bytes) / 1e6


@contextmanager
def watch_memory() -> Iterator[Watched]:
    """Watch the process's resident set inside the block, a hundred times a second."""
    import psutil

    process, stop = psutil.Process(), threading.Event()
    gc.collect()
    seen = Watched(process.memory_info().rss, process.memory_info().rss)

    def look() -> None:
        while not stop.wait(EVERY_S):
            seen.peak_bytes = max(seen.peak_bytes, process.memory_info().rss)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
