"""One HTTP/1.1 connection: reads requests, writes each answer in one piece, or resets the connection as told.

Our own because load tests share their CPU with us (a general server writes head and body apart, two system calls for
one answer), and because a provider that dies before answering must be played exactly.
"""

import asyncio
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools

from wisipay_simulator.server.app import Application
from wisipay_simulator.server.http import MAX_BODY_BYTES, Answer, Request

_MAX_PIPELINED = 64
_PHRASES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(asyncio.Protocol):
    """Serves the requests of one connection, one after the other. `connections` holds all open ones."""

    def __init__(self, application: Application, connections: "set[Connection]") -> None:
        self._application = application
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; what it asked for is finished all the same."""
        del exc
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is not HTTP is answered 400 and closed."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.write(_BAD_REQUEST)
                self._transport.close()

    def on_message_begin(self) -> None:
        """Start a request (called by the parser, as the next four)."""
        self._url, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        """Collect the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Ask for the body of a caller who waits to be asked."""
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Collect the body, up to just beyond its limit."""
        if len(self._body) <= MAX_BODY_BYTES:
            self._body += data

    def on_message_complete(self) -> None:
        """Serve the request, after those before it."""
        path, _, query = self._url.partition(b"?")
        text = path.decode("latin-1")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=unquote(text) if "%" in text else text,
            query_text=query,
            headers=self._headers,
            body=self._body,
        )
        keeps = self._parser.should_keep_alive()
        if self.task is None:
            self._serve(request, keeps=keeps)
            return
        self._waiting.append((request, keeps))
        if len(self._waiting) > _MAX_PIPELINED:
            self.abort()

    def abort(self) -> None:
        """Reset the connection."""
        if self._transport is not None:
            self._transport.abort()

    def close_if_idle(self) -> None:
        """Close the connection unless it is serving a request."""
        if self.task is None and self._transport is not None:
            self._transport.close()

    def _serve(self, request: Request, *, keeps: bool) -> None:
        """Answer at once where nothing comes before the answer: a task for each request would cost more than it."""
        if self._transport is None:
            return
        answer = self._application.answer(request)
        if answer.delay_ms or answer.first is not None:
            self.task = asyncio.get_running_loop().create_task(self._serve_later(answer, keeps=keeps))
        else:
            self._send(answer, keeps=keeps)

    async def _serve_later(self, answer: Answer, *, keeps: bool) -> None:
        try:
            if answer.first is not None:
                await answer.first()
            await asyncio.sleep(answer.delay_ms / 1000)
            self._send(answer, keeps=keeps)
        except asyncio.CancelledError:
            self._waiting.clear()
            self.abort()
        finally:
            self.task = None
        while self._waiting and self.task is None:
            request, keeps = self._waiting.popleft()
            self._serve(request, keeps=keeps)

    def _send(self, answer: Answer, *, keeps: bool) -> None:
        if answer.abort:
            self.abort()
        elif self._transport is not None:
            self._transport.write(_head(answer, keeps=keeps) + answer.body)
            if not keeps:
                self._transport.close()


def _head(answer: Answer, *, keeps: bool) -> bytes:
    start = _head_start(answer.status, answer.content_type, answer.headers, keeps=keeps)
    return b"%bcontent-length: %d\r\n\r\n" % (start, len(answer.body))


@lru_cache(maxsize=1024)
def _head_start(status: int, content_type: str, headers: tuple[tuple[bytes, bytes], ...], *, keeps: bool) -> bytes:
    phrase = _PHRASES.get(status) or f"HTTP/1.1 {status} Told\r\n".encode()
    extra = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not keeps:
        extra += b"connection: close\r\n"
    return b"%bcontent-type: %b\r\n%b" % (phrase, content_type.encode(), extra)
