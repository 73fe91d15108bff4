"""The fast lane answers as Litestar would, over real connections; a path with a slash at its end goes past the lane."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from litestar import Request, Response, post
from litestar.params import FromPath

from support.waiting import until
from wisipay.core.config import Settings
from wisipay.core.errors import TooManyRequests
from wisipay.core.http_client import HttpAnswer, HttpClient
from wisipay.core.http_lane import in_fast_lane
from wisipay.core.http_server import create_app, running
from wisipay.core.http_wire import Reply, WireRequest, litestar_response, wire_request

PATHS = ["/mirror/A", "/mirror/A/"]


async def mirror(request: WireRequest) -> Reply:
    """Show what was taken, or fail as the body says."""
    if request.body == b"wait":
        raise TooManyRequests(details={"scope": "system"}, retry_after_seconds=2)
    if request.body == b"bug":
        raise RuntimeError("Qsecret")
    if request.body == b"text":
        return Reply(202, "gut \xf6".encode(), "text/plain", {"x-more": "1"})
    shown = {
        "method": request.method,
        "path": request.path_and_query.replace("A/", "A"),
        "size": len(request.body),
        "name": request.parameters["name"],
        "peer": request.peer_address,
        "twice": request.headers["x-twice"],
        "id": request.request_id,
    }
    return Reply(200, json.dumps(shown).encode())


@post("/mirror/{name:str}", status_code=200, opt=in_fast_lane(mirror))
async def described(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[Any]:
    del name
    return litestar_response(await mirror(await wire_request(request)))


@pytest.fixture
async def port(settings: Settings) -> AsyncIterator[int]:
    app = create_app(route_handlers=[described], settings=settings, service="test", title="test", ready_checks={})
    async with running(app) as port:
        yield port


async def _ask(port: int, path: str, body: bytes = b"{}", method: str = "POST") -> HttpAnswer:
    async with HttpClient(private_addresses_allowed=True) as client:
        headers = {"x-twice": "a, b", "x-request-id": "R-1"}
        url = f"http://127.0.0.1:{port}{path}"
        return await client.request(method, url, headers=headers, body=body, timeout_seconds=10)


def _told(answer: HttpAnswer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, {name: value for name, value in answer.headers.items() if name != "date"}, answer.body


async def test_an_observer_learns_of_requests_to_marked_routes_whatever_they_were_answered(settings: Settings) -> None:
    marked = post("/marked/{name:str}", status_code=200, opt=in_fast_lane(mirror, observed=True))(described.fn)
    learned: list[tuple[str, int, int]] = []

    def observe(request: WireRequest, reply: Reply, seconds: float) -> None:
        assert seconds > 0
        learned.append((request.request_id, len(request.body), reply.status))

    handlers = [described, marked]
    app = create_app(
        route_handlers=handlers, settings=settings, service="test", title="test", ready_checks={}, observe=observe
    )
    async with running(app) as port:
        for body in (b"{}", b"wait", b"bug", b"x" * 65_537):
            await _ask(port, "/marked/A", body)
        await _ask(port, "/mirror/A")
    assert learned == [("R-1", 2, 200), ("R-1", 4, 429), ("R-1", 3, 500), ("R-1", 0, 413)]


@pytest.mark.parametrize("body", [b"{}", b"", b"wait", b"bug", b"text", b"x" * 65_536, b"x" * 65_537])
async def test_both_ways_give_the_same_answer(port: int, body: bytes) -> None:
    fast, slow = [_told(await _ask(port, path, body)) for path in PATHS]
    assert fast == slow
    assert b"Qsecret" not in fast[2]


async def test_a_request_is_taken_as_it_came(port: int) -> None:
    shown = json.loads((await _ask(port, "/mirror/%41?b=2&a=%2F", b"x" * 7_000)).body)
    assert shown == {
        "method": "POST",
        "path": "/mirror/%41?b=2&a=%2F",
        "size": 7_000,
        "name": "A",
        "peer": "127.0.0.1",
        "twice": "a, b",
        "id": "R-1",
    }


async def test_a_route_that_is_not_there_is_told_by_litestar(port: int) -> None:
    assert (await _ask(port, "/nowhere")).status == 404
    assert (await _ask(port, "/mirror/A", b"", "GET")).status == 405
    assert (await _ask(port, "/health", b"", "GET")).status == 200


@pytest.mark.parametrize("path", PATHS)
async def test_repeated_headers_are_joined_and_chunks_put_together(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Twice: a\r\nx-twice: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for _ in range(3):
        writer.write(b"5\r\nhello\r\n")
        await writer.drain()
        await asyncio.sleep(0)
    writer.write(b"0\r\n\r\n")
    assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    body = (await reader.readuntil(b"}")).rpartition(b"\r\n")[2]
    assert (json.loads(body)["size"], json.loads(body)["twice"]) == (15, "a, b")
    writer.close()


async def test_chunks_beyond_the_limit_are_refused_while_they_arrive(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /mirror/A HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(5):
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_client_that_hangs_up_halfway_is_not_an_error(port: int) -> None:
    with structlog.testing.capture_logs() as lines:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /mirror/A HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()
        await until(lambda: any(line["event"] == "http.request" for line in lines))
    assert [(line["event"], line["status"]) for line in lines] == [("http.request", 499)]
