"""The server's connections, with the writes of one turn of the event loop joined into one.

uvicorn writes head and body of an answer apart, and uvloop hands each write to the system at once: two system calls,
two packets, and a client that is woken twice. Must never reorder bytes, nor hold them beyond the turn.
"""

import asyncio
from typing import cast

from wisipay.core.http_upgrades import OneProtocol


class JoinedWrites:
    """A transport that passes on, when the loop is at its next turn, what was written since; all else goes through."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Keep the bytes for the end of this turn."""
        if not self._written:
            self._loop.call_soon(self._pass_on)
        self._written.append(data)

    def close(self) -> None:
        """Pass on what was written, then close."""
        self._pass_on()
        self._transport.close()

    def _pass_on(self) -> None:
        written, self._written = self._written, []
        if written and not self._transport.is_closing():
            self._transport.write(b"".join(written))


class JoiningProtocol(OneProtocol):
    """The server's protocol on such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin a connection."""
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self.loop)))
