"""Whole workers on a real PostgreSQL and real endpoints: order, fairness, crashes, draining."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from support.callback_events import event
from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from support.parties import Merchants
from support.waiting import until
from wisipay.callbacks import CallbackEvent, CallbackState, Delivery, Outbox, enqueue, show
from wisipay.callbacks.store import claim
from wisipay.callbacks.worker import CallbackWorker
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool
from wisipay.core.http_client import HttpClient
from wisipay.core.listener import Listener

_WAIT_SECONDS = 40


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    async with merchant_endpoint() as serving:
        yield serving


@asynccontextmanager
async def _worker(
    pool: Pool, database_url: str, *, concurrency: int = 64, outbox: Outbox | None = None
) -> AsyncIterator[CallbackWorker]:
    async with Listener(database_url) as listener, HttpClient(private_addresses_allowed=True) as client:
        delivery = Delivery(Merchants(), client, SystemClock(), unit="RUPEES", https_only=False)
        worker = CallbackWorker(pool, listener, delivery, outbox or Outbox(), concurrency=concurrency)
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()


async def _enqueue(pool: Pool, *events: CallbackEvent) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await enqueue(conn, events)


async def _until_state(pool: Pool, event_id: UUID, state: CallbackState) -> None:
    async def reached() -> bool:
        found = await show(pool, event_id)
        return found is not None and found[0].state is state

    await until(reached, timeout_seconds=_WAIT_SECONDS)


async def test_events_are_delivered_and_kept_with_their_attempt(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    events = [event(url=f"{endpoint.url}/cb", merchant_id=f"MER-{number % 3}") for number in range(30)]
    async with _worker(database, database_url):
        await _enqueue(database, *events)
        received = await endpoint.wait_for(30)
        for sent in events:
            await _until_state(database, sent.event_id, CallbackState.DELIVERED)
    assert {each.event_id for each in received} == {str(sent.event_id) for sent in events}
    assert len(endpoint.received) == 30
    found = await show(database, events[0].event_id)
    assert found is not None
    assert [(made.http_status, made.answer) for made in found[1]] == [(200, b"thank you")]


async def test_a_merchant_whose_endpoint_hangs_delays_no_other(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    """The slow merchant's backlog is older, deeper than the worker's room, and not one of its requests is answered."""
    open_the_gate = asyncio.Event()

    async def hang_if_slow(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await open_the_gate.wait()
        return web.Response()

    endpoint.answer = hang_if_slow
    slow = [event(url=f"{endpoint.url}/slow", merchant_id="A-SLOW") for _ in range(100)]
    await _enqueue(database, *slow)
    async with _worker(database, database_url, concurrency=16):
        await endpoint.wait_for(1, "/slow")
        quick = [event(url=f"{endpoint.url}/quick", merchant_id="B-QUICK") for _ in range(50)]
        await _enqueue(database, *quick)
        await endpoint.wait_for(50, "/quick")
        assert not open_the_gate.is_set()
        assert len([each for each in endpoint.received if each.path == "/slow"]) < 16
        open_the_gate.set()


async def test_events_of_one_transaction_arrive_in_order_also_after_failures(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    refusals = iter([500, 500])

    async def refuse_at_first(_request: web.Request) -> web.Response:
        return web.Response(status=next(refusals, 200))

    endpoint.answer = refuse_at_first
    first = event(url=endpoint.url, status="EXPIRED")
    later = [event(url=endpoint.url, transaction_id=first.transaction_id) for _ in range(3)]
    async with _worker(database, database_url):
        await _enqueue(database, first, *later)
        for number in (1, 2):
            await endpoint.wait_for(number)
            await _until_attempts(database, first.event_id, number)
            await database.execute("UPDATE callbacks_outbox SET due_at = now() WHERE event_id = $1", first.event_id)
        received = await endpoint.wait_for(6)
    expected = [first.event_id] * 3 + [each.event_id for each in later]
    assert [each.event_id for each in received] == [str(event_id) for event_id in expected]


async def _until_attempts(pool: Pool, event_id: UUID, count: int) -> None:
    async def reached() -> bool:
        found = await show(pool, event_id)
        return found is not None and len(found[1]) >= count

    await until(reached, timeout_seconds=_WAIT_SECONDS)


async def test_the_lease_of_a_killed_worker_is_taken_up(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    left_behind = event(url=endpoint.url)
    await _enqueue(database, left_behind)
    (claimed,) = await claim(database, {"MER-1": 1}, uuid4(), lease_seconds=1)
    assert claimed.event == left_behind
    async with _worker(database, database_url):
        (received,) = await endpoint.wait_for(1)
        await _until_state(database, left_behind.event_id, CallbackState.DELIVERED)
    assert received.event_id == str(left_behind.event_id)


async def test_a_crash_between_delivery_and_its_record_sends_the_same_event_again(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    delivered_unrecorded = event(url=endpoint.url)
    await _enqueue(database, delivered_unrecorded)
    (claimed,) = await claim(database, {"MER-1": 1}, uuid4(), lease_seconds=1)
    async with HttpClient(private_addresses_allowed=True) as client:
        delivery = Delivery(Merchants(), client, SystemClock(), unit="RUPEES", https_only=False)
        await delivery.attempt(claimed)
    async with _worker(database, database_url):
        first, second = await endpoint.wait_for(2)
        await _until_state(database, delivered_unrecorded.event_id, CallbackState.DELIVERED)
    assert first.event_id == second.event_id == str(delivered_unrecorded.event_id)
    assert first.body == second.body


async def test_stopping_finishes_and_records_what_is_in_flight(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    open_the_gate = asyncio.Event()

    async def answer_late(_request: web.Request) -> web.Response:
        await open_the_gate.wait()
        return web.Response()

    endpoint.answer = answer_late
    in_flight = event(url=endpoint.url)
    async with _worker(database, database_url) as worker:
        await _enqueue(database, in_flight)
        await endpoint.wait_for(1)
        stopping = asyncio.create_task(worker.stop())
        untouched = event(url=endpoint.url)
        await _enqueue(database, untouched)
        open_the_gate.set()
        await stopping
        await _until_state(database, in_flight.event_id, CallbackState.DELIVERED)
    assert len(endpoint.received) == 1
    await _until_state(database, untouched.event_id, CallbackState.WAITING)


async def test_two_workers_share_the_work_without_sending_twice(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    events = [event(url=endpoint.url, merchant_id=f"MER-{number % 5}") for number in range(100)]
    async with _worker(database, database_url), _worker(database, database_url):
        await _enqueue(database, *events)
        received = await endpoint.wait_for(100)
        for sent in events:
            await _until_state(database, sent.event_id, CallbackState.DELIVERED)
    assert len(endpoint.received) == len({each.event_id for each in received}) == 100


async def test_retry_after_leaves_the_merchants_other_events_alone_for_a_while(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    async def slow_down(request: web.Request) -> web.Response:
        if request.path == "/throttled":
            return web.Response(status=429, headers={"retry-after": "120"})
        return web.Response()

    endpoint.answer = slow_down
    first = event(url=f"{endpoint.url}/throttled", merchant_id="THROTTLED")
    async with _worker(database, database_url):
        await _enqueue(database, first)
        await endpoint.wait_for(1)
        await _until_attempts(database, first.event_id, 1)
        await _enqueue(database, event(url=f"{endpoint.url}/throttled", merchant_id="THROTTLED"))
        await _enqueue(database, event(url=f"{endpoint.url}/other", merchant_id="OTHER"))
        await endpoint.wait_for(1, "/other")
        found = await show(database, first.event_id)
    assert found is not None
    assert (found[0].due_at - found[0].created_at).total_seconds() > 100
    assert len(await endpoint.wait_for(1, "/throttled")) == 1


async def test_a_delivery_that_takes_long_keeps_its_lease(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    open_the_gate = asyncio.Event()

    async def answer_late(_request: web.Request) -> web.Response:
        await open_the_gate.wait()
        return web.Response()

    async def leased_until() -> datetime:
        return await database.fetchval("SELECT due_at FROM callbacks_outbox")  # type: ignore[no-any-return] # a column

    endpoint.answer = answer_late
    slow = event(url=endpoint.url)
    async with _worker(database, database_url):
        await _enqueue(database, slow)
        await endpoint.wait_for(1)
        first = await leased_until()

        async def renewed() -> bool:
            return await leased_until() > first

        await until(renewed, timeout_seconds=_WAIT_SECONDS)
        open_the_gate.set()
        await _until_state(database, slow.event_id, CallbackState.DELIVERED)
    assert len(endpoint.received) == 1
