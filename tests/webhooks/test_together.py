"""Many webhooks at once on a real PostgreSQL: one transaction, nothing half done, nobody else's rows."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from support.inbox import Adapters, Channels, Payments, webhook
from support.parties import channel
from wisipay.core.clock import utc_now
from wisipay.core.database import Pool
from wisipay.core.queue import Lease
from wisipay.payments import WordResult
from wisipay.webhooks import Processing, WebhookState, show
from wisipay.webhooks.store import claim, insert, lock_due, record
from wisipay.webhooks.together import Done, look_together

_LEASE = Lease(uuid4(), 60)


async def _look(payments: Payments, channels: Channels | None = None, *, limit: int = 100) -> Done:
    return await look_together(Processing(channels or Channels(), Adapters(), payments), limit, _LEASE)


async def test_an_empty_inbox_is_nothing_to_do(database: Pool) -> None:
    assert await _look(Payments(pool=database)) == Done()


async def test_words_are_applied_in_the_order_of_their_arrival_up_to_the_limit(database: Pool) -> None:
    payments = Payments(pool=database)
    for number in range(4):
        await insert(database, [webhook(f"WP{number}", f"WQ{number}")])
    done = await _look(payments, limit=3)
    assert [look.result for look in done.looks] == ["APPLIED,APPLIED"] * 3
    assert [heard.reference for _, heard, _ in payments.heard] == ["WP0", "WQ0", "WP1", "WQ1", "WP2", "WQ2"]
    assert len(await claim(database, 10, uuid4(), 60)) == 1


async def test_what_cannot_be_applied_yet_waits_for_its_gap(database: Pool) -> None:
    await insert(database, [early := webhook("WP1")])
    await _look(Payments(WordResult.UNKNOWN_TRANSACTION, pool=database))
    kept = await show(database, early.webhook_id)
    assert kept is not None
    assert (kept.state, kept.attempts, kept.result) == (WebhookState.WAITING, 1, "UNKNOWN_TRANSACTION")
    assert kept.due_at > utc_now()


async def test_hints_and_broken_channels_are_left_aside_under_the_lease(database: Pool) -> None:
    payments = Payments(pool=database)
    hint, broken = webhook("WP1", signed_for="nobody"), webhook("WP2", provider_id="broken")
    await insert(database, [hint, broken])
    done = await _look(payments, Channels(channel(), channel("broken", "acme")))
    assert (done.looks, payments.heard) == ([], [])
    assert {each.webhook.webhook_id for each in done.aside} == {hint.webhook_id, broken.webhook_id}
    assert {each.lease_token for each in done.aside} == {_LEASE.token}
    assert await claim(database, 10, uuid4(), 60) == []
    kept = await show(database, hint.webhook_id)
    assert kept is not None
    assert kept.due_at > utc_now() + timedelta(seconds=50)


async def test_a_failed_batch_leaves_everything_as_it_was(database: Pool) -> None:
    stored = [webhook("WP1"), webhook("WP2", signed_for="nobody"), webhook(body=b"<xml/>")]
    await insert(database, stored)
    with pytest.raises(RuntimeError, match="poison"):
        await _look(Payments(RuntimeError("poison"), pool=database))
    assert {each.attempts for each in await claim(database, 10, uuid4(), 60)} == {0}


async def test_a_lease_that_ran_out_is_taken_over_and_its_holder_is_too_late(database: Pool) -> None:
    await insert(database, [webhook("WP1")])
    (slow,) = await claim(database, 1, uuid4(), 0)
    done = await _look(Payments(pool=database))
    assert [look.result for look in done.looks] == ["APPLIED"]
    assert await record(database, done.looks) == [False]  # it is not waiting any more
    assert await record(database, [type(done.looks[0])(claimed=slow, state=WebhookState.DEAD)]) == [False]


async def test_rows_that_another_worker_holds_are_left_alone(database: Pool) -> None:
    await insert(database, [webhook("WP1"), webhook("WP2")])
    async with database.acquire() as conn, conn.transaction():
        await conn.execute("SELECT FROM webhooks_inbox ORDER BY due_at LIMIT 1 FOR UPDATE")
        assert len((await _look(Payments(pool=database))).looks) == 1
    assert len((await _look(Payments(pool=database))).looks) == 1


async def test_the_locks_of_a_worker_that_has_stopped_end_when_a_lease_would(database: Pool) -> None:
    show_bound = "SHOW idle_in_transaction_session_timeout"
    await insert(database, [webhook("WP1")])
    async with database.acquire() as conn:
        before = await conn.fetchval(show_bound)
        async with conn.transaction():
            assert len(await lock_due(conn, 10)) == 1
            assert await conn.fetchval(show_bound) == "8s"
        assert await conn.fetchval(show_bound) == before
