"""What a server may do to the outbound client: answers packed, endless, doubled, without an end, or unasked for."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from support.scripted_server import LAST, OK, Server, Streams, answering, call, serving, silent
from support.waiting import until
from wisipay.core import http_pool
from wisipay.core.http_client import AnswerLost, HttpClient, NotSent


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_an_answer_that_is_packed_all_the_same_is_unpacked(client: HttpClient, packing: str) -> None:
    packed = gzip.compress(b"x" * 2_000) if packing == "gzip" else zlib.compress(b"x" * 2_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {packing}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with serving(answering(head + packed)) as server:
        assert (await call(client, server.url)).body == b"x" * 2_000
        cut = await client.request("GET", server.url, timeout_seconds=5, max_bytes=100, cut_body=True)
        assert (cut.body, cut.is_cut) == (b"x" * 100, True)


@pytest.mark.parametrize(
    ("packing", "body"),
    [("br", b"hello"), ("gzip", b"hello"), ("gzip", gzip.compress(b"x")[:-4])],
    ids=["not asked for", "not packed", "cut short"],
)
async def test_an_answer_that_can_not_be_unpacked_leaves_it_open(client: HttpClient, packing: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {packing}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with serving(answering(head + body)) as server:
        with pytest.raises(AnswerLost, match="not asked for"):
            await call(client, server.url)


async def test_an_answer_without_a_length_ends_with_its_connection(client: HttpClient) -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it", keep=False)) as server:
        assert (await call(client, server.url)).body == b"all of it"


async def test_an_interim_answer_is_passed_over(client: HttpClient) -> None:
    async with serving(answering(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK)) as server:
        answer = await call(client, server.url)
    assert (answer.status, answer.body, answer.headers.get("link")) == (200, b"hi", None)


@pytest.mark.parametrize("answer", [LAST, OK + OK, OK + b"garbage"])
async def test_a_connection_whose_answer_did_not_end_as_announced_is_not_used_again(
    client: HttpClient, answer: bytes
) -> None:
    async with serving(answering(answer)) as server:
        for _ in range(2):
            assert (await call(client, server.url)).body == b"hi"
        assert server.connections == 2


async def test_an_answer_nobody_asked_for_ends_the_connection(client: HttpClient) -> None:
    async def behave(server: Server, streams: Streams) -> bool:
        streams[1].write(OK)
        await streams[1].drain()
        if len(server.requests) == 1:
            await server.release.wait()
            streams[1].write(OK.replace(b"hi", b"no"))
        return True

    async with serving(behave) as server:
        await call(client, server.url)
        server.release.set()
        await asyncio.sleep(0.05)
        assert (await call(client, server.url)).body == b"hi"
        assert server.connections == 2


async def test_headers_without_end_leave_it_open(client: HttpClient) -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\n" + b"x-more: 1234567890\r\n" * 5_000)) as server:
        with pytest.raises(AnswerLost, match="headers are larger"):
            await call(client, server.url)


@pytest.mark.parametrize(
    "headers", [{"x-a": "1\r\nx-b: 2"}, {"x-a\r\nx-b": "2"}, {"x a": "1"}, {"": "1"}, {"x-a": "\0"}]
)
async def test_no_header_can_smuggle_another(client: HttpClient, headers: dict[str, str]) -> None:
    async with serving(answering(OK)) as server:
        with pytest.raises(NotSent, match="no header has"):
            await client.request("GET", server.url, headers=headers, timeout_seconds=5)
        with pytest.raises(NotSent):
            await call(client, server.url + "/a HTTP/1.1\r\nx-b: 2")
    assert server.requests == []


async def test_percent_signs_in_the_address_and_in_headers_are_sent_as_they_are(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        await client.request("GET", server.url + "/a%20%s", headers={"x-%s": "100 %d"}, timeout_seconds=5)
    assert server.requests[0].startswith(b"GET /a%20%s HTTP/1.1\r\n")
    assert b"\r\nx-%s: 100 %d\r\n" in server.requests[0]


async def test_a_name_and_password_in_the_address_become_a_header(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        await call(client, server.url.replace("//", "//ravi:pass@"))
        await client.request("GET", server.url, headers={"User-agent": "Me"}, timeout_seconds=5)
    assert b"\r\nAuthorization: Basic cmF2aTpwYXNz\r\n" in server.requests[0]
    assert b"ravi" not in server.requests[0]
    assert server.requests[0].lower().count(b"\r\nuser-agent: wisipay") == 1
    assert server.requests[1].lower().count(b"\r\nuser-agent") == 1


async def test_idle_connections_are_closed_after_a_while(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "KEEP_ALIVE_SECONDS", 0.3)
    async with serving(answering(OK)) as server, serving(answering(OK)) as other:
        await call(client, server.url)
        await asyncio.sleep(0.2)
        await call(client, other.url)
        await until(lambda: server.hung_up == 1)
        assert other.hung_up == 0
        await until(lambda: other.hung_up == 1)


async def test_a_stale_connection_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(OK)) as server, HttpClient(private_addresses_allowed=True) as client:
        await asyncio.gather(*(call(client, server.url) for _ in range(3)))
        monkeypatch.setattr(http_pool, "KEEP_ALIVE_SECONDS", -1.0)
        await call(client, server.url)
        assert server.connections == 4


async def test_closing_the_client_ends_what_is_under_way() -> None:
    client = HttpClient(private_addresses_allowed=True)
    async with serving(silent) as server:
        await client.__aenter__()
        waiting = asyncio.create_task(call(client, server.url))
        await until(lambda: len(server.requests) == 1)
        await client.close()
        with pytest.raises(AnswerLost):
            await waiting
        await client.close()


async def test_the_memory_of_names_is_bounded(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "_NAMES_MAX", 1)
    async with serving(answering(LAST)) as one, serving(answering(LAST)) as two:
        for url in (one.url, two.url, two.url):
            await call(client, url)
        await asyncio.gather(*(call(client, two.url) for _ in range(2)))
    assert (one.connections, two.connections) == (1, 4)
