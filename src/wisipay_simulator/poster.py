"""Posts bodies over kept-alive HTTP/1.1 connections and tells the status. Nothing else: no redirects, no cookies.

Our own because load tests share their CPU with us: a general client costs several times as much per call. It is never
used for anything but the simulator's webhooks.
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

import httptools
import msgspec

_MAX_ANSWER_BYTES = 64 * 1024
_MAX_IDLE_PER_TARGET = 128


class Target(msgspec.Struct, frozen=True, gc=False):
    """Where a URL leads: connection and the first lines of the request."""

    host: str
    port: int
    secure: bool
    head: str

    @property
    def key(self) -> tuple[str, int, bool]:
        """Return what two URLs must share to share connections."""
        return self.host, self.port, self.secure


class PostFailedError(Exception):
    """There was no usable answer."""


class Poster:
    """Sends posts, each over an idle connection to its target or a new one."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool], list[_Connection]] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, timeout_seconds: float) -> int:
        """Return the answer's status, or PostFailedError."""
        try:
            target = parse_target(url)
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(target, headers, body)
        except (OSError, TimeoutError, ValueError) as problem:
            raise PostFailedError(str(problem) or type(problem).__name__) from problem

    def close(self) -> None:
        """Close the idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        idle = self._idle.setdefault(target.key, [])
        connection = None
        while idle and connection is None:
            kept = idle.pop()
            connection = kept if kept.usable else None
        connection = connection or await _connect(target)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{target.head}{lines}content-length: {len(body)}\r\n\r\n"
        try:
            status = await connection.send(head.encode("latin-1") + body)
        except BaseException:
            connection.close()
            raise
        if connection.usable and len(idle) < _MAX_IDLE_PER_TARGET:
            idle.append(connection)
        else:
            connection.close()
        return status


@lru_cache(maxsize=4096)
def parse_target(url: str) -> Target:
    """Return where a URL leads; ValueError when it is not an http or https address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https address")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError(f"{url!r} has a path that does not fit a request line")
    return Target(
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        secure=secure,
        head=f"POST {path} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\n",
    )


async def _connect(target: Target) -> "_Connection":
    context = ssl.create_default_context() if target.secure else None
    _, connection = await asyncio.get_running_loop().create_connection(
        _Connection, target.host, target.port, ssl=context
    )
    return connection


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.usable = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._received = 0

    async def send(self, request: bytes) -> int:
        """Write a whole request and wait for the end of its answer."""
        if self._transport is None:
            raise ConnectionError("not connected")
        self._received = 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Give the connection up."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a broken or endless answer ends the connection."""
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            self._fail(ConnectionError(f"not an HTTP answer: {problem}"))
        if self._received > _MAX_ANSWER_BYTES:
            self._fail(ConnectionError("the answer is too long"))

    def on_message_complete(self) -> None:
        """Hand the status to the waiting sender (called by the parser)."""
        self.usable = self.usable and self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits."""
        self._fail(exc or ConnectionError("closed before the answer"))

    def _fail(self, problem: Exception) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(problem)
        if self._transport is not None:
            self._transport.abort()
