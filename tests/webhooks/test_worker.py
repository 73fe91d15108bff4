"""Whole workers on a real PostgreSQL: crashes, duplicates, overtaking, dead letters, draining."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from uuid import UUID, uuid4

from support.inbox import Adapters, Channels, Payments, webhook
from support.waiting import until
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.payments import WordResult
from wisipay.webhooks import Processing, WebhookState, replay_dead, show
from wisipay.webhooks.store import claim, insert
from wisipay.webhooks.worker import WebhookWorker

_WAIT_SECONDS = 40


@asynccontextmanager
async def _worker(pool: Pool, database_url: str, payments: Payments) -> AsyncIterator[WebhookWorker]:
    async with Listener(database_url) as listener:
        worker = WebhookWorker(pool, listener, Processing(Channels(), Adapters(), payments))
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()


async def _until_state(pool: Pool, webhook_id: UUID, state: WebhookState) -> str | None:
    """Return the result once the webhook is in `state`."""

    async def reached() -> bool:
        kept = await show(pool, webhook_id)
        return kept is not None and kept.state is state

    await until(reached, timeout_seconds=_WAIT_SECONDS)
    kept = await show(pool, webhook_id)
    return kept.result if kept else None


async def test_webhooks_are_applied_and_duplicates_change_nothing(database: Pool, database_url: str) -> None:
    payments = Payments()
    first, duplicate = webhook("WP1"), webhook("WP1")
    async with _worker(database, database_url, payments):
        await insert(database, [first])
        assert await _until_state(database, first.webhook_id, WebhookState.DONE) == "APPLIED"
        await insert(database, [duplicate])
        assert await _until_state(database, duplicate.webhook_id, WebhookState.DONE) == "REPEATED"


async def test_webhooks_are_dealt_with_together_and_hints_one_by_one(database: Pool, database_url: str) -> None:
    payments = Payments(pool=database)
    vouched = [webhook(f"WP{number}") for number in range(5)]
    hint, unreadable = webhook("WP9", signed_for="nobody"), webhook(body=b"<xml/>")
    await insert(database, [*vouched, hint, unreadable])
    async with _worker(database, database_url, payments):
        for each in (*vouched, hint):
            assert await _until_state(database, each.webhook_id, WebhookState.DONE) == "APPLIED"
        assert await _until_state(database, unreadable.webhook_id, WebhookState.DEAD) == "UNREADABLE"
        await insert(database, [late := webhook("WP1")])
        assert await _until_state(database, late.webhook_id, WebhookState.DONE) == "REPEATED"


async def test_more_webhooks_than_fit_a_batch_do_not_wait_for_a_sweep(database: Pool, database_url: str) -> None:
    payments = Payments(pool=database)
    await insert(database, [webhook(f"WP{number}") for number in range(10)])
    async with Listener(database_url) as listener:
        worker = WebhookWorker(database, listener, Processing(Channels(), Adapters(), payments), concurrency=2)
        await worker.start()
        started = monotonic()
        await until(lambda: _all_heard(payments, 10), timeout_seconds=_WAIT_SECONDS)
        assert monotonic() - started < 3  # five batches; five sweeps take longer
        await worker.stop()


async def _all_heard(payments: Payments, count: int) -> bool:
    return len(payments.heard) >= count


async def test_a_webhook_that_fails_its_batch_fails_alone(database: Pool, database_url: str) -> None:
    payments = Payments(RuntimeError("poison"), RuntimeError("poison"), pool=database)
    stored = [webhook(f"WP{number}") for number in range(3)]
    await insert(database, stored)
    async with _worker(database, database_url, payments):
        for each in stored:
            await _until_state(database, each.webhook_id, WebhookState.DONE)
    assert {heard.reference for _, heard, _ in payments.heard} == {"WP0", "WP1", "WP2"}


async def test_a_webhook_that_overtook_our_own_commit_is_applied_at_its_next_look(
    database: Pool, database_url: str
) -> None:
    early = webhook("WP1")
    async with _worker(database, database_url, Payments(WordResult.UNKNOWN_TRANSACTION)):
        await insert(database, [early])
        assert await _until_state(database, early.webhook_id, WebhookState.DONE) == "REPEATED"


async def test_the_lease_of_a_killed_worker_is_taken_up(database: Pool, database_url: str) -> None:
    left_behind = webhook("WP1")
    await insert(database, [left_behind])
    assert len(await claim(database, 1, uuid4(), lease_seconds=1)) == 1
    async with _worker(database, database_url, Payments()):
        assert await _until_state(database, left_behind.webhook_id, WebhookState.DONE) == "APPLIED"


async def test_an_unreadable_webhook_is_dead_until_replayed(database: Pool, database_url: str) -> None:
    unreadable = webhook(body=b"<xml/>")
    async with _worker(database, database_url, Payments()):
        await insert(database, [unreadable])
        assert await _until_state(database, unreadable.webhook_id, WebhookState.DEAD) == "UNREADABLE"
        await database.execute("UPDATE webhooks_inbox SET body = $1", b'["WP1"]')
        assert await replay_dead(database, limit=10) == 1
        assert await _until_state(database, unreadable.webhook_id, WebhookState.DONE) == "APPLIED"


async def test_a_stopped_worker_claims_nothing_more(database: Pool, database_url: str) -> None:
    payments = Payments()
    async with _worker(database, database_url, payments) as worker:
        await worker.stop()
        await insert(database, [webhook("WP1")])
    assert payments.heard == []
