"""Whole endpoint workers on a real PostgreSQL and real endpoints: signatures, independence, switching off, replay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from support.callback_events import event
from support.endpoints import BOX, add, author, states, write
from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from support.parties import Merchants
from support.waiting import until
from wisipay.callbacks import (
    Delivery,
    EndpointDelivery,
    Patience,
    Range,
    disable_endpoint,
    enable_endpoint,
    ping_endpoint,
    resend_range,
    rotate_endpoint_secret,
    show,
)
from wisipay.callbacks.endpoints.model import DeliveryState
from wisipay.callbacks.worker import EndpointWorker
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool
from wisipay.core.errors import NotFound
from wisipay.core.http_client import HttpClient
from wisipay.core.listener import Listener

_WAIT_SECONDS = 40


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    async with merchant_endpoint() as serving:
        yield serving


@asynccontextmanager
async def _sending() -> AsyncIterator[EndpointDelivery]:
    async with HttpClient(private_addresses_allowed=True) as client:
        delivery = Delivery(Merchants(), client, SystemClock(), unit="RUPEES", https_only=False)
        yield EndpointDelivery(delivery, BOX)


@asynccontextmanager
async def _worker(pool: Pool, database_url: str, *, concurrency: int = 64) -> AsyncIterator[EndpointWorker]:
    async with Listener(database_url) as listener, _sending() as delivery:
        worker = EndpointWorker(pool, listener, delivery, SystemClock(), patience=Patience(), concurrency=concurrency)
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()


async def _until_states(pool: Pool, endpoint_id: str, *wanted: str) -> None:
    async def reached() -> bool:
        return await states(pool, endpoint_id) == list(wanted)

    await until(reached, timeout_seconds=_WAIT_SECONDS)


async def test_two_endpoints_get_one_event_each_signed_with_its_own_secrets(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    one, first = await add(database, f"{endpoint.url}/one")
    two, second = await add(database, f"{endpoint.url}/two")
    async with database.acquire() as conn:
        newer = await rotate_endpoint_secret(conn, BOX, author(), "MER-1", two.id, overlap=timedelta(hours=1))
    sent = event(url=None)
    async with _worker(database, database_url):
        await write(database, sent)
        received = {each.path: each for each in await endpoint.wait_for(2)}
        await _until_states(database, one.id, "DELIVERED")
        await _until_states(database, two.id, "DELIVERED")
    for path, fitting, other in (("/one", [first], second), ("/two", [newer, second], first)):
        got = received[path]
        for secret in fitting:
            body = Webhook(secret.value).verify(got.body.decode(), got.headers)
            assert (body["orderId"], got.event_id) == (sent.order_id, str(sent.event_id))
        with pytest.raises(WebhookVerificationError):
            Webhook(other.value).verify(got.body.decode(), got.headers)
    found = await show(database, sent.event_id)
    assert found is not None
    by_endpoint = {attempt.endpoint_id: attempt for attempt in found[1]}
    assert by_endpoint[one.id].signed_by == first.id
    assert by_endpoint[two.id].signed_by == f"{newer.id} {second.id}"


async def test_an_endpoint_that_hangs_delays_no_other_of_the_same_merchant(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    open_the_gate = asyncio.Event()

    async def hang_if_slow(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await open_the_gate.wait()
        return web.Response()

    endpoint.answer = hang_if_slow
    await add(database, f"{endpoint.url}/slow")
    quick, _ = await add(database, f"{endpoint.url}/quick")
    async with _worker(database, database_url, concurrency=16):
        await write(database, *(event() for _ in range(40)))
        await endpoint.wait_for(40, "/quick")
        await _until_states(database, quick.id, *["DELIVERED"] * 40)
        assert not open_the_gate.is_set()
        assert len(await endpoint.wait_for(1, "/slow")) < 16
        open_the_gate.set()
        await endpoint.wait_for(40, "/slow")


async def test_gone_pauses_and_enabling_goes_on_in_order_and_a_replay_brings_the_rest(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    status = 410

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    endpoint.answer = answer
    target, _ = await add(database, endpoint.url)
    first = event(status="EXPIRED")
    second = event(transaction_id=first.transaction_id)
    async with _worker(database, database_url):
        await write(database, first, second)
        await _until_states(database, target.id, "PAUSED", "PAUSED")
        missed = event()
        await write(database, missed)
        status = 200
        async with database.acquire() as conn:
            assert await enable_endpoint(conn, author(), "MER-1", target.id) == 2
        await _until_states(database, target.id, "DELIVERED", "DELIVERED", "SWITCHED_OFF")
        due = await resend_range(
            database,
            target.id,
            Range(occurred_from=missed.occurred_at, states=[DeliveryState.SWITCHED_OFF]),
            limit=100,
        )
        assert due == 1
        await _until_states(database, target.id, "DELIVERED", "DELIVERED", "DELIVERED")
    ids = [each.event_id for each in endpoint.received]
    assert ids == [str(each.event_id) for each in (first, first, second, missed)]


async def test_what_is_more_than_is_resumed_at_once_goes_on_by_itself_and_in_order(
    database: Pool, database_url: str, endpoint: MerchantEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, _ = await add(database, endpoint.url)
    first = event(status="EXPIRED")
    events = [first, *(event(transaction_id=first.transaction_id) for _ in range(4))]
    await write(database, *events)
    async with database.acquire() as conn:
        await disable_endpoint(conn, author(), "MER-1", target.id)
        monkeypatch.setattr("wisipay.callbacks.endpoints.store.MOVED_MAX", 2)
        assert await enable_endpoint(conn, author(), "MER-1", target.id) == 2
    later = event(transaction_id=first.transaction_id)
    await write(database, later)
    async with _worker(database, database_url):
        received = await endpoint.wait_for(6)
    assert [each.event_id for each in received] == [str(each.event_id) for each in (*events, later)]


async def test_a_delivery_written_while_its_endpoint_went_off_is_paused_when_it_is_found(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    target, _ = await add(database, endpoint.url)
    async with database.acquire() as conn:
        await disable_endpoint(conn, author(), "MER-1", target.id)
    await write(database, event())
    await database.execute("UPDATE callbacks_deliveries SET state = 'WAITING'")  # as that transaction still saw it
    async with _worker(database, database_url):
        await _until_states(database, target.id, "PAUSED")
    assert endpoint.received == []


async def test_a_secret_that_does_not_open_fails_the_attempt_and_nothing_else(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    broken, _ = await add(database, f"{endpoint.url}/broken")
    whole, _ = await add(database, f"{endpoint.url}/whole")
    await database.execute(
        "UPDATE callbacks_endpoint_secrets SET sealed = '\\x01'::bytea WHERE endpoint_id = $1", broken.id
    )
    sent = event()
    async with _worker(database, database_url):
        await write(database, sent)
        await _until_states(database, whole.id, "DELIVERED")

        async def tried() -> bool:
            found = await show(database, sent.event_id)
            return found is not None and len(found[1]) == 2

        await until(tried, timeout_seconds=_WAIT_SECONDS)
    found = await show(database, sent.event_id)
    assert found is not None
    (failed,) = [each for each in found[1] if each.endpoint_id == broken.id]
    assert (failed.error, failed.body_sha256) == ("there is no secret to sign with", None)
    assert [each.path for each in endpoint.received] == ["/whole"]


async def test_a_ping_is_signed_and_changes_nothing(database: Pool, endpoint: MerchantEndpoint) -> None:
    async def gone(_request: web.Request) -> web.Response:
        return web.Response(status=410, text="no more")

    endpoint.answer = gone
    target, secret = await add(database, endpoint.url)
    async with _sending() as delivery, database.acquire() as conn:
        ping = await ping_endpoint(conn, delivery, author(), target.id)
        with pytest.raises(NotFound):
            await ping_endpoint(conn, delivery, author(), "CEP-none")
    (got,) = endpoint.received
    assert Webhook(secret.value).verify(got.body.decode(), got.headers)["type"] == "PING"
    assert (ping.id, ping.status, ping.outcome, ping.answer) == (got.event_id, 410, "answered 410", b"no more")
    assert await database.fetchval("SELECT status FROM callbacks_endpoints") == "ENABLED"
    assert await database.fetchval("SELECT reason FROM callbacks_endpoint_events WHERE what = 'TESTED'") == ping.outcome
