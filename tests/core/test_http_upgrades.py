"""Whoever asks for another protocol is answered in HTTP/1.1, body and all, however the bytes arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Request, Response, route

from wisipay.core.config import Settings
from wisipay.core.http_server import create_app, running

HEAD = (
    b"POST /echo?a=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAA\r\n"
)
WHOLE = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
PLAIN = b"POST /echo?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
WEBSOCKET = (
    b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@route("/echo", http_method=["GET", "POST"], status_code=200)
async def echo(request: Request[Any, Any, Any]) -> Response[bytes]:
    query = str(request.scope["query_string"], "ascii").encode()
    return Response(await request.body() + b" " + query, media_type="text/plain")


@pytest.fixture
async def port(settings: Settings) -> AsyncIterator[int]:
    app = create_app(route_handlers=[echo], settings=settings, service="test", title="test", ready_checks={})
    async with running(app) as port:
        yield port


class Peer:
    """One connection, byte by byte where a test wants it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        named = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return int(head.split()[1]), await self.reader.readexactly(int(named.get(b"content-length", 0)))


@pytest.fixture
async def peer(port: int) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Peer(reader, writer)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("request_bytes", [WHOLE, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_the_body_is_read_and_the_connection_goes_on(peer: Peer, request_bytes: bytes, size: int) -> None:
    for _ in range(2):
        await peer.send(*(request_bytes[at : at + size] for at in range(0, len(request_bytes), size)))
        assert await peer.answer() == (200, b"hello a=1")
    await peer.send(PLAIN)
    assert await peer.answer() == (200, b"hello a=1")


async def test_two_such_requests_in_one_piece(peer: Peer) -> None:
    await peer.send(WHOLE + WHOLE + PLAIN)
    assert [await peer.answer() for _ in range(3)] == [(200, b"hello a=1")] * 3


async def test_a_websocket_is_an_ordinary_request_here(peer: Peer) -> None:
    await peer.send(WEBSOCKET)
    assert await peer.answer() == (200, b" ")


async def test_a_tunnel_is_refused(peer: Peer) -> None:
    await peer.send(b"CONNECT pay.example.com:443 HTTP/1.1\r\nHost: pay.example.com\r\n\r\n")
    status, _ = await peer.answer()
    assert status in {400, 404, 405}


async def test_what_is_not_http_is_told_so(peer: Peer) -> None:
    await peer.send(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await peer.answer())[0] == 400
    assert await peer.reader.read() == b""
