"""Looking at what merchants were told, and telling them again."""

from datetime import timedelta
from uuid import uuid4

import pytest

from support.callback_events import OCCURRED_AT, attempt, event
from wisipay.callbacks import (
    NEEDS_A_PERSON,
    AttemptOutcome,
    CallbackEvent,
    CallbackFilter,
    CallbackState,
    enqueue,
    find,
    replay,
    replay_matching,
    show,
)
from wisipay.callbacks.model import ClaimedCallback
from wisipay.callbacks.store import claim, record
from wisipay.core.database import Pool


async def _enqueue(pool: Pool, *events: CallbackEvent) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await enqueue(conn, events)


async def _claim(pool: Pool) -> list[ClaimedCallback]:
    return await claim(pool, {"MER-1": 100}, uuid4(), 60)


async def _dead(pool: Pool, *events: CallbackEvent) -> None:
    await _enqueue(pool, *events)
    await record(pool, [attempt(each, AttemptOutcome.DEAD, status=500) for each in await _claim(pool)])


async def test_dead_letters_are_listed_in_order_and_shown_with_their_attempts(database: Pool) -> None:
    dead = [event() for _ in range(3)]
    await _dead(database, *dead)
    await _enqueue(database, event())
    listed = await find(database, CallbackFilter(states=NEEDS_A_PERSON))
    assert [each.event for each in listed] == dead
    rest = await find(database, CallbackFilter(states=NEEDS_A_PERSON), after_position=listed[1].position)
    assert [each.event for each in rest] == dead[2:]
    shown = await show(database, dead[0].event_id)
    assert shown is not None
    assert (shown[0].state, shown[0].last_error) == (CallbackState.DEAD, "answered 500")
    assert [(made.http_status, made.answer) for made in shown[1]] == [(500, b"ok")]
    assert await show(database, uuid4()) is None


async def test_events_are_found_by_merchant_transaction_and_time(database: Pool) -> None:
    later = event(occurred_at=OCCURRED_AT + timedelta(hours=1))
    other = event(merchant_id="MER-2")
    await _enqueue(database, later, other)
    assert [each.event for each in await find(database, CallbackFilter(merchant_id="MER-2"))] == [other]
    by_transaction = CallbackFilter(transaction_id=later.transaction_id)
    assert [each.event for each in await find(database, by_transaction)] == [later]
    by_time = CallbackFilter(
        occurred_from=OCCURRED_AT + timedelta(minutes=1), occurred_until=OCCURRED_AT + timedelta(hours=2)
    )
    assert [each.event for each in await find(database, by_time)] == [later]
    assert await find(database, CallbackFilter(), limit=1) != []


async def test_a_replayed_event_keeps_its_id_and_starts_a_fresh_schedule(database: Pool) -> None:
    dead = event()
    await _dead(database, dead)
    async with database.acquire() as conn:
        assert await replay(conn, [dead.event_id, uuid4()]) == [dead.event_id]
    (again,) = await _claim(database)
    assert (again.event, again.attempts) == (dead, 0)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9/callback"])
async def test_even_what_was_delivered_or_had_no_url_can_be_sent_again(database: Pool, url: str | None) -> None:
    sent = event(url=url)
    await _enqueue(database, sent)
    await record(database, [attempt(each) for each in await _claim(database)])
    async with database.acquire() as conn:
        await replay(conn, [sent.event_id])
    assert [each.event for each in await _claim(database)] == [sent]


async def test_a_waiting_event_can_be_hurried_but_not_while_it_is_being_sent(database: Pool) -> None:
    await _enqueue(database, event())
    (claimed,) = await _claim(database)
    async with database.acquire() as conn:
        assert await replay(conn, [claimed.event.event_id]) == []
        await record(database, [attempt(claimed, AttemptOutcome.RETRY, gap_seconds=3600)])
        assert await replay(conn, [claimed.event.event_id]) == [claimed.event.event_id]
    assert len(await _claim(database)) == 1


async def test_a_range_is_replayed_page_by_page_up_to_its_limit(
    database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.callbacks.history.PAGE_MAX", 2)
    dead = [event(occurred_at=OCCURRED_AT + timedelta(minutes=number)) for number in range(7)]
    await _dead(database, *dead)
    of_the_range = CallbackFilter(states=[CallbackState.DEAD], occurred_from=OCCURRED_AT + timedelta(minutes=2))
    assert await replay_matching(database, of_the_range, limit=3) == 3
    assert {each.event for each in await _claim(database)} == set(dead[2:5])
    assert await replay_matching(database, of_the_range, limit=100) == 2
