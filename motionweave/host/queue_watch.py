"""Watches jobs on a ComfyUI server until they end, through lost connections and restarts of the server.

The socket tells how a run goes on; what became of a job is asked for, because a socket's missed messages are not sent
again. A job that is neither queued nor in the history after a connection was lost has gone with the server's memory: it
is queued again, once, and the chunk store spares what was made. Without a lost connection, somebody removed it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from .queue_events import Events, Listener
from .queue_jobs import Ended, Job, ended_from_history
from .server import ComfyServer, ServerError

POLL_S = 5.0
"""How often the server is asked, whatever its socket says."""

PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits between tries to reach a server again; the last one repeats."""

HEARTBEAT_S = 30.0
"""How often a silent socket is tested."""


@dataclass(frozen=True)
class WatchOptions:
    """How long to watch, and what to do with lost jobs."""

    client_id: str
    """The client that queued the jobs; the server tells it alone how they go on."""
    requeue: Callable[[Job], Awaitable[None]] | None
    """Queues a lost job again; None to give it up."""
    patience_s: float = 600.0
    """Longest time without the server."""


class Watch:
    """Watches some jobs."""

    def __init__(self, server: ComfyServer, jobs: Sequence[Job], listener: Listener, options: WatchOptions) -> None:
        """Take the jobs; nothing is asked yet.

        Args:
            server: Where they are queued.
            jobs: What to watch.
            listener: Told how they go on.
            options: How to watch.
        """
        self._server, self._listener, self._options = server, listener, options
        self._open = {job.id: job for job in jobs}
        self._ended: dict[str, Ended] = {}
        self._requeued: set[str] = set()
        self._events = Events(self._open, listener)
        self._may_be_lost = True
        self._ahead: dict[str, int] = {}
        self._last_contact = time.monotonic()

    async def run(self) -> Mapping[str, Ended]:
        """Watch until all have ended.

        Returns:
            What became of each, by id.

        Raises:
            ServerError: If the server refuses, or stays away for longer than the patience allows.
        """
        tries = 0
        while self._open:
            try:
                await self._connected()
            except (ServerError, *_socket_errors()) as error:
                self._give_up_if(error)
            if self._open:
                tries = 0 if time.monotonic() - self._last_contact < POLL_S else tries + 1
                self._may_be_lost = True
                if tries == 0:
                    self._listener.say("the connection to the server was lost; trying again")
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        return self._ended

    def _give_up_if(self, error: BaseException) -> None:
        """Raise what trying again will not change."""
        away_s = time.monotonic() - self._last_contact
        if isinstance(error, ServerError) and not error.is_silence and (error.status or 0) < 500:
            raise error
        if away_s > self._options.patience_s:
            ids = " ".join(self._open)
            raise ServerError(
                f"no answer from {self._server.name} for {away_s:.0f} s; jobs may still run there: watch them again "
                f"with --attach {ids}"
            ) from error

    async def _connected(self) -> None:
        """Watch for as long as one socket lives."""
        address, query = self._server.at("/ws"), {"clientId": self._options.client_id}
        async with self._server.session.ws_connect(
            address, params=query, heartbeat=HEARTBEAT_S, max_msg_size=0
        ) as socket:
            await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
            next_look = 0.0
            while self._open:
                if time.monotonic() >= next_look or self._events.take_ends():
                    await self._look()
                    next_look = time.monotonic() + POLL_S
                    continue
                try:
                    message = await socket.receive(timeout=max(next_look - time.monotonic(), 0.01))
                except asyncio.TimeoutError:
                    continue
                if not self._events.take(message):
                    return
                self._last_contact = time.monotonic()

    async def _look(self) -> None:
        """Ask the server where the jobs stand; the queue first, so that one that ends in between is in the history."""
        queue = await self._server.get("/queue")
        running = [str(entry[1]) for entry in queue.get("queue_running", ())]
        pending = [str(entry[1]) for entry in sorted(queue.get("queue_pending", ()), key=lambda entry: entry[0])]
        self._last_contact = time.monotonic()
        self._say_place(running, pending)
        for job in [job for id, job in self._open.items() if id not in running and id not in pending]:
            history = await self._server.get(f"/history/{job.id}")
            ended = ended_from_history(history[job.id], job) if job.id in history else self._events.success_of(job)
            if ended is not None:
                self._end(job, ended)
            else:
                await self._absent(job)
        self._may_be_lost = False

    async def _absent(self, job: Job) -> None:
        if not self._may_be_lost:
            self._end(job, Ended("removed", error="it was removed from the server's queue"))
        elif self._options.requeue is None or job.id in self._requeued:
            again = ", twice" if job.id in self._requeued else ""
            self._end(job, Ended("lost", error=f"the server no longer knows it{again}; queue it again"))
        else:
            self._requeued.add(job.id)
            self._listener.say(
                f"{job.name}: the server was restarted and lost it; queued again, finished chunks are kept"
            )
            await self._options.requeue(job)

    def _end(self, job: Job, ended: Ended) -> None:
        del self._open[job.id]
        self._ended[job.id] = ended.after(job.id in self._requeued)

    def _say_place(self, running: Sequence[str], pending: Sequence[str]) -> None:
        """Tell how many jobs of others come before ours, whenever that changes."""
        for id, job in self._open.items():
            before = (*running, *pending[: pending.index(id)]) if id in pending else ()
            ahead = sum(each not in self._open for each in before)
            if ahead and ahead != self._ahead.get(id):
                self._listener.say(f"{job.name}: waits behind {ahead} other job{'s' if ahead > 1 else ''}")
            self._ahead[id] = ahead


def _socket_errors() -> tuple[type[BaseException], ...]:
    import aiohttp

    return aiohttp.ClientError, asyncio.TimeoutError, ConnectionError
