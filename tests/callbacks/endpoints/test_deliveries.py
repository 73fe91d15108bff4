"""Deliveries as rows: written with their event, claimed in order per endpoint, recorded under their lease."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from support.callback_events import attempt, event
from support.endpoints import add, author, states, write
from wisipay.callbacks import AttemptOutcome, Patience, disable_endpoint, remove_endpoint, show
from wisipay.callbacks.endpoints import store
from wisipay.callbacks.endpoints.model import ClaimedDelivery
from wisipay.callbacks.model import Attempt
from wisipay.core.database import Pool

URL = "http://127.0.0.1:9/"
PATIENCE = Patience()


async def _claim(pool: Pool, *endpoint_ids: str, seconds: int = 60, token: UUID | None = None) -> list[ClaimedDelivery]:
    places = dict.fromkeys(endpoint_ids, 10)
    claimed = await store.claim(pool, places, token or uuid4(), seconds, datetime.now(UTC))
    return sorted(claimed, key=lambda each: each.callback.event.transaction_id)


def _attempt(
    claimed: ClaimedDelivery,
    outcome: AttemptOutcome = AttemptOutcome.DELIVERED,
    *,
    status: int = 200,
    gap_seconds: int = 0,
) -> Attempt:
    made = attempt(claimed.callback, outcome, status=status, gap_seconds=gap_seconds)
    endpoint = claimed.addressee.endpoint
    return msgspec.structs.replace(made, endpoint_id=endpoint.id, url=endpoint.url)


async def test_an_event_goes_to_every_endpoint_that_wants_it_and_is_one_event(database: Pool) -> None:
    everything, _ = await add(database, f"{URL}all")
    failures, _ = await add(database, f"{URL}failures", events=["payin.failed", "payout.failed"])
    payouts, _ = await add(database, f"{URL}payouts", events=["payout.*"])
    another, _ = await add(database, URL, merchant_id="MER-2")
    good, bad = event(), event(type="PAYOUT", status="FAILED", url=None)
    await write(database, good, bad)
    await write(database, good)
    claimed = await _claim(database, everything.id, failures.id, payouts.id, another.id)
    assert sorted((each.addressee.endpoint.url, each.callback.event.type) for each in claimed) == [
        (f"{URL}all", "PAYIN"),
        (f"{URL}all", "PAYOUT"),
        (f"{URL}failures", "PAYOUT"),
        (f"{URL}payouts", "PAYOUT"),
    ]
    assert {each.callback.event.event_id for each in claimed} == {good.event_id, bad.event_id}
    for each in claimed:
        assert everything.wants(each.callback.event)
        assert each.addressee.endpoint.wants(each.callback.event)
    assert not payouts.wants(good)
    rows = await database.fetch("SELECT state FROM callbacks_outbox ORDER BY position")
    assert [row["state"] for row in rows] == ["WAITING", "NO_URL"]


async def test_order_is_kept_per_transaction_and_endpoint(database: Pool) -> None:
    quick, _ = await add(database, f"{URL}quick")
    slow, _ = await add(database, f"{URL}slow")
    first = event(status="EXPIRED")
    second, other = event(transaction_id=first.transaction_id), event()
    await write(database, first, second, other)
    to_quick, to_slow = await _claim(database, quick.id), await _claim(database, slow.id)
    assert [each.callback.event for each in to_quick] == [each.callback.event for each in to_slow] == [first, other]
    answers = [_attempt(to_quick[0]), _attempt(to_slow[0], AttemptOutcome.RETRY, status=500, gap_seconds=60)]
    assert await store.record(database, answers, PATIENCE) == [True, True]
    (next_,) = await _claim(database, quick.id, slow.id)
    assert (next_.addressee.endpoint.id, next_.callback.event) == (quick.id, second)
    due = await database.fetch(
        "SELECT DISTINCT due_at FROM callbacks_deliveries WHERE endpoint_id = $1 AND lease_token IS NULL", slow.id
    )
    assert len(due) == 1  # the follower comes when its predecessor does


async def test_only_the_holder_of_a_lease_moves_a_delivery_and_every_attempt_is_kept(database: Pool) -> None:
    endpoint, _ = await add(database, URL)
    sent = event()
    await write(database, sent)
    (late,) = await _claim(database, endpoint.id, seconds=0)
    (held,) = await _claim(database, endpoint.id)
    assert await store.record(database, [_attempt(late)], PATIENCE) == [False]
    await store.renew(database, [late.key], late.callback.lease_token, 0)
    assert await _claim(database, endpoint.id) == []
    await store.renew(database, [held.key], held.callback.lease_token, 0)
    (again,) = await _claim(database, endpoint.id)
    assert await store.record(database, [_attempt(again)], PATIENCE) == [True]
    assert await states(database, endpoint.id) == ["DELIVERED"]
    found = await show(database, sent.event_id)
    assert found is not None
    assert [each.endpoint_id for each in found[1]] == [endpoint.id, endpoint.id]


async def test_what_is_being_sent_while_its_endpoint_goes_off_is_recorded_as_it_ended(database: Pool) -> None:
    endpoint, _ = await add(database, URL)
    await write(database, event(), event(), event())
    good, again, dead = await _claim(database, endpoint.id)
    async with database.acquire() as conn:
        await disable_endpoint(conn, author(), "MER-1", endpoint.id)
    await store.record(
        database,
        [
            _attempt(good),
            _attempt(again, AttemptOutcome.RETRY, status=500),
            _attempt(dead, AttemptOutcome.DEAD, status=500),
        ],
        PATIENCE,
    )
    assert await states(database, endpoint.id) == ["DELIVERED", "PAUSED", "DEAD"]
    async with database.acquire() as conn:
        await remove_endpoint(conn, author(), "MER-1", endpoint.id)
    assert await states(database, endpoint.id) == ["DELIVERED", "CANCELLED", "DEAD"]


async def test_gone_switches_the_endpoint_off_at_once_and_no_other(database: Pool) -> None:
    gone, _ = await add(database, f"{URL}gone")
    other, _ = await add(database, f"{URL}other")
    await write(database, event(), event())
    first, _ = await _claim(database, gone.id)
    (last,) = [_attempt(first, AttemptOutcome.SWITCHED_OFF, status=410)]
    assert await store.record(database, [last], PATIENCE) == [True]
    assert await states(database, gone.id) == ["PAUSED", "PAUSED"]
    assert await states(database, other.id) == ["WAITING", "WAITING"]
    row = await database.fetchrow("SELECT * FROM callbacks_endpoints WHERE id = $1", gone.id)
    assert row is not None
    assert (row["status"], row["disabled_reason"]) == ("DISABLED", f"answered 410 to {first.callback.event.event_id}")
    assert await _told(database) == [("callbacks.switch_off", f"MER-1/{gone.id}")]


async def test_what_takes_nothing_for_days_is_switched_off_and_told_once(database: Pool) -> None:
    endpoint, _ = await add(database, URL)
    await write(database, *(event() for _ in range(4)))
    failing = await _claim(database, endpoint.id)
    patience = Patience(span=timedelta(days=3), failures_min=3)
    answers = [_attempt(each, AttemptOutcome.RETRY, status=500, gap_seconds=60) for each in failing]
    await store.record(database, answers[:2], patience)
    await database.execute("UPDATE callbacks_failing SET failing_since = failing_since - interval '3 days'")
    assert await states(database, endpoint.id) == ["WAITING"] * 4
    await store.record(database, answers[2:3], patience)
    assert await states(database, endpoint.id) == ["PAUSED"] * 4
    await store.record(database, answers[3:], patience)
    assert await _told(database) == [("callbacks.switch_off", f"MER-1/{endpoint.id}")]


async def test_one_success_is_enough_to_be_given_more_time(database: Pool) -> None:
    endpoint, _ = await add(database, URL)
    await write(database, event(), event(), event())
    first, second, third = await _claim(database, endpoint.id)
    patience = Patience(span=timedelta(), failures_min=2)
    await store.record(database, [_attempt(first, AttemptOutcome.RETRY, status=500)], patience)
    await store.record(database, [_attempt(second)], patience)
    await store.record(database, [_attempt(third, AttemptOutcome.RETRY, status=500)], patience)
    assert await database.fetchval("SELECT failures FROM callbacks_failing") == 1
    assert await _told(database) == []


async def test_an_answer_of_the_address_before_switches_nothing_off(database: Pool) -> None:
    endpoint, _ = await add(database, URL)
    await write(database, event())
    (claimed,) = await _claim(database, endpoint.id)
    await database.execute("UPDATE callbacks_endpoints SET url = 'http://127.0.0.1:9/new'")
    await store.record(database, [_attempt(claimed, AttemptOutcome.SWITCHED_OFF, status=410)], PATIENCE)
    assert await database.fetchval("SELECT status FROM callbacks_endpoints") == "ENABLED"


async def _told(pool: Pool) -> list[tuple[str, str]]:
    """Return what was audited of switching off, having checked that as many mails and events were written."""
    audited = await pool.fetch("SELECT action, entity_id FROM audit_log WHERE action = 'callbacks.switch_off'")
    events = await pool.fetch("SELECT id FROM callbacks_endpoint_events WHERE what = 'SWITCHED_OFF'")
    mails = await pool.fetch("SELECT id FROM pgqueuer WHERE entrypoint = 'callbacks.mail_switched_off'")
    assert len(audited) == len(events) == len(mails)
    return [tuple(row) for row in audited]


async def test_depth_counts_what_is_due(database: Pool) -> None:
    assert await store.depth(database) == (0, 0.0)
    await add(database, URL)
    await write(database, event())
    due, age_seconds = await store.depth(database)
    assert (due, age_seconds >= 0) == (1, True)
