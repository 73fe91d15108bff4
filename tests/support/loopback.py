"""A provider on this machine that answers exactly what a test tells it to, broken answers included.

Written on bare sockets: a proper HTTP server would refuse to send half of what a test needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

_CLOSE_SECONDS = 5


class Fault(StrEnum):
    """What may happen to an answer on its way."""

    NONE = "none"
    NEVER_ANSWERS = "never answers"
    CLOSES_UNANSWERED = "closes the connection unanswered"
    CUT_OFF = "closes the connection in the middle of the body"
    STALLS = "stops in the middle of the body and keeps the connection"
    NOT_HTTP = "sends something that is not HTTP"


@dataclass(frozen=True)
class WireAnswer:
    """One answer as it goes over the wire."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    fault: Fault = Fault.NONE


@dataclass(frozen=True)
class Received:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Loopback:
    """The server's script and its record. `answers` are used up in order, the last one again and again."""

    url: str = ""
    answers: list[WireAnswer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def will_answer(self, *answers: WireAnswer) -> None:
        """Set what the next requests get."""
        self.answers[:] = answers

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._serve_one(reader, writer):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._writers.discard(writer)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(method, path, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await self._send(answer, writer)

    async def _send(self, answer: WireAnswer, writer: asyncio.StreamWriter) -> bool:
        if answer.fault is Fault.NEVER_ANSWERS:
            await self._ended.wait()
        if answer.fault in {Fault.NEVER_ANSWERS, Fault.CLOSES_UNANSWERED}:
            return False
        if answer.fault is Fault.NOT_HTTP:
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
            await writer.drain()
            return False
        writer.write(
            f"HTTP/1.1 {answer.status} Told\r\ncontent-type: {answer.content_type}\r\n"
            f"content-length: {len(answer.body)}\r\n\r\n".encode()
        )
        broken = answer.fault is not Fault.NONE
        writer.write(answer.body[: len(answer.body) // 2] if broken else answer.body)
        await writer.drain()
        if answer.fault is Fault.STALLS:
            await self._ended.wait()
        return not broken

    async def end(self) -> None:
        """Let go of every connection, those that a fault holds open included."""
        self._ended.set()
        for writer in self._writers:
            writer.close()
        async with asyncio.timeout(_CLOSE_SECONDS):
            while self._writers:  # noqa: ASYNC110 - the tests end here; an event per connection would say no more
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running_loopback() -> AsyncIterator[Loopback]:
    """Run a loopback provider on a free port."""
    loopback = Loopback()
    server = await asyncio.start_server(loopback.handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    loopback.url = f"http://{host}:{port}"
    try:
        yield loopback
    finally:
        server.close()
        await loopback.end()
        await server.wait_closed()


async def refused_url() -> str:
    """Return an address of this machine at which nobody listens."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    return f"http://{host}:{port}"
