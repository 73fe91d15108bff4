"""One keep-alive HTTP connection of the load generator, as bare as it can be.

Decides nothing. At most one request is under way on it; whoever made it is called with each answer.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

HOST = "127.0.0.1"


class Connection(asyncio.Protocol):
    """Sends whole requests and reads whole answers. `due` is the moment for which the present request was meant.

    `answered` gets the connection and the status, 0 when the connection broke.
    """

    def __init__(self, answered: Callable[["Connection", int], None]) -> None:
        self._answered = answered
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._is_busy = False
        self.body = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of the request that is lost, if there is one."""
        del exc
        self._transport = None
        self._end(0)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Start an answer (called by the parser, as the next two)."""
        self.body = b""

    def on_body(self, data: bytes) -> None:
        """Collect the body."""
        self.body += data

    def on_message_complete(self) -> None:
        """Hand the answer on."""
        self._end(self._parser.get_status_code())

    def send(self, request: bytes, due: float = 0.0) -> None:
        """Send a request."""
        self.due, self._is_busy = due, True
        if self._transport is None:
            self._end(0)
        else:
            self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _end(self, status: int) -> None:
        if self._is_busy:
            self._is_busy = False
            self._answered(self, status)


async def connect(port: int, answered: Callable[[Connection, int], None]) -> Connection:
    """Connect to a port of this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(answered), HOST, port)
    return connection


class Asking:
    """Asks a server of this machine for JSON, over one connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: Connection | None = None
        self._answer: asyncio.Future[int] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Send a request and return the body of its answer. Raises ConnectionError unless it is 200."""
        connection = self._connection or await connect(self._port, self._answered)
        self._connection = connection
        self._answer = asyncio.get_running_loop().create_future()
        connection.send(
            f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        status = await self._answer
        if status != 200:  # noqa: PLR2004 - HTTP's OK
            raise ConnectionError(f"{method} {path} was answered {status}: {connection.body[:200]!r}")
        return connection.body

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()

    def _answered(self, _connection: Connection, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)
