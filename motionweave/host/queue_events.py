"""What a ComfyUI server's socket says, handed on as progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from ..types import Progress
from .queue_jobs import Ended, Job

PREVIEW_WITH_METADATA = 4
"""Kind of the binary messages that say whose picture they carry."""

ENDS = ("execution_success", "execution_error", "execution_interrupted")


class Listener(Protocol):
    """Whom to tell how jobs go on."""

    def on_node(self, title: str) -> None:
        """Take the title of the node that begins."""
        ...

    def on_progress(self, progress: Progress) -> None:
        """Take a report of a long node."""
        ...

    def on_preview(self, job: str, picture: bytes) -> None:
        """Take what a job's picture looks like so far: a JPEG or PNG file."""
        ...

    def say(self, line: str) -> None:
        """Take a line for people."""
        ...


class Events:
    """Reads messages of the socket."""

    def __init__(self, jobs: Mapping[str, Job], listener: Listener) -> None:
        """Take the jobs that are watched.

        Args:
            jobs: By id; others are none of ours. Those that have ended are taken out by their owner.
            listener: Whom to tell.
        """
        self._jobs, self._listener = jobs, listener
        self._names_jobs = len(jobs) > 1
        self._shown: dict[str, dict[str, Any]] = {}
        self._succeeded: set[str] = set()
        self._by_chunk: set[tuple[str, str]] = set()
        self._ends = False

    def take_ends(self) -> bool:
        """Say whether a job has ended since this was asked last."""
        ends, self._ends = self._ends, False
        return ends

    def success_of(self, job: Job) -> Ended | None:
        """Give the end of a job that was seen to succeed, for a server that was restarted since."""
        return Ended("done", self._shown.get(job.id, {})) if job.id in self._succeeded else None

    def take(self, message: Any) -> bool:
        """Read one message.

        Args:
            message: An `aiohttp.WSMessage`.

        Returns:
            Whether the socket is still open.
        """
        from aiohttp import WSMsgType

        if message.type == WSMsgType.TEXT:
            event = json.loads(message.data)
            data = event.get("data")
            self._read(str(event.get("type")), data if isinstance(data, dict) else {})
        elif message.type == WSMsgType.BINARY:
            self._preview(message.data)
        return message.type in (WSMsgType.TEXT, WSMsgType.BINARY)

    def _read(self, kind: str, data: Mapping[str, Any]) -> None:
        job = self._jobs.get(str(data.get("prompt_id")))
        if job is None:
            return
        node = str(data.get("display_node") or data.get("node"))
        if kind == "executing" and data.get("node") is not None:
            title = job.title(node)
            self._listener.on_node(f"{job.name}: {title}" if self._names_jobs else title)
        elif kind == "motionweave.progress":
            self._by_chunk.add((job.id, node))
            chunk, count, step, steps = (int(data[key]) for key in ("chunk", "chunk_count", "step", "step_count"))
            self._listener.on_progress(Progress(str(data["stage"]), chunk, count, step, steps))
        elif kind == "progress" and (job.id, node) not in self._by_chunk:
            self._listener.on_progress(Progress("step", 0, 1, int(data.get("value", 0)), int(data.get("max", 1))))
        elif kind == "executed":
            self._shown.setdefault(job.id, {})[node] = data.get("output") or {}
        elif kind in ENDS:
            self._ends = True
            if kind == "execution_success":
                self._succeeded.add(job.id)

    def _preview(self, message: bytes) -> None:
        if int.from_bytes(message[:4], "big") != PREVIEW_WITH_METADATA:
            return
        length = int.from_bytes(message[4:8], "big")
        job = self._jobs.get(str(json.loads(message[8 : 8 + length]).get("prompt_id")))
        if job is not None:
            self._listener.on_preview(job.name, message[8 + length :])
