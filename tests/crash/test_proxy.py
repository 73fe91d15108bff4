"""What the fault proxy does to connections, each trouble once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from support.proxy import Proxy, Trouble
from support.waiting import until
from wisipay.core.http_client import AnswerLost, HttpClient, NotSent

_PATIENCE_SECONDS = 0.5
_LONG_SECONDS = 20


class Server:
    """Answers every request with 200 and its number."""

    def __init__(self) -> None:
        self.requests = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                body = f"{self.requests}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    listening = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with listening:
        yield served


@asynccontextmanager
async def _through(server: Server) -> AsyncIterator[tuple[Proxy, HttpClient]]:
    async with Proxy(server.url) as proxy, HttpClient(private_addresses_allowed=True) as client:
        yield proxy, client


async def _get(client: HttpClient, url: str, *, timeout_seconds: float = _LONG_SECONDS) -> bytes:
    return (await client.request("GET", url, timeout_seconds=timeout_seconds)).body


async def test_without_trouble_everything_comes_through(server: Server) -> None:
    async with _through(server) as (proxy, client):
        assert [await _get(client, proxy.url) for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("trouble", [Trouble.LATENCY, Trouble.TRICKLE])
async def test_what_is_slow_arrives_whole(server: Server, trouble: Trouble) -> None:
    async with _through(server) as (proxy, client):
        proxy.inflict(trouble)
        begun = monotonic()
        assert await _get(client, proxy.url) == b"1"
        assert monotonic() - begun > 0.02


async def test_reset_breaks_open_connections_and_new_ones_before_or_after_the_server_acted(server: Server) -> None:
    async with _through(server) as (proxy, client):
        await _get(client, proxy.url)
        proxy.inflict(Trouble.RESET)
        for _ in range(12):
            with pytest.raises((AnswerLost, NotSent)):
                await _get(client, proxy.url)
        assert 1 < server.requests < 13
        proxy.mend()
        assert await _get(client, proxy.url)


async def test_half_open_swallows_what_is_sent_for_good(server: Server) -> None:
    async with _through(server) as (proxy, client):
        await _get(client, proxy.url)
        proxy.inflict(Trouble.HALF_OPEN)
        for _ in range(2):  # the open connection, then a new one
            with pytest.raises(AnswerLost):
                await _get(client, proxy.url, timeout_seconds=_PATIENCE_SECONDS)
        proxy.mend()
        assert await _get(client, proxy.url) == b"2"


async def test_a_partition_answers_no_attempt_to_connect(server: Server) -> None:
    async with _through(server) as (proxy, client):
        proxy.inflict(Trouble.PARTITION)
        with pytest.raises(NotSent):
            await _get(client, proxy.url, timeout_seconds=_PATIENCE_SECONDS)
        assert server.requests == 0
        proxy.mend()
        assert await _get(client, proxy.url) == b"1"


async def test_a_partition_holds_what_is_sent_until_it_ends(server: Server) -> None:
    async with _through(server) as (proxy, client):
        await _get(client, proxy.url)
        proxy.inflict(Trouble.PARTITION)
        waiting = asyncio.create_task(_get(client, proxy.url))
        await asyncio.sleep(_PATIENCE_SECONDS)
        assert (waiting.done(), server.requests) == (False, 1)
        proxy.mend()
        assert await waiting == b"2"


async def test_a_server_that_is_away_resets(server: Server) -> None:
    async with Proxy("http://127.0.0.1:1/") as proxy, HttpClient(private_addresses_allowed=True) as client:
        with pytest.raises(AnswerLost):
            await _get(client, proxy.url)
    await until(lambda: server.requests == 0)
