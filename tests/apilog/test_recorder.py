"""Requests are noted at once and stored later; what cannot be stored is dropped, and nobody fills another's log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from support.merchants import NOW, FixedClock
from support.waiting import until
from wisipay.apilog import ApiLog, RequestFilter, find, last, recorder, store
from wisipay.core.database import Pool
from wisipay.core.http_wire import Reply, WireRequest
from wisipay.core.metrics import REGISTRY

MINE = RequestFilter(merchant_id="MER-1")


def request(merchant_id: str = "MER-1", order_id: str = "ORDER-1", path: str = "/api/payment/x") -> WireRequest:
    body = b'{"orderId":"%b"}' % order_id.encode()
    return WireRequest("RQ1", "POST", path, {"x-merchant-id": merchant_id}, body, "127.0.0.1", {})


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("wisipay_api_log_entries_total", {"outcome": outcome}) or 0


async def is_merchant(merchant_id: str) -> bool:
    return merchant_id in {"MER-1", "MER-2"}


@pytest.fixture
async def log(database: Pool) -> AsyncIterator[ApiLog]:
    """Return a log that writes."""
    log = ApiLog(database, FixedClock(), is_merchant)
    await log.start()
    yield log
    await log.stop()


async def test_entries_are_found_by_their_merchant_in_pages_and_by_filter(log: ApiLog, database: Pool) -> None:
    for number in range(5):
        log.observe(request(order_id=f"ORDER-{number}"), Reply(200 if number % 2 else 402, b"{}"), 0.01)
    log.observe(request("MER-2"), Reply(200, b"{}"), 0.01)
    log.observe(request("MER-9"), Reply(400, b"{}"), 0.01)
    log.observe(request(path="/api/payment/uat/x"), Reply(200, b'{"data":{"transactionId":"UAT_1"}}'), 0.01)
    await log.stop()

    first = await find(database, MINE, after=0, limit=4)
    assert [entry.order_id for entry in first.entries] == [f"ORDER-{number}" for number in range(4)]
    assert first.has_more
    second = await find(database, MINE, after=first.cursor, limit=4)
    assert [(entry.order_id, entry.environment) for entry in second.entries] == [
        ("ORDER-4", "LIVE"),
        ("ORDER-1", "UAT"),
    ]
    assert not second.has_more
    assert (await find(database, MINE, after=second.cursor, limit=4)).entries == []

    refused = RequestFilter(merchant_id="MER-1", status_from=400, status_until=500)
    assert [entry.order_id for entry in (await find(database, refused, after=0, limit=9)).entries] == [
        "ORDER-0",
        "ORDER-2",
        "ORDER-4",
    ]
    assert [entry.order_id for entry in (await last(database, refused, 2)).entries] == ["ORDER-2", "ORDER-4"]
    assert (await last(database, refused, 0)).cursor == second.cursor
    assert (await last(database, RequestFilter(merchant_id="MER-9"), 5)).entries == []
    by_order = RequestFilter(merchant_id="MER-1", order_id="ORDER-1")
    assert [entry.environment for entry in (await find(database, by_order, after=0, limit=9)).entries] == [
        "LIVE",
        "UAT",
    ]
    sandbox = RequestFilter(merchant_id="MER-1", environment="UAT", transaction_id="UAT_1")
    assert [entry.path for entry in (await find(database, sandbox, after=0, limit=9)).entries] == ["/api/payment/uat/x"]


async def test_a_running_log_stores_what_it_is_told_and_who_nobody_knows_is_left_out(
    log: ApiLog, database: Pool
) -> None:
    log.observe(request(), Reply(200, b"{}"), 0.01)
    log.observe(request(), Reply(401, b"{}"), 0.01)
    log.observe(WireRequest("RQ2", "GET", "/", {}, b"", "127.0.0.1", {}), Reply(400, b"{}"), 0.01)

    async def stored() -> bool:
        return len((await find(database, MINE, after=0, limit=9)).entries) == 1

    await until(stored)


async def test_those_who_cannot_sign_do_not_push_a_merchants_own_requests_out(log: ApiLog, database: Pool) -> None:
    for _ in range(recorder.UNPROVEN_MAX + 10):
        log.observe(request(order_id="FORGED"), Reply(403, b"{}"), 0.01)
    log.observe(request(order_id="MINE"), Reply(200, b"{}"), 0.01)
    await log.stop()
    page = await find(database, MINE, after=0, limit=store.PAGE_MAX)
    assert len(page.entries) == recorder.UNPROVEN_MAX + 1
    assert page.entries[-1].order_id == "MINE"


async def test_those_who_invent_merchants_do_not_push_anything_out(
    log: ApiLog, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "UNPROVEN_WAITING_MAX", 3)
    unknown, flood = counted("unknown_merchant"), counted("flood")
    for number in range(9):
        log.observe(request(f"MER-9{number}"), Reply(400, b"{}"), 0.01)
    log.observe(request(order_id="MINE"), Reply(200, b"{}"), 0.01)
    await log.stop()
    assert (counted("unknown_merchant") - unknown, counted("flood") - flood) == (3, 6)
    assert [entry.order_id for entry in (await find(database, MINE, after=0, limit=9)).entries] == ["MINE"]


async def test_what_does_not_fit_into_the_queue_or_the_store_is_dropped_and_counted(
    log: ApiLog, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    full, lost = counted("queue_full"), counted("lost")
    monkeypatch.setattr(recorder, "WAITING_MAX", 2)
    monkeypatch.setattr(store, "write", away)
    for _ in range(3):
        log.observe(request(), Reply(200, b"{}"), 0.01)
    await until(lambda: counted("lost") == lost + 2)
    assert counted("queue_full") == full + 1
    monkeypatch.undo()
    log.observe(request(order_id="LATER"), Reply(200, b"{}"), 0.01)
    await log.stop()
    assert [entry.order_id for entry in (await find(database, MINE, after=0, limit=9)).entries] == ["LATER"]


async def test_a_store_that_is_away_at_the_end_is_tried_once(log: ApiLog, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def away(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError

    lost = counted("lost")
    monkeypatch.setattr(recorder, "BATCH_MAX", 2)
    monkeypatch.setattr(store, "write", away)
    for _ in range(9):
        log.observe(request(), Reply(200, b"{}"), 0.01)
    await log.stop()
    assert (counted("lost") - lost, tries) == (9, 1)


async def test_a_batch_that_nobody_thought_of_does_not_end_the_log(
    log: ApiLog, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = counted("lost")
    monkeypatch.setattr(recorder, "row", lambda *_: 1 / 0)
    log.observe(request(), Reply(200, b"{}"), 0.01)
    await until(lambda: counted("lost") == lost + 1)
    monkeypatch.undo()
    log.observe(request(), Reply(200, b"{}"), 0.01)
    await log.stop()
    assert len((await find(database, MINE, after=0, limit=9)).entries) == 1


async def test_days_have_partitions_of_their_own_which_are_dropped_when_they_are_old(database: Pool) -> None:
    clock = FixedClock(NOW - timedelta(days=40))
    for _ in range(2):
        log = ApiLog(database, clock, is_merchant)
        await log.start()
        log.observe(request(), Reply(200, b"{}"), 0.01)
        await log.stop()
        clock.moment = NOW
    assert await store.drop_old(database, NOW, 30) >= 1
    assert [entry.at for entry in (await find(database, MINE, after=0, limit=9)).entries] == [
        NOW - timedelta(seconds=0.01)
    ]
    assert await store.drop_old(database, NOW, 30) == 0
