"""Whole workers on a real PostgreSQL: crashes, duplicates, overtaking, dead letters, draining."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from support.inbox import Adapters, Channels, Payments, webhook
from support.waiting import until
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.payments import WordResult
from wisipay.webhooks import Processing, WebhookState, replay_dead, show
from wisipay.webhooks.store import claim, insert
from wisipay.webhooks.worker import WebhookWorker

_WAIT_SECONDS = 20


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
