"""A model hub of one repository, served from this machine."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_blob(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


class Hub(ThreadingHTTPServer):
    """Answers as the hub does to what its client asks for."""

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repo, self.files = repo, files
        self.promised = dict(files)
        self.asked: list[str] = []
        self.licence = "apache-2.0"
        self.gated = False
        self.cut_after: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def sibling(self, name: str) -> dict[str, object]:
        content = self.promised[name]
        told: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
        if not name.endswith(".json"):
            told["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        return told


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format, *args):
        pass

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        if path.startswith(f"/api/models/{self.server.repo}"):
            told = {
                "id": self.server.repo,
                "sha": COMMIT,
                "cardData": {"license": self.server.licence},
                "siblings": [self.server.sibling(name) for name in self.server.files],
            }
            self.send(200, json.dumps(told).encode(), {"Content-Type": "application/json"}, with_body)
            return
        name = path.split(f"/{self.server.repo}/resolve/{COMMIT}/")[-1]
        if self.server.gated:
            self.send(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"}, with_body)
        elif name in self.server.files:
            self.send_file(self.server.files[name], name, with_body)
        else:
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"}, with_body)

    def send_file(self, content: bytes, name: str, with_body: bool) -> None:
        headers = {
            "X-Repo-Commit": COMMIT,
            "ETag": f'"{git_blob(self.server.promised[name])}"',
            "Accept-Ranges": "bytes",
        }
        wanted, status = self.headers.get("Range"), 200
        if wanted:
            first = int(wanted.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            content, status = content[first:], 206
        self.send(status, content, headers, with_body)

    def send(self, status: int, content: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            cut = self.server.cut_after if status in (200, 206) and "Accept-Ranges" in headers else None
            if cut is not None and len(content) > cut:
                self.server.cut_after = None
                self.wfile.write(content[:cut])
                self.wfile.flush()
                self.connection.close()
            else:
                self.wfile.write(content)


@pytest.fixture
def serve():
    """Starts hubs."""
    started: list[Hub] = []

    def start(repo: str, files: dict[str, bytes]) -> Hub:
        hub = Hub(repo, files)
        threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
        started.append(hub)
        return hub

    yield start
    for hub in started:
        hub.shutdown()
        hub.server_close()
