"""/webhook/debug: what arrives is shown again, within bounds, where it is switched on and nowhere else."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator

import aiohttp
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from support.merchants import FixedClock
from wisipay.core.config import Settings
from wisipay.core.errors import ServiceUnavailable
from wisipay.core.http_server import create_app, running
from wisipay.core.http_wire import WireRequest
from wisipay.webhooks import Captures
from wisipay.webhooks.debug import KEPT
from wisipay.webhooks.http import build_debug_handlers


@pytest.fixture
async def client(redis: Redis, redis_url: str, settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client of an instance on which debugging is switched on."""
    del redis
    store = Redis.from_url(redis_url, decode_responses=True)
    handlers = build_debug_handlers(Captures(store, FixedClock()))
    app = create_app(route_handlers=handlers, settings=settings, service="test", title="test", ready_checks={})
    async with running(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await store.aclose()


async def test_what_arrives_is_answered_and_shown_newest_first(client: aiohttp.ClientSession) -> None:
    headers = {"X-Signature": "abc", "Authorization": "Bearer very-secret", "Content-Type": "text/plain"}
    first = await (await client.post("/webhook/debug/shop-1?a=1", data=b"hello", headers=headers)).json()
    assert first["success"] is True
    assert (first["data"]["body"], first["data"]["bytes"], first["data"]["tag"]) == ("hello", 5, "shop-1")
    assert first["data"]["path"] == "/webhook/debug/shop-1?a=1"
    assert first["data"]["headers"]["x-signature"] == "abc"
    assert first["data"]["headers"]["authorization"] == "[hidden]"
    second = await (await client.post("/webhook/debug/shop-1/", data=b"\xff\x00")).json()
    assert b64decode(second["data"]["body"]) == b"\xff\x00"
    shown = await (await client.get("/webhook/debug/shop-1")).json()
    assert shown["data"] == [second["data"], first["data"]]
    assert (await (await client.get("/webhook/debug")).json())["data"] == []
    assert (await client.post("/webhook/debug", data=b"x")).status == 200
    assert len((await (await client.get("/webhook/debug/")).json())["data"]) == 1


async def test_bounds(client: aiohttp.ClientSession) -> None:
    assert (await client.post("/webhook/debug/a%20b", data=b"x")).status == 400
    assert (await client.post("/webhook/debug/x", data=b"x" * 65_537)).status == 413
    for number in range(KEPT + 3):
        await client.post("/webhook/debug/many", data=str(number))
    shown = (await (await client.get("/webhook/debug/many")).json())["data"]
    assert [each["body"] for each in shown[:2]] == [str(KEPT + 2), str(KEPT + 1)]
    assert len(shown) == KEPT


async def test_while_redis_is_away() -> None:
    away = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    captures = Captures(away, FixedClock())
    request = WireRequest("RQ", "POST", "/webhook/debug", {}, b"", "127.0.0.1", {})
    with pytest.raises(ServiceUnavailable):
        await captures.capture("x", request)
    with pytest.raises(ServiceUnavailable):
        await captures.show("x")
    await away.aclose()
