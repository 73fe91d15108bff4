"""One keep-alive HTTP connection of the load generator, as bare as it can be.

Decides nothing. At most one request is under way on it; whoever made it is called with each answer. Reads answers as
our servers write them, with a `content-length`; a parser of all HTTP would cost more than the rest of it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast

HOST = "127.0.0.1"

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *([0-9]+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Sends whole requests and reads whole answers.

    `due` is the moment for which the present request was meant, and `phase` the part of the load it belongs to.
    `answered` gets the connection and the status, 0 when the connection broke.
    """

    def __init__(self, answered: Callable[["Connection", int], None]) -> None:
        self._answered = answered
        self._transport: asyncio.Transport | None = None
        self._is_busy = False
        self._received = b""
        self._whole_length = 0
        self.body = b""
        self.due = 0.0
        self.phase = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of the request that is lost, if there is one."""
        del exc
        self._transport = None
        self._end(0)

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._received += data
        if not self._whole_length:
            head_length = self._received.find(_END_OF_HEAD)
            if head_length < 0:
                return
            length = _LENGTH.search(self._received, 0, head_length)
            if length is None:
                raise ValueError(f"an answer without content-length: {self._received[:200]!r}")
            self._whole_length = head_length + len(_END_OF_HEAD) + int(length[1])
            self.body = b""
        if len(self._received) >= self._whole_length:
            self.body = self._received
            self._received, self._whole_length = b"", 0
            self._end(int(self.body[9:12]))

    def content(self) -> bytes:
        """Return the content of the last answer."""
        return self.body.partition(_END_OF_HEAD)[2]

    def retry_after_seconds(self) -> int | None:
        """Return after how long the last answer wants to be asked again."""
        found = _RETRY_AFTER.search(self.body)
        return None if found is None else int(found[1])

    def send(self, request: bytes, due: float = 0.0, phase: int = 0) -> None:
        """Send a request."""
        self.due, self.phase, self._is_busy = due, phase, True
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
        """Send a request and return the content of its answer. Raises ConnectionError unless it is 200."""
        connection = self._connection or await connect(self._port, self._answered)
        self._connection = connection
        self._answer = asyncio.get_running_loop().create_future()
        connection.send(
            f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        status = await self._answer
        if status != 200:  # noqa: PLR2004 - HTTP's OK
            raise ConnectionError(f"{method} {path} was answered {status}: {connection.content()[:200]!r}")
        return connection.content()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()

    def _answered(self, _connection: Connection, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)
