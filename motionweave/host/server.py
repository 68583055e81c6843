"""One ComfyUI server, spoken to over HTTP; what it refuses comes back as a line for people.

The routes and their habits are ComfyUI's own: `server.py` of its 0.8.0 and 0.33.0 releases.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import InputError, MotionWeaveError, UnsupportedError

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 60.0
"""Longest silence of a server that is held to be there."""

PIECE_BYTES = 2**18
"""How much of a file is held in memory while it is fetched."""

NO_ENTRY, TOO_LARGE, BUSY = (401, 403, 407), 413, (429, 503)
"""Statuses that mean: not allowed, file too large, and too many jobs."""

_NO_ADDRESS = "'{}' is not the address of a server; expected something like http://127.0.0.1:8188"


class ServerError(MotionWeaveError):
    """A ComfyUI server cannot be reached, or refuses."""

    def __init__(self, message: str, status: int | None = None, body: Any = None) -> None:
        """Keep what the server said.

        Args:
            message: A line for people.
            status: HTTP status; None if no answer came.
            body: The answer: JSON, or text.
        """
        super().__init__(message)
        self.status = status
        self.body = body

    @property
    def is_silence(self) -> bool:
        """Whether no answer came, so that nobody knows whether the server did what it was asked."""
        return self.status is None


class ComfyServer:
    """A session with one server; use it as ``async with ComfyServer(url) as server``."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Check the address; nothing is sent yet.

        Args:
            url: Such as ``http://127.0.0.1:8188``, with a path if a proxy wants one, and ``user:password@`` before the
                host where the server asks for them.
            headers: Sent with each request, such as a token's ``Authorization``.

        Raises:
            InputError: If the address is none.
        """
        whole = url if "//" in url else f"http://{url}"
        try:
            parts = urlsplit(whole)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise InputError(_NO_ADDRESS.format(url)) from error
        if not usable:
            raise InputError(_NO_ADDRESS.format(url))
        self._root = whole.rstrip("/")
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        """The address without a password, for messages."""
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ComfyServer:
        """Open the session."""
        http = _aiohttp()
        timeout = http.ClientTimeout(total=None, connect=TIMEOUT_S, sock_read=TIMEOUT_S)
        self._session = http.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session."""
        assert self._session is not None, "used outside its `async with`"
        return self._session

    def at(self, path: str) -> str:
        """Give the address of a route.

        Args:
            path: Beginning with a slash.
        """
        return self._root + path

    async def get(self, path: str, **query: str) -> Any:
        """Give a route's JSON.

        Args:
            path: The route.
            query: Its parameters.

        Raises:
            ServerError: If no answer comes, or a refusal.
        """
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: Any = None, form: Any = None) -> Any:
        """Send JSON or a form, and give the answer's JSON.

        Args:
            path: The route.
            body: The JSON value.
            form: An `aiohttp.FormData` in its place.

        Raises:
            ServerError: If no answer comes, or a refusal.
        """
        return await (self._ask("POST", path, json=body) if form is None else self._ask("POST", path, data=form))

    async def download(self, query: Mapping[str, str], target: Path) -> None:
        """Write a file of the server's, as ``/view`` gives it, piece by piece.

        Args:
            query: Which file: ``filename``, ``subfolder`` and ``type``.
            target: Where to; its folder exists.

        Raises:
            ServerError: If no answer comes, a refusal, or only a part of the file.
        """
        http = _aiohttp()
        try:
            async with self.session.get(self.at("/view"), params=query) as reply:
                if reply.status != 200:
                    raise self._refusal(reply.status, await reply.text(), f"/view of {query['filename']}")
                with target.open("wb") as file:
                    async for piece in reply.content.iter_chunked(PIECE_BYTES):
                        file.write(piece)
        except (http.ClientError, asyncio.TimeoutError, ConnectionError) as error:
            raise self._silence(error) from error

    async def _ask(self, method: str, path: str, **what: Any) -> Any:
        http = _aiohttp()
        try:
            async with self.session.request(method, self.at(path), **what) as reply:
                status, text = reply.status, await reply.text(errors="replace")
        except (http.ClientError, asyncio.TimeoutError, ConnectionError) as error:
            raise self._silence(error) from error
        if status != 200:
            raise self._refusal(status, text, path)
        return _json_or_text(text)

    def _silence(self, error: BaseException) -> ServerError:
        code = getattr(error, "errno", None)  # The system's own words are plainer than those that aiohttp puts round.
        words = os.strerror(code) if code else " ".join(str(error).split()) or type(error).__name__
        return ServerError(f"no answer from {self.name} ({words}); check that ComfyUI runs there, and the address")

    def _refusal(self, status: int, text: str, path: str) -> ServerError:
        if status in NO_ENTRY:
            advice = (
                "give user:password@ in the address, or the server's token with --header 'Authorization: Bearer ...'"
            )
            message = f"{self.name} refuses entry (HTTP {status}); {advice}"
        elif status == TOO_LARGE:
            message = f"{self.name} takes no file of this size; start it with a larger --max-upload-size (in MB)"
        elif status in BUSY:
            message = f"{self.name} takes no more jobs at the moment (HTTP {status}); try again later"
        else:
            message = f"{self.name} answered HTTP {status} to {path}: {' '.join(text.split())[:200] or 'nothing more'}"
        return ServerError(message, status, _json_or_text(text))


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _aiohttp() -> Any:
    """Import aiohttp, which is ComfyUI's own library for this, only when a server is spoken to."""
    try:
        import aiohttp
    except ImportError as error:
        raise UnsupportedError(
            "speaking to a ComfyUI server without aiohttp", "Install it: pip install aiohttp"
        ) from error
    return aiohttp
