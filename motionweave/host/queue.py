"""Queues workflows on a ComfyUI server, watches them, and fetches what they make.

Three steps, each of which can be called by itself: `QueueClient.submit`, `watch`, `fetch`. No job is lost or doubled: a
job's id is ours, so an answer that went missing is looked up before anything is sent again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from .graph import Graph
from .object_info import catalogue_from_info
from .queue_events import Listener
from .queue_files import fetch_outputs, upload_inputs
from .queue_jobs import Ended, Job, refusal, refuse_unknown_nodes
from .queue_watch import PAUSES_S, Watch, WatchOptions
from .report import RunReport, describe_all
from .server import BUSY, ComfyServer, ServerError
from .waiting import result_of
from .workflow import apply_overrides, read_workflow

BAD_REQUEST = 400
"""Status with which ComfyUI refuses a workflow."""


@dataclass(frozen=True)
class QueueOptions:
    """Where workflows are queued, and how."""

    server: str
    """Address of the ComfyUI server."""
    input_dir: Path
    """Files that the workflows name."""
    output_dir: Path
    """Where outputs are brought."""
    overrides: tuple[str, ...] = ()
    """``NODE.INPUT=VALUE``, set in each workflow."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with each request."""
    patience_s: float = 600.0
    """Longest time without an answer, or with a full queue."""


@dataclass(frozen=True)
class JobReport:
    """What became of one workflow."""

    workflow: str
    """Its name."""
    prompt_id: str
    """The job's id on the server."""
    status: str
    """As `Ended` has it."""
    error: str | None
    """Why it is not done."""
    requeued: bool
    """Whether the server lost it once and it was queued again."""
    run: RunReport
    """What it made; without the server's memory, which is not told."""

    def to_data(self) -> dict[str, Any]:
        """Give it as a JSON value, flat."""
        own = {name: value for name, value in asdict(self).items() if name != "run"}
        return {**own, **json.loads(self.run.to_json())}


def report_json(server: str, jobs: Sequence[Job], made: Sequence[JobReport]) -> str:
    """Give the report of some jobs as JSON.

    Args:
        server: Where they were queued.
        jobs: What was queued; those that were not watched are reported as queued.
        made: What became of those that were watched.
    """
    watched = {each.prompt_id for each in made}
    queued = [{"workflow": job.name, "prompt_id": job.id, "status": "queued"} for job in jobs if job.id not in watched]
    return json.dumps({"server": server, "jobs": [*(each.to_data() for each in made), *queued]}, indent=2)


