"""A server that answers as a test tells it to, byte by byte, and keeps what reached it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from wisipay.core.http_client import HttpAnswer, HttpClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\nx-one: 2\r\n\r\nhi"
LAST = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """Answers each request with what the test's behaviour writes, and keeps the raw requests."""

    def __init__(self, behave: Callable[["Server", Streams], Awaitable[bool]]) -> None:
        self.behave = behave
        self.requests: list[bytes] = []
        self.connections = 0
        self.hung_up = 0
        self.url = ""
        self.release = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            keep = True
            while keep:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                keep = await self.behave(self, (reader, writer))
                await writer.drain()
        self.hung_up += 1
        writer.close()


@contextlib.asynccontextmanager
async def serving(
    behave: Callable[[Server, Streams], Awaitable[bool]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(behave)
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls)
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        server.release.set()
        listener.close()


def answering(answer: bytes, *, keep: bool = True) -> Callable[[Server, Streams], Awaitable[bool]]:
    async def behave(_: Server, streams: Streams) -> bool:
        streams[1].write(answer)
        return keep

    return behave


async def silent(server: Server, _: Streams) -> bool:
    await server.release.wait()
    return False


async def call(client: HttpClient, url: str, method: str = "POST", timeout_seconds: float = 5) -> HttpAnswer:
    return await client.request(method, url, body=b"{}", timeout_seconds=timeout_seconds)
