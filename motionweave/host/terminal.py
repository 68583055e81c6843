"""Progress on a terminal: the node, the chunk, the step and the time that is left."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .. import types


class TerminalProgress:
    """Shows a run while it goes on; writes to the error stream, so that results can be piped.

    Where the error stream is no terminal, one line a chunk is written instead of a moving bar.
    """

    def __init__(self) -> None:
        """Prepare a bar for each stage that will report."""
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[where]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last: tuple[str, int] | None = None
        self._node = ""

    def __enter__(self) -> TerminalProgress:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing; what was drawn stays."""
        self._bars.stop()

    def on_node(self, title: str) -> None:
        """Take the title of the node that begins.

        Args:
            title: What a person reads.
        """
        self._node = title
        self._tasks.clear()

    def on_progress(self, progress: types.Progress) -> None:
        """Take a report.

        Args:
            progress: Where the run stands.
        """
        where = f"chunk {progress.chunk + 1}/{progress.chunk_count}, step {progress.step}/{progress.step_count}"
        done = progress.chunk * progress.step_count + progress.step
        if self._console.is_terminal:
            self._draw(progress.stage, progress.chunk_count * progress.step_count, done, where)
        elif self._last != (progress.stage, progress.chunk):
            self._last = (progress.stage, progress.chunk)
            self._console.print(f"{self._node}: {progress.stage}, chunk {progress.chunk + 1}/{progress.chunk_count}")

    def _draw(self, stage: str, total: int, done: int, where: str) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(f"{self._node}: {stage}", total=total, where="")
        self._bars.update(self._tasks[stage], completed=done, total=total, where=where)