class QueueClient:
    """Speaks to one server for one set of jobs."""

    def __init__(self, options: QueueOptions, listener: Listener) -> None:
        """Take the settings; nothing is sent yet.

        Args:
            options: Where, and how.
            listener: Told how things go on.
        """
        self._options, self._listener = options, listener
        self._client_id = uuid4().hex
        self.jobs: list[Job] = []
        """What is queued so far, in order."""

    def submit(self, workflows: Sequence[Path]) -> tuple[Job, ...]:
        """Bring inputs to the server and queue the workflows; all are read before the first is queued.

        Args:
            workflows: Canvas or API format.

        Raises:
            WorkflowError: If one cannot be read, has nodes that the server does not know, or is refused by it.
            InputError: If a value or a path is wrong.
            ServerError: If the server does not answer, or takes no more.
        """
        return result_of(self._submit(workflows))

    def watch(self, jobs: Iterable[Job] | None = None) -> tuple[JobReport, ...]:
        """Watch jobs to their ends and fetch their outputs.

        Args:
            jobs: What to watch; None for what was submitted.

        Raises:
            ServerError: If the server stays away, or does not give an output.
        """
        return result_of(self._watch(tuple(self.jobs if jobs is None else jobs)))

    def attach(self, ids: Sequence[str]) -> tuple[JobReport, ...]:
        """Watch jobs that were queued before; one that the server lost cannot be queued again from here.

        Args:
            ids: Their ids.
        """
        self.jobs = [Job(id, id, Graph({})) for id in ids]
        return result_of(self._watch(tuple(self.jobs), requeues=False))

    def cancel(self) -> None:
        """Take our jobs from the queue and stop the one that runs, and nobody else's.

        Raises:
            ServerError: If the server does not answer.
        """
        result_of(self._cancel())

    async def _submit(self, workflows: Sequence[Path]) -> tuple[Job, ...]:
        async with self._server() as server:
            known = catalogue_from_info(await server.get("/object_info"))
            ready: list[Job] = []
            for path in workflows:
                graph = read_workflow(path, known)
                refuse_unknown_nodes(graph, known, path.name, server.name)
                graph = apply_overrides(graph, self._options.overrides, known)
                ready.append(Job(str(uuid4()), path.name, graph))
            for job in ready:
                graph, absent = await upload_inputs(server, job.graph, known, self._options.input_dir)
                if absent:
                    self._listener.say(f"{job.name}: left to the server's input folder: {', '.join(absent)}")
                self.jobs.append(Job(job.id, job.name, graph))
                await self._post(server, self.jobs[-1])
        return tuple(self.jobs)

    async def _post(self, server: ComfyServer, job: Job) -> None:
        """Queue a job, once: where no answer comes, the server is asked whether it has it."""
        started, tries, unsure = time.monotonic(), 0, False
        while True:
            try:
                if unsure and await self._has(server, job):
                    return
                unsure = False
                answer = await server.post("/prompt", body=job.body(self._client_id))
                break
            except ServerError as error:
                if error.status == BAD_REQUEST:
                    raise refusal(error.body, job) from error
                patient = time.monotonic() - started < self._options.patience_s
                if not patient or not (error.is_silence or error.status in BUSY):
                    raise
                unsure = unsure or error.is_silence
                if tries == 0:
                    self._listener.say(f"{job.name}: {error}; trying again")
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1
        if answer.get("node_errors"):
            await self._remove(server, (job,))
            raise refusal(answer, job)

    async def _has(self, server: ComfyServer, job: Job) -> bool:
        """Say whether the server has the job: in its queue, running or done."""
        queue = await server.get("/queue")
        if any(str(entry[1]) == job.id for entries in queue.values() for entry in entries):
            return True
        return job.id in await server.get(f"/history/{job.id}")

    async def _watch(self, jobs: Sequence[Job], requeues: bool = True) -> tuple[JobReport, ...]:
        async with self._server() as server:

            async def requeue(job: Job) -> None:
                await self._post(server, job)

            options = WatchOptions(self._client_id, requeue if requeues else None, self._options.patience_s)
            ended = await Watch(server, jobs, self._listener, options).run()
            return tuple([await self._report(server, job, ended[job.id]) for job in jobs])

    async def _report(self, server: ComfyServer, job: Job, ended: Ended) -> JobReport:
        files = await fetch_outputs(server, ended.outputs, self._options.output_dir)
        shown = [ui for ui in ended.outputs.values() if isinstance(ui, dict)]
        run = RunReport(
            outputs=describe_all(files),
            chunks=tuple(row for ui in shown for row in ui.get("motionweave", ())),
            memory=tuple(row for ui in shown for row in ui.get("motionweave_memory", ())),
            texts=tuple(str(text) for ui in shown for text in ui.get("text", ())),
            peak_rss_mb=None,
            seconds=ended.seconds,
        )
        return JobReport(job.name, job.id, ended.status, ended.error, ended.requeued, run)

    async def _cancel(self) -> None:
        async with self._server() as server:
            await self._remove(server, self.jobs)

    async def _remove(self, server: ComfyServer, jobs: Sequence[Job]) -> None:
        await server.post("/queue", body={"delete": [job.id for job in jobs]})
        running = {str(entry[1]) for entry in (await server.get("/queue")).get("queue_running", ())}
        for job in jobs:
            if job.id in running:
                # Without its id, the server would stop whatever runs.
                await server.post("/interrupt", body={"prompt_id": job.id})

    def _server(self) -> ComfyServer:
        return ComfyServer(self._options.server, self._options.headers)
