"""The inbox in PostgreSQL: storing what came, claiming it, and recording what became of it.

Decides that only the holder of a lease may change what it leased, and that many webhooks share a commit on the way in
and on the way out. Must never change what a provider sent.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg

from wisipay.core.database import Connection, Pool
from wisipay.core.queue import read_depth
from wisipay.core.sql import load_queries
from wisipay.webhooks.model import ClaimedWebhook, Look, ReceivedWebhook

_QUERIES = load_queries(__file__, "queries.sql")


async def insert(pool: Pool, webhooks: Sequence[ReceivedWebhook]) -> list[None]:
    """Store webhooks with one statement; when it returns they are durable."""
    await pool.fetchrow(
        _QUERIES["insert"],
        [webhook.webhook_id for webhook in webhooks],
        [webhook.route for webhook in webhooks],
        [webhook.provider_id for webhook in webhooks],
        [webhook.legal_entity_id for webhook in webhooks],
        [dict(webhook.headers) for webhook in webhooks],
        [webhook.body for webhook in webhooks],
        [webhook.peer_address for webhook in webhooks],
        [webhook.received_at for webhook in webhooks],
    )
    return [None] * len(webhooks)


async def claim(pool: Pool, limit: int, token: UUID, lease_seconds: int) -> list[ClaimedWebhook]:
    """Lease up to `limit` due webhooks to `token`, the longest due first."""
    rows = await pool.fetch(_QUERIES["claim"], limit, token, lease_seconds)
    return [ClaimedWebhook(webhook_of(row), row["attempts"], token) for row in rows]


async def lock_due(conn: Connection, limit: int) -> list[ClaimedWebhook]:
    """Lock up to `limit` due webhooks until the end of the caller's transaction, the longest due first."""
    rows = await conn.fetch(_QUERIES["lock_due"], limit)
    return [ClaimedWebhook(webhook_of(row), row["attempts"], row["lease_token"]) for row in rows]


async def lease(
    conn: Connection, locked: Sequence[ClaimedWebhook], token: UUID, lease_seconds: int
) -> list[ClaimedWebhook]:
    """Lease webhooks that the caller's transaction has locked to `token`, from its commit on."""
    if locked:
        webhook_ids = [claimed.webhook.webhook_id for claimed in locked]
        await conn.execute(_QUERIES["lease"], webhook_ids, token, lease_seconds)
    return [replace(claimed, lease_token=token) for claimed in locked]


async def renew(pool: Pool, webhook_ids: Sequence[UUID], token: UUID, lease_seconds: int) -> None:
    """Prolong the lease on those of the webhooks that `token` still holds."""
    await pool.execute(_QUERIES["renew"], webhook_ids, token, lease_seconds)


async def record(database: Pool | Connection, looks: Sequence[Look]) -> list[bool]:
    """Record looks with one statement. Answers for each whether it still held lease or lock, and so counted."""
    rows = await database.fetch(
        _QUERIES["finish"],
        [look.claimed.webhook.webhook_id for look in looks],
        [look.claimed.lease_token for look in looks],
        [look.state for look in looks],
        [look.gap_seconds for look in looks],
        [look.result for look in looks],
        [look.error for look in looks],
    )
    moved = {row["webhook_id"] for row in rows}
    return [look.claimed.webhook.webhook_id in moved for look in looks]


async def depth(pool: Pool) -> tuple[int, float]:
    """Give the number of due webhooks (counted up to a bound) and the age of the oldest in seconds."""
    return await read_depth(pool, _QUERIES["depth"])


def webhook_of(row: asyncpg.Record) -> ReceivedWebhook:
    """Read the webhook of an inbox row."""
    headers: dict[str, Any] = row["headers"]
    return ReceivedWebhook(
        webhook_id=row["webhook_id"],
        route=row["route"],
        provider_id=row["provider_id"],
        legal_entity_id=row["legal_entity_id"],
        headers=headers,
        body=row["body"],
        peer_address=row["peer_address"],
        received_at=row["received_at"],
    )
