"""The inbox on a real PostgreSQL: what came is kept as it came, claimed once, and protected by its lease."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from support.inbox import webhook
from wisipay.core.database import Pool
from wisipay.webhooks import ReceivedWebhook, WebhookState, find, replay, replay_dead, show
from wisipay.webhooks.model import ClaimedWebhook, Look, again_or_dead
from wisipay.webhooks.store import claim, depth, insert, record, renew

_LEASE_SECONDS = 60


async def _claim(pool: Pool, limit: int = 100) -> list[ClaimedWebhook]:
    return await claim(pool, limit, uuid4(), _LEASE_SECONDS)


async def _run_out(pool: Pool, webhook_id: UUID) -> None:
    """Let the lease or the wait of a webhook end now."""
    await pool.execute("UPDATE webhooks_inbox SET due_at = now() WHERE webhook_id = $1", webhook_id)


async def _store_dead(pool: Pool, count: int) -> list[ReceivedWebhook]:
    stored = [webhook(f"WP{number}") for number in range(count)]
    await insert(pool, stored)
    await record(pool, [Look(claimed=each, state=WebhookState.DEAD, error="no") for each in await _claim(pool)])
    return stored


async def test_a_webhook_is_kept_exactly_as_it_came(database: Pool) -> None:
    stored = webhook(body=bytes(range(256)), headers={"x-signature": "\u20b9\u00e9"}, legal_entity_id=None)
    await insert(database, [stored])
    assert [claimed.webhook for claimed in await _claim(database)] == [stored]


async def test_storing_twice_is_harmless(database: Pool) -> None:
    stored = webhook("WP1")
    await insert(database, [stored])
    await insert(database, [stored, webhook("WP2")])
    assert len(await _claim(database)) == 2


async def test_storing_wakes_the_workers(database: Pool) -> None:
    heard = asyncio.Event()
    async with database.acquire() as listening:
        await listening.add_listener("webhooks_due", lambda *_: heard.set())
        await insert(database, [webhook()])
        await asyncio.wait_for(heard.wait(), 30)
        await listening.reset()


async def test_the_database_refuses_bodies_over_the_limit(database: Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await insert(database, [webhook(body=b"x" * 65_537)])


async def test_two_workers_never_claim_the_same_webhook(database: Pool) -> None:
    await insert(database, [webhook() for _ in range(40)])
    claims = await asyncio.gather(*(_claim(database, 7) for _ in range(6)))
    webhook_ids = [claimed.webhook.webhook_id for claims_of_one in claims for claimed in claims_of_one]
    assert len(webhook_ids) == len(set(webhook_ids))
    assert len(webhook_ids) + len(await _claim(database)) == 40


async def test_whoever_lost_the_lease_changes_nothing(database: Pool) -> None:
    await insert(database, [webhook()])
    (slow,) = await _claim(database)
    await _run_out(database, slow.webhook.webhook_id)
    (quick,) = await _claim(database)
    assert await record(database, [Look(claimed=slow, state=WebhookState.DEAD)]) == [False]
    assert await record(database, [Look(claimed=quick, state=WebhookState.DONE, result="APPLIED")]) == [True]
    kept = await show(database, slow.webhook.webhook_id)
    assert kept is not None
    assert (kept.state, kept.result, kept.attempts) == (WebhookState.DONE, "APPLIED", 1)


async def test_only_the_holder_can_prolong_a_lease(database: Pool) -> None:
    await insert(database, [webhook()])
    (claimed,) = await _claim(database)
    webhook_id = claimed.webhook.webhook_id
    due_at = "SELECT due_at FROM webhooks_inbox WHERE webhook_id = $1"
    before = await database.fetchval(due_at, webhook_id)
    await renew(database, [webhook_id], uuid4(), 3600)
    assert await database.fetchval(due_at, webhook_id) == before
    assert claimed.lease_token is not None
    await renew(database, [webhook_id], claimed.lease_token, 3600)
    assert await database.fetchval(due_at, webhook_id) > before


async def test_another_look_waits_for_its_gap(database: Pool) -> None:
    await insert(database, [webhook()])
    (claimed,) = await _claim(database)
    await record(database, [again_or_dead(claimed, error="not yet")])
    assert await _claim(database) == []
    await _run_out(database, claimed.webhook.webhook_id)
    (again,) = await _claim(database)
    assert again.attempts == 1


async def test_dead_letters_are_listed_shown_and_replayed(database: Pool) -> None:
    dead = await _store_dead(database, 3)
    await insert(database, [webhook(provider_id="other")])
    listed = await find(database, state=WebhookState.DEAD)
    assert {each.webhook.webhook_id for each in listed} == {each.webhook_id for each in dead}
    assert await find(database, provider_id="other", state=WebhookState.DEAD) == []
    async with database.acquire() as conn:
        assert await replay(conn, [dead[0].webhook_id, uuid4()]) == [dead[0].webhook_id]
    shown = await show(database, dead[0].webhook_id)
    assert shown is not None
    assert (shown.state, shown.attempts, shown.finished_at) == (WebhookState.WAITING, 0, None)
    assert await show(database, uuid4()) is None


async def test_replay_of_all_dead_letters_goes_page_by_page_up_to_its_limit(
    database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.webhooks.history.PAGE_MAX", 2)
    await _store_dead(database, 5)
    assert await replay_dead(database, limit=3) == 3
    assert await replay_dead(database, provider_id="dummy", limit=100) == 2
    assert len(await _claim(database)) == 5


async def test_replay_leaves_alone_what_is_being_looked_at(database: Pool) -> None:
    await insert(database, [webhook()])
    (claimed,) = await _claim(database)
    async with database.acquire() as conn:
        assert await replay(conn, [claimed.webhook.webhook_id]) == []


async def test_depth_counts_what_is_due(database: Pool) -> None:
    assert await depth(database) == (0, 0.0)
    await insert(database, [webhook(), webhook()])
    assert (await depth(database))[0] == 2
