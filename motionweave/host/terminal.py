"""Progress on a terminal: the node, the chunk, the step and the time that is left."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .. import types


def as_time(seconds: float) -> str:
    """Give a span of time as people read it: ``1:05`` or ``2:00:00``.

    Args:
        seconds: The span.
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Pace:
    """Forecasts from what steps and chunks took so far; None while there is nothing to go by."""

    def __init__(self) -> None:
        """Begin without knowledge."""
        self.chunk_left_s: float | None = None
        """Seconds to the end of the chunk's stage."""
        self.left_s: float | None = None
        """Seconds to the end of the last chunk."""
        self._stage = ""
        self._chunk = -1
        self._first_step, self._stage_began_s, self._chunk_began_s = 0, 0.0, 0.0
        self._chunks_s: list[float] = []

    def take(self, progress: types.Progress) -> None:
        """Take a report.

        Args:
            progress: Where the run stands.
        """
        now = time.monotonic()
        if progress.chunk != self._chunk:
            if progress.chunk == self._chunk + 1 and self._chunk >= 0:
                self._chunks_s.append(now - self._chunk_began_s)
            self._chunk, self._chunk_began_s, self._stage = progress.chunk, now, ""
        if progress.stage != self._stage:
            self._stage, self._first_step, self._stage_began_s = progress.stage, progress.step, now
        steps, rest = progress.step - self._first_step, progress.step_count - progress.step
        self.chunk_left_s = (now - self._stage_began_s) / steps * rest if steps > 0 else None
        if self._chunks_s:
            whole_s = sum(self._chunks_s) / len(self._chunks_s) * (progress.chunk_count - progress.chunk)
            self.left_s = max(whole_s - (now - self._chunk_began_s), 0.0)


class TerminalProgress:
    """Shows a run while it goes on; writes to the error stream, so that results can be piped.

    Where the error stream is no terminal, one line a chunk is written instead of a moving bar.
    """

    def __init__(self, previews: Path | None = None) -> None:
        """Prepare a bar for each stage that will report.

        Args:
            previews: Folder for the latest picture of each job; None for none.
        """
        self._previews = previews
        self._pace = Pace()
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
        self.stop()

    def stop(self) -> None:
        """Stop drawing, so that a question can be asked."""
        self._bars.stop()

    def on_node(self, title: str) -> None:
        """Take the title of the node that begins.

        Args:
            title: What a person reads.
        """
        self._node, self._pace = title, Pace()
        self._tasks.clear()

    def on_progress(self, progress: types.Progress) -> None:
        """Take a report.

        Args:
            progress: Where the run stands.
        """
        where = f"chunk {progress.chunk + 1}/{progress.chunk_count}, step {progress.step}/{progress.step_count}"
        self._pace.take(progress)
        if self._pace.chunk_left_s is not None:
            where += f", {as_time(self._pace.chunk_left_s)} to the chunk's end"
        done = progress.chunk * progress.step_count + progress.step
        if self._console.is_terminal:
            self._draw(progress.stage, progress.chunk_count * progress.step_count, done, where)
        elif self._last != (progress.stage, progress.chunk):
            self._last = (progress.stage, progress.chunk)
            left = "" if self._pace.left_s is None else f", {as_time(self._pace.left_s)} left"
            self.say(f"{self._node}: {progress.stage}, chunk {progress.chunk + 1}/{progress.chunk_count}{left}")

    def on_preview(self, job: str, picture: bytes) -> None:
        """Keep what a job's picture looks like so far, if there is a folder for it.

        Args:
            job: The job's name.
            picture: A JPEG or PNG file.
        """
        if self._previews is not None:
            self._previews.mkdir(parents=True, exist_ok=True)
            ending = "png" if picture.startswith(b"\x89PNG") else "jpg"
            (self._previews / f"{Path(job).stem}.{ending}").write_bytes(picture)

    def say(self, line: str) -> None:
        """Write a line above the bars.

        Args:
            line: For people.
        """
        self._console.print(line, markup=False, highlight=False)

    def _draw(self, stage: str, total: int, done: int, where: str) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(f"{self._node}: {stage}", total=total, where="")
        self._bars.update(self._tasks[stage], completed=done, total=total, where=where)
