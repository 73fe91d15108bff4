"""Events sent by the process that wrote them: after the commit, leased, in order, and not before those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from support.callback_events import event
from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from support.parties import Merchants
from support.waiting import until
from wisipay.callbacks import CallbackEvent, CallbackState, Delivery, Outbox, show
from wisipay.callbacks.lanes import WINDOW_START, Lanes
from wisipay.callbacks.model import ClaimedCallback
from wisipay.callbacks.store import claim
from wisipay.callbacks.worker import CallbackWorker
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool
from wisipay.core.http_client import HttpClient
from wisipay.core.listener import Listener
from wisipay.core.queue import Lease

_WAIT_SECONDS = 40


class _Sender:
    """Takes every event it is offered and remembers what came of it."""

    def __init__(self) -> None:
        self.lease = Lease(uuid4(), 60)
        self.reserved: list[CallbackEvent] = []
        self.released: list[CallbackEvent] = []
        self.sent: list[ClaimedCallback] = []

    def new_lease(self) -> Lease:
        return self.lease

    def reserve(self, events: Sequence[CallbackEvent]) -> list[CallbackEvent]:
        self.reserved += events
        return list(events)

    def release(self, events: Sequence[CallbackEvent]) -> None:
        self.released += events

    def send(self, callbacks: Sequence[ClaimedCallback], lease: Lease, leased_at: float) -> None:
        assert (lease, leased_at > 0) == (self.lease, True)
        self.sent += callbacks


async def _write(pool: Pool, outbox: Outbox, *events: CallbackEvent) -> None:
    with outbox.writing() as writing:
        async with pool.acquire() as conn, conn.transaction():
            await writing.enqueue(conn, events)


async def _leased(pool: Pool) -> set[UUID]:
    rows = await pool.fetch("SELECT event_id FROM callbacks_outbox WHERE lease_token IS NOT NULL AND due_at > now()")
    return {row["event_id"] for row in rows}


async def test_events_are_handed_over_after_their_commit_and_nobody_else_can_claim_them(database: Pool) -> None:
    outbox, sender = Outbox(), _Sender()
    outbox.sender = sender
    events = [event(), event()]
    with outbox.writing() as writing:
        async with database.acquire() as conn, conn.transaction():
            await writing.enqueue(conn, events)
        assert sender.sent == []
    assert sender.sent == [ClaimedCallback(each, 0, sender.lease.token) for each in events]
    assert (sender.released, await _leased(database)) == ([], {each.event_id for each in events})
    assert await claim(database, {"MER-1": 10}, uuid4(), 60) == []


async def test_what_was_rolled_back_is_sent_to_nobody(database: Pool) -> None:
    outbox, sender = Outbox(), _Sender()
    outbox.sender = sender

    async def fail() -> None:
        with outbox.writing() as writing:
            async with database.acquire() as conn, conn.transaction():
                await writing.enqueue(conn, [event()])
                raise RuntimeError("no commit")

    with pytest.raises(RuntimeError, match="no commit"):
        await fail()
    assert (sender.sent, sender.released) == ([], sender.reserved)


async def test_an_event_whose_predecessor_waits_has_no_url_or_was_there_before_is_not_handed_over(
    database: Pool,
) -> None:
    outbox, sender = Outbox(), _Sender()
    waiting = event()
    await _write(database, outbox, waiting)
    outbox.sender = sender
    later, silent, gone = event(transaction_id=waiting.transaction_id), event(url=None), event(url="http://gone")
    await database.execute(
        "INSERT INTO callbacks_switched_off VALUES ($1, 'PAYIN', 'http://gone', 'gone')", gone.merchant_id
    )
    free = event()
    await _write(database, outbox, later, silent, gone, waiting, free)
    assert [each.event for each in sender.sent] == [free]
    assert sender.released == [later, silent, gone, waiting]
    assert await _leased(database) == {free.event_id}


async def test_without_a_sender_everything_waits_to_be_claimed(database: Pool) -> None:
    await _write(database, Outbox(), event(), event())
    assert len(await claim(database, {"MER-1": 10}, uuid4(), 60)) == 2


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    async with merchant_endpoint() as serving:
        yield serving


@asynccontextmanager
async def _worker(
    pool: Pool, database_url: str, outbox: Outbox, *, concurrency: int = 64
) -> AsyncIterator[CallbackWorker]:
    async with Listener(database_url) as listener, HttpClient(private_addresses_allowed=True) as client:
        delivery = Delivery(Merchants(), client, SystemClock(), unit="RUPEES", https_only=False)
        worker = CallbackWorker(pool, listener, delivery, outbox, concurrency=concurrency)
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()


async def _until_delivered(pool: Pool, event_id: UUID) -> int:
    """Return the number of attempts that it took."""

    async def reached() -> bool:
        found = await show(pool, event_id)
        return found is not None and found[0].state is CallbackState.DELIVERED

    await until(reached, timeout_seconds=_WAIT_SECONDS)
    found = await show(pool, event_id)
    return len(found[1]) if found else 0


async def test_a_worker_delivers_what_its_own_process_writes(
    database: Pool, database_url: str, endpoint: MerchantEndpoint
) -> None:
    outbox = Outbox()
    first = event(url=endpoint.url, status="EXPIRED")
    later = event(url=endpoint.url, transaction_id=first.transaction_id)
    others = [event(url=endpoint.url, merchant_id=f"MER-{number}") for number in range(20)]
    async with _worker(database, database_url, outbox):
        await _write(database, outbox, first, later, *others)
        for each in (first, later, *others):
            assert await _until_delivered(database, each.event_id) == 1
    in_order = [each.event_id for each in endpoint.received]
    assert in_order.index(str(first.event_id)) < in_order.index(str(later.event_id))


async def test_a_worker_takes_no_more_than_it_has_room_and_window_for(database: Pool, database_url: str) -> None:
    outbox = Outbox()
    async with _worker(database, database_url, outbox, concurrency=10) as worker:
        events = [event(merchant_id="A") for _ in range(20)] + [event(merchant_id="B") for _ in range(20)]
        reserved = worker.reserve(events)
        assert [each.merchant_id for each in reserved] == ["A"] * 8 + ["B"] * 2
        assert worker.reserve(events) == []
        worker.release(reserved)
        assert len(worker.reserve(events)) == 10
    assert worker.reserve(events) == []


async def test_new_events_of_a_merchant_do_not_overtake_those_that_wait(
    database: Pool, database_url: str, endpoint: MerchantEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_the_gate = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await open_the_gate.wait()
        return web.Response()

    endpoint.answer = hang
    await _write(database, Outbox(), *(event(url=endpoint.url, merchant_id="A") for _ in range(WINDOW_START + 1)))
    async with _worker(database, database_url, Outbox()) as worker:
        await endpoint.wait_for(WINDOW_START)
        monkeypatch.setattr(Lanes, "is_open", lambda *_: True)
        free = event(merchant_id="B")
        assert worker.reserve([event(merchant_id="A"), free]) == [free]
        open_the_gate.set()
        await endpoint.wait_for(WINDOW_START + 1)
