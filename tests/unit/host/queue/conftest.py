"""A small ComfyUI server: the routes that a client needs, on real sockets, with the faults that a test asks for.

It answers as ComfyUI 0.8.0 and 0.33.0 do: bodies, statuses and the order of messages were read off real ones. A job
takes a few "steps" and shows one saved file.
"""

import asyncio
import base64
import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

OBJECT_INFO = {
    "LoadImage": {
        "input": {"required": {"image": [["there.png"], {"image_upload": True}]}},
        "output": ["IMAGE", "MASK"],
        "display_name": "Load Image",
    },
    "Work": {
        "input": {
            "required": {
                "image": ["IMAGE", {}],
                "steps": ["INT", {"default": 3, "min": 1, "max": 100}],
                "mode": ["COMBO", {"options": ["fast", "good"]}],
            }
        },
        "output": ["IMAGE"],
        "display_name": "A Work",
    },
    "Save": {
        "input": {"required": {"images": ["IMAGE", {}], "prefix": ["STRING", {"default": "x"}]}},
        "output": [],
        "output_node": True,
        "display_name": "Save",
    },
}

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
)


@dataclass
class Faults:
    """What goes wrong, each as often as its number says."""

    lost_answers: int = 0
    """Prompts that are queued, but whose answer never comes."""
    lost_requests: int = 0
    """Prompts that are lost on their way."""
    busy: int = 0
    """Prompts that are turned away with 503."""
    dropped_sockets: int = 0
    """Sockets that end at a job's second step."""
    forgets: int = 0
    """Restarts at a job's second step: sockets end, queue and history are empty."""
    password: str | None = None
    """Wanted as ``Authorization``."""
    node_errors: dict[str, Any] | None = None
    """What a prompt is refused with."""
    failure: dict[str, Any] | None = None
    """What a job fails with."""
    removes: int = 0
    """Jobs that somebody takes from the queue."""
    escaping_name: str | None = None
    """Name of the file that jobs claim to have saved."""


@dataclass
class FakeServer:
    """What the server did, and the thread that does it."""

    faults: Faults = field(default_factory=Faults)
    url: str = ""
    begun: list[str] = field(default_factory=list)
    """Ids of jobs, each time one is begun."""
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    interrupts: list[str] = field(default_factory=list)
    paused: bool = False
    """Whether jobs wait at their second step."""
    waits: bool = False
    """Whether jobs are begun only while their client listens."""
    pending: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    history: dict[str, Any] = field(default_factory=dict)
    _sockets: dict[str, web.WebSocketResponse] = field(default_factory=dict)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**20, middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/object_info", self._object_info),
                web.get("/queue", self._queue),
                web.post("/queue", self._edit_queue),
                web.get("/history/{id}", self._history),
                web.post("/prompt", self._prompt),
                web.post("/interrupt", self._interrupt),
                web.post("/upload/image", self._upload),
                web.get("/view", self._view),
                web.get("/ws", self._socket),
            ]
        )
        return app

    async def work(self) -> None:
        """Do jobs one after another, for ever."""
        while True:
            await asyncio.sleep(0.01)
            if self.pending and (not self.waits or self.prompts[self.pending[0]]["client_id"] in self._sockets):
                id = self.pending.pop(0)
                self.running.append(id)
                self.begun.append(id)
                ended = await self._run(id)
                if id in self.running:
                    self.running.remove(id)
                    self.history[id] = ended

    async def _run(self, id: str) -> dict[str, Any]:
        faults, messages = self.faults, [["execution_start", {"prompt_id": id, "timestamp": 1000}]]
        await self._tell(id, "executing", {"node": "2", "display_node": "2"})
        for step in (1, 2, 3):
            where = {"stage": "denoise", "chunk": 0, "chunk_count": 1, "step": step, "step_count": 3}
            await self._tell(id, "motionweave.progress", {"node": "2", **where})
            await self._tell(id, "progress", {"node": "2", "value": step, "max": 3})
            await asyncio.sleep(0.02)
            while self.paused and id not in self.interrupts:
                await asyncio.sleep(0.01)
            if step == 2 and faults.forgets:
                faults.forgets -= 1
                self.pending, self.running, self.history = [], [], {}
                await self._drop()
                return {}
            if step == 2 and faults.dropped_sockets:
                faults.dropped_sockets -= 1
                await self._drop()
            if id in self.interrupts:
                messages.append(["execution_interrupted", {"prompt_id": id, "timestamp": 2000}])
                await self._tell(id, "execution_interrupted", {})
                return self._entry(messages, {}, "error")
        if faults.failure is not None:
            messages.append(["execution_error", {"prompt_id": id, "timestamp": 2500, **faults.failure}])
            await self._tell(id, "execution_error", faults.failure)
            return self._entry(messages, {}, "error")
        name = faults.escaping_name or "made.png"
        shown = {
            "images": [{"filename": name, "subfolder": "sub", "type": "output"}, {"filename": "p", "type": "temp"}]
        }
        rows = [{"chunk": 0, "key": "k", "frames": 3, "seconds": 0.1, "reused": False}]
        messages.append(["execution_success", {"prompt_id": id, "timestamp": 3500}])
        await self._tell(id, "executed", {"node": "3", "display_node": "3", "output": shown})
        await self._tell(id, "execution_success", {})
        return self._entry(messages, {"3": shown, "2": {"motionweave": rows}}, "success")

    @staticmethod
    def _entry(messages: list[Any], outputs: dict[str, Any], status: str) -> dict[str, Any]:
        completed = status == "success"
        return {"outputs": outputs, "status": {"status_str": status, "completed": completed, "messages": messages}}

    async def _drop(self) -> None:
        for socket in list(self._sockets.values()):
            await socket.close()

    async def _tell(self, id: str, kind: str, data: dict[str, Any]) -> None:
        socket = self._sockets.get(str(self.prompts[id].get("client_id")))
        if socket is not None and not socket.closed:
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": kind, "data": {"prompt_id": id, **data}})

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.faults.password and request.headers.get("Authorization") != self.faults.password:
            return web.Response(status=401)
        return await handler(request)

    async def _object_info(self, _: web.Request) -> web.Response:
        return web.json_response(OBJECT_INFO)

    async def _queue(self, _: web.Request) -> web.Response:
        running = [[0, id, {}, {}, []] for id in self.running]
        pending = [[place, id, {}, {}, []] for place, id in enumerate(self.pending, 1)]
        return web.json_response({"queue_running": running, "queue_pending": pending[::-1]})

    async def _edit_queue(self, request: web.Request) -> web.Response:
        gone = (await request.json()).get("delete", [])
        self.pending = [id for id in self.pending if id not in gone]
        return web.Response()

    async def _history(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        return web.json_response({id: self.history[id]} if id in self.history else {})

    async def _prompt(self, request: web.Request) -> web.Response:
        body, faults = await request.json(), self.faults
        if faults.busy:
            faults.busy -= 1
            return web.Response(status=503)
        if faults.lost_requests:
            faults.lost_requests -= 1
            request.transport.abort()
            return web.Response()
        id = body.get("prompt_id") or str(uuid.uuid4())
        if faults.node_errors is not None:
            error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
            return web.json_response({"error": error, "node_errors": faults.node_errors}, status=400)
        self.prompts[id] = body
        if faults.removes:
            faults.removes -= 1
        else:
            self.pending.append(id)
        if faults.lost_answers:
            faults.lost_answers -= 1
            request.transport.abort()
        return web.json_response({"prompt_id": id, "number": 1, "node_errors": {}})

    async def _interrupt(self, request: web.Request) -> web.Response:
        id = (await request.json()).get("prompt_id")
        self.interrupts += [each for each in self.running if id in (None, each)]
        return web.Response()

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            form = await request.post()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        image, folder = form["image"], str(form.get("subfolder", ""))
        name, content = image.filename, image.file.read()
        while self.uploads.get(f"{folder}/{name}".lstrip("/"), content) != content:
            name = f"{image.filename.rpartition('.')[0]} (1).{image.filename.rpartition('.')[2]}"
        self.uploads[f"{folder}/{name}".lstrip("/")] = content
        return web.json_response({"name": name, "subfolder": folder, "type": "input"})

    async def _view(self, request: web.Request) -> web.Response:
        return web.Response(body=PICTURE) if request.query["filename"] == "made.png" else web.Response(status=404)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket, client = web.WebSocketResponse(), request.query["clientId"]
        await socket.prepare(request)
        self._sockets[client] = socket
        await socket.send_json(
            {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client}}
        )
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                json.loads(message.data)
        if self._sockets.get(client) is socket:
            del self._sockets[client]
        return socket


