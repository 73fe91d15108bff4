"""The sandbox's events: listed once each, in order, per merchant, with what became of their delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis

from support.merchants import NOW
from wisipay.callbacks import Attempt, AttemptOutcome, ClaimedCallback
from wisipay.core.money import Paise
from wisipay.payments import Kind, Request
from wisipay.sandbox import SandboxEvents, SandboxStore, events
from wisipay.sandbox.events import event_of
from wisipay.sandbox.outcomes import named
from wisipay.sandbox.record import SandboxPayment, new_payment
from wisipay.sandbox.store import DueCallback

FIRST, SECOND = UUID(int=1), UUID(int=2)


@pytest.fixture
async def listed(redis: Redis, redis_url: str) -> AsyncIterator[SandboxEvents]:
    """Return the events of an empty sandbox."""
    del redis
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield SandboxEvents(SandboxStore(client))


async def paid(listed: SandboxEvents, merchant_id: str = "MER-1") -> SandboxPayment:
    request = Request(Kind.PAYOUT, f"ORDER-{merchant_id}", Paise(109_00), "UPI", {"name": "Asha"})
    made = new_payment(merchant_id, request, named("reversal"), f"UAT_PAYOUT_{merchant_id}", (FIRST, SECOND), NOW)
    await listed._store.add(made)  # noqa: SLF001 - the store below it
    return made


async def test_events_are_listed_in_the_order_in_which_they_came_due_and_a_second_try_changes_nothing(
    listed: SandboxEvents,
) -> None:
    payment = await paid(listed)
    for step, copy_number in ((0, 0), (1, 1), (0, 0)):
        await listed.note(payment, DueCallback(payment.id, step, copy_number), NOW)
    first, second = await listed.after("MER-1", 0, 9)
    assert [(each.event.event_id, each.event.status) for each in (first, second)] == [
        (FIRST, "SUCCESS"),
        (SECOND, "REVERSED"),
    ]
    assert second.place == first.place + 1
    assert await listed.last("MER-1", 1) == [second]
    assert await listed.after("MER-1", first.place, 9) == [second]
    assert await listed.after("MER-1", 0, 1) == [first]
    assert await listed.after("MER-2", 0, 9) == []
    assert await listed.last("MER-2", 5) == []


async def test_a_list_that_was_lost_goes_on_behind_the_places_that_readers_know(listed: SandboxEvents) -> None:
    payment = await paid(listed)
    await listed.note(payment, DueCallback(payment.id, 0, 0), NOW)
    (before,) = await listed.after("MER-1", 0, 9)
    await listed._redis.flushdb()  # noqa: SLF001 - Redis lost everything
    again = await paid(listed)
    await listed.note(again, DueCallback(again.id, 0, 0), NOW + timedelta(seconds=1))
    assert len(await listed.after("MER-1", before.place, 9)) == 1


async def test_old_events_make_room(listed: SandboxEvents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "EVENTS_MAX", 2)
    payment = await paid(listed)
    for copy_number in range(4):
        await listed.note(payment, DueCallback(payment.id, 0, copy_number), NOW)
    assert len(await listed.after("MER-1", 0, 9)) == 2


async def test_an_event_is_found_with_its_attempts_and_sent_again_by_its_merchant_only(listed: SandboxEvents) -> None:
    payment = await paid(listed)
    callback = DueCallback(payment.id, 1, 0)
    await listed.note(payment, callback, NOW)
    attempt = Attempt(
        callback=ClaimedCallback(event_of(payment, 1), 0, FIRST),
        outcome=AttemptOutcome.RETRY,
        url="http://shop",
        http_status=500,
        latency_ms=7,
        answer=b"\xffno",
        error="answered 500",
        started_at=NOW,
        gap_seconds=1,
    )
    await listed.add_attempt(attempt)
    found = await listed.find("MER-1", SECOND)
    assert found is not None
    assert found[0] == event_of(payment, 1)
    assert [(each.http_status, each.error, each.latency_ms) for each in found[1]] == [(500, "answered 500", 7)]
    assert await listed.find("MER-2", SECOND) is None
    assert await listed.find("MER-1", UUID(int=9)) is None
    assert not await listed.send_again("MER-2", SECOND, NOW)
    for due in await listed._store.claim(NOW + timedelta(seconds=60), 9, 8):  # noqa: SLF001 - what the worker does
        await listed._store.done(due)  # noqa: SLF001 - as above
    assert await listed.send_again("MER-1", SECOND, NOW)
    assert await listed._store.claim(NOW, 9, 8) == [callback]  # noqa: SLF001 - as above
