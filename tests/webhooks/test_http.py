"""The addresses that providers call, on the app as it is served, over a real PostgreSQL."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from support.inbox import Adapters, Channels
from support.parties import channel
from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.http_server import create_app, running
from wisipay.webhooks import Receiving, find
from wisipay.webhooks.http import WebhookDependencies, build_handlers

_CHANNELS = Channels(channel("dummy", "acme"), channel("dummy", "other"), channel("broken", "acme"))


@pytest.fixture
async def client(database: Pool, settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    receiving = Receiving(database, _CHANNELS, Adapters(), SystemClock())
    app = create_app(
        route_handlers=build_handlers(WebhookDependencies(receiving)),
        settings=settings,
        service="payment",
        title="test",
        ready_checks={},
    )
    async with running(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await receiving.drain()


@pytest.mark.parametrize(
    ("path", "route", "legal_entity"),
    [
        ("/webhook/payin/dummy/acme", "payin", "acme"),
        ("/webhook/payout/dummy/other", "payout", "other"),
        ("/webhook/common/dummy", "common", None),
        ("/webhook/payin/dummy/acme/", "payin", "acme"),
        ("/webhook/common/dummy/", "common", None),
    ],
)
async def test_a_webhook_is_stored_as_it_came_and_answered_as_the_provider_wants(
    client: aiohttp.ClientSession,
    database: Pool,
    path: str,
    route: str,
    legal_entity: str | None,
) -> None:
    body = b'\x00\xff not {"json": '
    answer = await client.post(path, data=body, headers={"X-Signature": "abc", "Cookie": "a=b"})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert await answer.read() == f"OK dummy_{legal_entity or 'acme'}".encode()
    (kept,) = await find(database)
    assert (kept.webhook.route, kept.webhook.provider_id, kept.webhook.legal_entity_id) == (
        route,
        "dummy",
        legal_entity,
    )
    assert kept.webhook.body == body
    assert kept.webhook.headers["x-signature"] == "abc"
    assert "cookie" not in kept.webhook.headers


@pytest.mark.parametrize(
    "path",
    [
        "/webhook/payin/stranger",
        "/webhook/payin/dummy/stranger",
        "/webhook/refund/dummy",
        "/webhook/payin/" + "x" * 200,
        "/webhook/payin/dummy/acme/more",
    ],
)
async def test_an_address_that_no_channel_has_is_not_found(
    client: aiohttp.ClientSession,
    database: Pool,
    path: str,
) -> None:
    answer = await client.post(path, data=b"{}")
    assert (answer.status, (await answer.json())["code"]) == (404, "NOT_FOUND")
    assert await find(database) == []


async def test_a_body_over_the_limit_is_refused(
    client: aiohttp.ClientSession,
    database: Pool,
) -> None:
    answer = await client.post("/webhook/payin/dummy/acme", data=b"x" * 65_537)
    assert (answer.status, (await answer.json())["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert await find(database) == []


async def test_a_stored_webhook_is_answered_even_if_the_adapter_cannot_be_built(
    client: aiohttp.ClientSession,
    database: Pool,
) -> None:
    answer = await client.post("/webhook/payin/broken/acme", data=b"{}")
    assert (answer.status, (await answer.json())) == (200, {"success": True})
    assert len(await find(database)) == 1


async def test_nothing_is_answered_with_success_when_it_could_not_be_stored(
    client: aiohttp.ClientSession,
    database: Pool,
) -> None:
    await database.execute("ALTER TABLE webhooks_inbox RENAME TO webhooks_inbox_away")
    try:
        answer = await client.post("/webhook/payin/dummy/acme", data=b"{}")
    finally:
        await database.execute("ALTER TABLE webhooks_inbox_away RENAME TO webhooks_inbox")
    assert answer.status >= 500