@contextlib.contextmanager
def serving(faults: Faults | None = None) -> Iterator[FakeServer]:
    """Run a server on a free port, in a thread of its own."""
    server, ready = FakeServer(faults or Faults()), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(server.application(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        worker = asyncio.create_task(server.work())
        ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            worker.cancel()
            await server._drop()
            await runner.cleanup()

    main = loop.create_task(serve())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(main)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(main.cancel)
        thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeServer]]:
    """Give a server with some faults: ``serve(busy=2)``."""
    with contextlib.ExitStack() as stack:
        yield lambda **faults: stack.enter_context(serving(Faults(**faults)))


@dataclass
class Heard:
    """A listener that keeps what it is told."""

    nodes: list[str] = field(default_factory=list)
    progress: list[Any] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def on_node(self, title: str) -> None:
        self.nodes.append(title)

    def on_progress(self, progress: Any) -> None:
        self.progress.append(progress)

    def on_preview(self, job: str, picture: bytes) -> None:
        pass

    def say(self, line: str) -> None:
        self.lines.append(line)


@dataclass
class Desk:
    """What a user has: folders, workflow files, and a client for a server."""

    folder: Path
    heard: Heard = field(default_factory=Heard)

    def workflow(self, name: str = "job.json", image: str = "mine.png", **inputs: Any) -> Path:
        prompt = {
            "1": {"class_type": "LoadImage", "inputs": {"image": image}},
            "2": {"class_type": "Work", "inputs": {"image": ["1", 0], "steps": 3, "mode": "fast", **inputs}},
            "3": {"class_type": "Save", "inputs": {"images": ["2", 0], "prefix": "x"}},
        }
        path = self.folder / name
        path.write_text(json.dumps(prompt), encoding="utf-8")
        return path

    def client(self, server: FakeServer | str, **options: Any) -> Any:
        from motionweave.host.queue import QueueClient, QueueOptions

        url = server if isinstance(server, str) else server.url
        return QueueClient(QueueOptions(url, self.folder / "input", self.folder / "output", **options), self.heard)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "mine.png").write_bytes(PICTURE)
    return Desk(tmp_path)
