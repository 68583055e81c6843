"""Many jobs from one file: what they are, how each is run, and what became of them.

A job is one workflow with a name and values of its own. Jobs share the output folder, so a job that is run again goes
on from the chunks that it made.
"""

from __future__ import annotations

import csv
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

from ..errors import InputError, MissingModelError, MotionWeaveError
from .context import default_folders
from .paths import confine
from .queue_events import Listener
from .run import RunOptions, run_workflow
from .warm import WarmModels

LOG = logging.getLogger(__name__)

NAMES = ("workflow", "name", "set")
"""Fields of a job that are no inputs of nodes."""


@dataclass(frozen=True)
class BatchJob:
    """One job."""

    name: str
    """Its own name; its outputs go into a folder of that name."""
    workflow: Path
    """Workflow JSON of either format."""
    overrides: tuple[str, ...] = ()
    """``NODE.INPUT=VALUE``, in order."""


@dataclass(frozen=True)
class BatchOptions:
    """How jobs are run."""

    input_dir: Path
    """Files that the workflows name."""
    output_dir: Path
    """Each job writes into the folder of its name below it."""
    retries: int = 1
    """How often a job that failed is run again; one with bad input is not."""
    memory: str = "auto"
    """How models live on the device: an id in `RESIDENCIES`, or ``auto``."""


@dataclass(frozen=True)
class BatchResult:
    """What became of one job."""

    name: str
    """The job's."""
    done: bool
    """Whether it made its video."""
    error: str | None = None
    """Why not, in one line."""
    tries: int = 1
    """How often it was begun."""
    seconds: float = 0.0
    """Over all tries."""
    worker: str = ""
    """Which process ran it."""
    report: dict[str, Any] = field(default_factory=dict)
    """As ``motionweave run --report`` writes it."""

    def __str__(self) -> str:
        """Give it as one line."""
        if not self.done:
            return f"{self.name}: failed, {self.error}"
        chunks, reused = len(self.report.get("chunks", ())), self.report.get("reused_chunks", 0)
        return f"{self.name}: done in {self.seconds:.1f} s, {chunks} chunks, {reused} of them reused"


def read_jobs(path: Path) -> tuple[BatchJob, ...]:
    """Read a file of jobs.

    JSON: a list of ``{"workflow": "a.json", "name": "take 1", "set": {"Weave.seed": 7}}``. CSV: a line of names, then
    one line a job; the columns are ``workflow``, ``name`` and, for each value to set, one called ``NODE.INPUT``. A job
    without a name gets its place. Paths of workflows are relative to the file.

    Args:
        path: The file; its ending says which of the two it is.

    Raises:
        InputError: If it cannot be read, a job is not as described, or two have one name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error}); expected a JSON or CSV file of jobs") from error
    rows = _csv_rows(text) if path.suffix.lower() == ".csv" else _json_rows(text, path.name)
    jobs = tuple(_job(row, place, path) for place, row in enumerate(rows, 1))
    if not jobs:
        raise InputError(f"{path.name} has no job; expected one a line, or a JSON list")
    names = [job.name.casefold() for job in jobs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"two jobs of {path.name} are called '{twice}'; outputs are kept by name, so give each its own"
        )
    return jobs


def _csv_rows(text: str) -> Iterator[dict[str, Any]]:
    for row in csv.DictReader(StringIO(text)):
        values = {str(key).strip(): value for key, value in row.items() if value not in (None, "")}
        if values:
            own = {key: value for key, value in values.items() if key in NAMES}
            yield {**own, "set": {key: value for key, value in values.items() if key not in NAMES}}


def _json_rows(text: str, name: str) -> list[Any]:
    try:
        rows: Any = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name} is not JSON: {error}; a CSV file ends in .csv") from error
    if not isinstance(rows, list):
        raise InputError(f"{name} holds {str(rows)[:60]}; expected a list of jobs")
    return rows


def _job(row: Any, place: int, file: Path) -> BatchJob:
    sets = row.get("set", {}) if isinstance(row, dict) else None
    if not isinstance(sets, dict) or not isinstance(row.get("workflow"), str) or set(row) - set(NAMES):
        raise InputError(
            f"job {place} of {file.name} is {str(row)[:80]}; expected a workflow, and perhaps a name and values to set "
            "by NODE.INPUT"
        )
    name = str(row.get("name") or f"job{place:04}")
    confine(Path(), name)
    overrides = tuple(f"{key}={_as_text(value)}" for key, value in sets.items())
    return BatchJob(name, file.parent / row["workflow"], overrides)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def run_job(
    job: BatchJob, options: BatchOptions, warm: WarmModels, listener: Listener | None = None, worker: str = ""
) -> BatchResult:
    """Run one job in this process, again where it failed, and say what became of it.

    Args:
        job: What to run.
        options: How.
        warm: Models that stay loaded from job to job.
        listener: Told how it goes on.
        worker: What to call this process in the report.

    Returns:
        The result; errors are in it and not raised, so that other jobs go on.
    """
    started, tries, error = time.monotonic(), 0, ""
    while tries <= options.retries:
        tries += 1
        try:
            report = _run(job, options, warm, listener)
        except (MotionWeaveError, RuntimeError, OSError) as failure:
            error = " ".join(str(failure).split()) or type(failure).__name__
            LOG.warning("%s: try %d failed: %s", job.name, tries, error)
            if isinstance(failure, InputError | MissingModelError):
                break  # It would fail again.
        else:
            return BatchResult(job.name, True, None, tries, time.monotonic() - started, worker, report)
    return BatchResult(job.name, False, error, tries, time.monotonic() - started, worker)


def _run(job: BatchJob, options: BatchOptions, warm: WarmModels, listener: Listener | None) -> dict[str, Any]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="motionweave-") as temp:
        folders = default_folders(options.input_dir, options.output_dir / job.name, Path(temp))
        run = RunOptions(folders, job.overrides, residency=options.memory, warm=warm)
        if listener is not None:
            run = replace(run, on_progress=listener.on_progress, on_node=listener.on_node)
        return json.loads(run_workflow(job.workflow, run).to_json())


def run_batch(
    jobs: Sequence[BatchJob],
    options: BatchOptions,
    on_result: Callable[[BatchResult], None],
    listener: Listener | None = None,
) -> tuple[BatchResult, ...]:
    """Run jobs in this process, one after another; models that two of them share are loaded once.

    Args:
        jobs: What to run.
        options: How.
        on_result: Told of each result.
        listener: Told how each job goes on.
    """
    results: list[BatchResult] = []
    warm = WarmModels()
    for job in jobs:
        results.append(run_job(job, options, warm, listener))
        on_result(results[-1])
    return tuple(results)


def batch_json(results: Iterable[BatchResult]) -> str:
    """Give the report of a batch as JSON.

    Args:
        results: What became of the jobs.
    """
    rows = [asdict(each) for each in results]
    done = sum(row["done"] for row in rows)
    return json.dumps({"jobs": rows, "done": done, "failed": len(rows) - done}, indent=2)
