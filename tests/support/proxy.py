"""A TCP proxy that does to connections what networks do: delays, resets, silence, and peers that are gone.

Decides what each trouble means for connections that are open and for new ones. Knows no protocol above TCP.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Self
from urllib.parse import SplitResult, urlsplit, urlunsplit

_BACKLOG = 512
_READ_BYTES = 65_536
_TRICKLE_BYTES = 32
_NO_LINGER = struct.pack("ii", 1, 0)  # closing such a socket sends RST in place of FIN


class Trouble(StrEnum):
    """What is wrong with the network.

    `LATENCY` delays every piece of data by up to two seconds and a half. `RESET` breaks connections, open and new ones,
    at once or just before the next answer. `HALF_OPEN` lets connections be made and swallows what is sent, for good.
    `PARTITION` holds what is sent until the network is mended and answers no attempt to connect. `TRICKLE` lets
    through a few bytes at a time.
    """

    LATENCY = "latency"
    RESET = "reset"
    HALF_OPEN = "half-open"
    PARTITION = "partition"
    TRICKLE = "trickle"


@dataclass(eq=False)
class _Link:
    """One connection of a client, and ours to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    swallows: bool = False
    resets: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            _reset(writer)


class Proxy:
    """Stands before the server of `url`; its own `url` leads through it. `generator` draws delays and moments."""

    def __init__(self, url: str, generator: Random | None = None) -> None:
        self._target: SplitResult = urlsplit(url)
        self._random = generator or Random(0)  # noqa: S311 - a test is replayed, nothing is secret
        self._trouble: Trouble | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fillers: list[socket.socket] = []
        self._listener = socket.socket()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(_BACKLOG)
        credentials, at, _ = self._target.netloc.rpartition("@")
        place = f"{credentials}{at}127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(self._target._replace(netloc=place))
        asyncio.get_running_loop().add_reader(self._listener, self._accept)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.mend()
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def inflict(self, trouble: Trouble) -> None:
        """Do this to the network from now on, in place of any other trouble."""
        self.mend()
        self._trouble = trouble
        if trouble is Trouble.RESET:
            for link in self._links:
                self._break(link)
        elif trouble is Trouble.HALF_OPEN:
            for link in self._links:
                link.swallows = True
        elif trouble is Trouble.PARTITION:
            self._flows.clear()
            self._fill_the_queue()

    def mend(self) -> None:
        """Let everything through again. What was swallowed stays lost, what was held goes on its way."""
        self._trouble = None
        self._flows.set()
        if self._fillers:
            self._listener.listen(_BACKLOG)
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _fill_the_queue(self) -> None:
        """Keep the kernel from greeting clients in our name: nobody accepts, and the queue has no room."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.listen(0)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003 - the socket's own signature
            filler.connect_ex(self._listener.getsockname())
            self._fillers.append(filler)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setblocking(False)  # noqa: FBT003 - the socket's own signature
            from_client, to_client = await asyncio.open_connection(sock=connection)
            try:
                from_server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
            except OSError:
                _reset(to_client)
                return
            await self._join(from_client, to_client, from_server, to_server)

    async def _join(
        self,
        from_client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        link = _Link(to_client, to_server, swallows=self._trouble is Trouble.HALF_OPEN)
        self._links.add(link)
        try:
            if self._trouble is Trouble.RESET:
                self._break(link)
            await asyncio.gather(
                self._pump(link, from_client, to_server, self._to_server),
                self._pump(link, from_server, to_client, self._to_client),
            )
        finally:
            self._links.discard(link)
            link.reset()

    def _break(self, link: _Link) -> None:
        link.resets = self._random.random() < 0.5
        if not link.resets:
            link.reset()

    async def _pump(
        self,
        link: _Link,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        write: Callable[[_Link, bytes], Awaitable[None]],
    ) -> None:
        with suppress(OSError):
            try:
                while data := await source.read(_READ_BYTES):
                    await self._flows.wait()
                    if not link.swallows:
                        await write(link, data)
            finally:
                if not link.swallows or sink is link.server:  # a peer that is gone says no farewell
                    sink.close()

    async def _to_server(self, link: _Link, data: bytes) -> None:
        await self._write(link.server, data)

    async def _to_client(self, link: _Link, data: bytes) -> None:
        if link.resets:
            link.reset()
        else:
            await self._write(link.client, data)

    async def _write(self, sink: asyncio.StreamWriter, data: bytes) -> None:
        if self._trouble is Trouble.LATENCY:
            await asyncio.sleep(self._random.uniform(0.01, 2.5))
        position = 0
        while position < len(data):
            trickles = self._trouble is Trouble.TRICKLE
            end = position + _TRICKLE_BYTES if trickles else len(data)
            sink.write(data[position:end])
            await sink.drain()
            position = end
            if trickles:
                await asyncio.sleep(self._random.uniform(0.01, 0.15))


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()
