"""The outbox on a real PostgreSQL: what is claimed, in which order, by whom, and what a lease protects."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest

from support.callback_events import attempt, event
from wisipay.callbacks import AttemptOutcome, CallbackEvent, CallbackState, enqueue, show, switch_on
from wisipay.callbacks.model import ClaimedCallback
from wisipay.callbacks.store import claim, depth, merchants_waiting, record, renew
from wisipay.core.database import Pool

_LEASE_SECONDS = 60


async def _enqueue(pool: Pool, *events: CallbackEvent) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await enqueue(conn, events)


async def _claim(
    pool: Pool, merchants: dict[str, int] | None = None, token: UUID | None = None
) -> list[ClaimedCallback]:
    return await claim(pool, merchants or {"MER-1": 100}, token or uuid4(), _LEASE_SECONDS)


async def _run_out(pool: Pool, event_id: UUID) -> None:
    """Let the lease or the wait of an event end now."""
    await pool.execute("UPDATE callbacks_outbox SET due_at = now() WHERE event_id = $1", event_id)


async def _state(pool: Pool, event_id: UUID) -> CallbackState:
    found = await show(pool, event_id)
    assert found is not None
    return found[0].state


async def test_an_event_exists_only_if_the_change_behind_it_was_committed(database: Pool) -> None:
    async with database.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await enqueue(conn, [event()])
        await transaction.rollback()
    assert await _claim(database) == []


async def test_enqueuing_nothing_is_fine(database: Pool) -> None:
    await _enqueue(database)
    assert await merchants_waiting(database, "", 10) == []


async def test_an_event_id_enqueued_again_is_left_as_it_is(database: Pool) -> None:
    first = event(status="SUCCESS")
    await _enqueue(database, first)
    await _enqueue(database, event(event_id=first.event_id, status="FAILED"))
    assert [claimed.event for claimed in await _claim(database)] == [first]


async def test_an_event_without_a_url_is_kept_but_not_sent(database: Pool) -> None:
    silent = event(url=None)
    await _enqueue(database, silent)
    assert await _claim(database) == []
    assert await _state(database, silent.event_id) is CallbackState.NO_URL


async def test_enqueue_wakes_the_workers_at_commit_and_not_before(database: Pool) -> None:
    heard = asyncio.Event()
    async with database.acquire() as listening, database.acquire() as conn:
        await listening.add_listener("callbacks_due", lambda *_: heard.set())
        async with conn.transaction():
            await enqueue(conn, [event()])
            await listening.execute("SELECT 1")
            assert not heard.is_set()
        await asyncio.wait_for(heard.wait(), 30)
        await listening.reset()


async def test_an_event_without_a_url_wakes_nobody(database: Pool) -> None:
    heard: list[object] = []
    async with database.acquire() as listening:
        await listening.add_listener("callbacks_due", lambda *_: heard.append(1))
        await _enqueue(database, event(url=None))
        await listening.execute("SELECT 1")
        await listening.reset()
    assert heard == []


async def test_a_deep_backlog_of_one_merchant_hides_no_other(database: Pool) -> None:
    await _enqueue(database, *(event(merchant_id="DEEP") for _ in range(500)))
    await _enqueue(database, event(merchant_id="MER-2"), event(merchant_id="MER-3"))
    waiting = await merchants_waiting(database, "", 10)
    assert [(each.merchant_id, each.is_due) for each in waiting] == [("DEEP", True), ("MER-2", True), ("MER-3", True)]
    claimed = await _claim(database, {"DEEP": 2, "MER-2": 2, "MER-3": 2})
    assert Counter(each.event.merchant_id for each in claimed) == {"DEEP": 2, "MER-2": 1, "MER-3": 1}


async def test_waiting_merchants_are_listed_in_pages_with_their_earliest_moment(database: Pool) -> None:
    await _enqueue(database, *(event(merchant_id=f"MER-{number}") for number in range(5)))
    await database.execute("UPDATE callbacks_outbox SET due_at = now() + interval '1 h' WHERE merchant_id = 'MER-3'")
    first = await merchants_waiting(database, "", 3)
    second = await merchants_waiting(database, first[-1].merchant_id, 3)
    assert [each.merchant_id for each in first + second] == [f"MER-{number}" for number in range(5)]
    assert [each.is_due for each in first + second] == [True, True, True, False, True]


async def test_two_workers_never_claim_the_same_event(database: Pool) -> None:
    await _enqueue(database, *(event() for _ in range(40)))
    claims = await asyncio.gather(*(_claim(database, {"MER-1": 10}) for _ in range(8)))
    event_ids = [claimed.event.event_id for claims_of_one in claims for claimed in claims_of_one]
    assert len(event_ids) == len(set(event_ids))
    rest = await _claim(database)
    assert len(event_ids) + len(rest) == 40


async def test_the_second_event_of_a_transaction_waits_for_the_first(database: Pool) -> None:
    expired = event(status="EXPIRED")
    late = event(transaction_id=expired.transaction_id, status="SUCCESS")
    await _enqueue(database, expired, late)
    (first,) = await _claim(database)
    assert first.event == expired
    assert await _claim(database) == []
    await record(database, [attempt(first)])
    assert [claimed.event for claimed in await _claim(database)] == [late]


@pytest.mark.parametrize("outcome", [AttemptOutcome.DEAD, AttemptOutcome.DELIVERED])
async def test_a_follower_that_was_put_off_is_due_when_its_predecessor_is_done(
    database: Pool, outcome: AttemptOutcome
) -> None:
    expired = event(status="EXPIRED")
    late = event(transaction_id=expired.transaction_id)
    await _enqueue(database, expired, late)
    (first,) = await _claim(database)
    await record(database, [attempt(first, AttemptOutcome.RETRY, gap_seconds=3600)])
    (merchant,) = await merchants_waiting(database, "", 10)
    assert not merchant.is_due, "a follower of an event that waits must not be looked at by every claim"
    await _run_out(database, expired.event_id)
    (again,) = await _claim(database)
    assert (again.event, again.attempts) == (expired, 1)
    await record(database, [attempt(again, outcome)])
    assert [claimed.event for claimed in await _claim(database)] == [late]


async def test_a_killed_workers_events_fall_due_again(database: Pool) -> None:
    lost = event()
    await _enqueue(database, lost)
    await _claim(database)
    assert await _claim(database) == []
    await _run_out(database, lost.event_id)
    assert [claimed.event for claimed in await _claim(database)] == [lost]


async def test_whoever_lost_the_lease_changes_nothing_but_leaves_a_record(database: Pool) -> None:
    contested = event()
    await _enqueue(database, contested)
    (slow,) = await _claim(database)
    await _run_out(database, contested.event_id)
    (quick,) = await _claim(database)
    assert await record(database, [attempt(slow, AttemptOutcome.DEAD, status=500)]) == [False]
    assert await _state(database, contested.event_id) is CallbackState.WAITING
    assert await record(database, [attempt(quick)]) == [True]
    found = await show(database, contested.event_id)
    assert found is not None
    assert found[0].state is CallbackState.DELIVERED
    assert [made.outcome for made in found[1]] == [AttemptOutcome.DEAD, AttemptOutcome.DELIVERED]


async def test_an_attempt_recorded_twice_counts_once(database: Pool) -> None:
    """As happens when the answer to the commit is lost and the batch is applied again."""
    await _enqueue(database, event())
    (claimed,) = await _claim(database)
    made = attempt(claimed, AttemptOutcome.RETRY, gap_seconds=5)
    assert await record(database, [made]) == [True]
    assert await record(database, [made]) == [False]
    found = await show(database, claimed.event.event_id)
    assert found is not None
    assert (found[0].attempts, len(found[1])) == (1, 1)


async def test_only_the_holder_can_prolong_a_lease(database: Pool) -> None:
    await _enqueue(database, event())
    (claimed,) = await _claim(database)
    event_id = claimed.event.event_id
    due_at = "SELECT due_at FROM callbacks_outbox WHERE event_id = $1"
    before = await database.fetchval(due_at, event_id)
    await renew(database, [event_id], uuid4(), 3600)
    assert await database.fetchval(due_at, event_id) == before
    await renew(database, [event_id], claimed.lease_token, 3600)
    assert await database.fetchval(due_at, event_id) > before


async def test_many_attempts_with_different_ends_are_recorded_at_once(database: Pool) -> None:
    await _enqueue(database, *(event() for _ in range(3)))
    good, bad, dead = await _claim(database)
    results = await record(
        database,
        [
            attempt(good),
            attempt(bad, AttemptOutcome.RETRY, gap_seconds=30, status=500),
            attempt(dead, AttemptOutcome.DEAD, status=500),
        ],
    )
    assert results == [True, True, True]
    states = [await _state(database, claimed.event.event_id) for claimed in (good, bad, dead)]
    assert states == [CallbackState.DELIVERED, CallbackState.WAITING, CallbackState.DEAD]
    assert await _claim(database) == []


async def test_410_takes_everything_for_that_endpoint_out_of_the_queue(database: Pool) -> None:
    gone, waiting = event(), event()
    other_service, other_url = event(type="PAYOUT"), event(url="http://127.0.0.1:9/elsewhere")
    await _enqueue(database, gone, waiting, other_service, other_url)
    claimed = await _claim(database, {"MER-1": 1})
    await record(database, [attempt(claimed[0], AttemptOutcome.SWITCHED_OFF, status=410)])
    assert await _state(database, waiting.event_id) is CallbackState.SWITCHED_OFF
    later = event()
    await _enqueue(database, later)
    assert await _state(database, later.event_id) is CallbackState.SWITCHED_OFF
    assert {each.event for each in await _claim(database)} == {other_service, other_url}


async def test_an_endpoint_switched_on_again_is_served(database: Pool) -> None:
    await _enqueue(database, event())
    (claimed,) = await _claim(database)
    await record(database, [attempt(claimed, AttemptOutcome.SWITCHED_OFF, status=410)])
    async with database.acquire() as conn:
        assert await switch_on(conn, "MER-1", "PAYIN") == [claimed.event.url]
        assert await switch_on(conn, "MER-1", "PAYIN") == []
    later = event()
    await _enqueue(database, later)
    assert [each.event for each in await _claim(database)] == [later]


async def test_depth_counts_what_is_due(database: Pool) -> None:
    assert await depth(database) == (0, 0.0)
    await _enqueue(database, event(), event(), event(url=None))
    due, age_seconds = await depth(database)
    assert due == 2
    assert age_seconds >= 0
