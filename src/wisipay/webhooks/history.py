"""Looking at what providers sent us, and looking at it again.

Decides the bounds of a list and of a replay. Replay is harmless: payments recognise a word they have heard before. Must
never change what was stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from wisipay.core.database import Connection, Pool
from wisipay.core.sql import load_queries
from wisipay.webhooks.model import ReceivedWebhook, WebhookState
from wisipay.webhooks.store import webhook_of

PAGE_MAX: Final = 1_000
FIRST: Final = UUID(int=0)
_QUERIES = load_queries(__file__, "queries.sql")


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """A webhook and what became of it. `attempts` since it was received or last replayed."""

    webhook: ReceivedWebhook
    state: WebhookState
    due_at: datetime
    attempts: int
    result: str | None
    last_error: str | None
    finished_at: datetime | None


async def find(
    pool: Pool,
    *,
    provider_id: str | None = None,
    state: WebhookState | None = None,
    after: UUID = FIRST,
    limit: int = PAGE_MAX,
) -> list[WebhookRecord]:
    """List up to `limit` (at most PAGE_MAX) webhooks in order of arrival, those after the id `after`."""
    rows = await pool.fetch(_QUERIES["find"], provider_id, state, after, min(limit, PAGE_MAX))
    return [_record_of(row) for row in rows]


async def show(pool: Pool, webhook_id: UUID) -> WebhookRecord | None:
    """Give one webhook, or None."""
    row = await pool.fetchrow(_QUERIES["webhook"], webhook_id)
    return None if row is None else _record_of(row)


async def replay(conn: Connection, webhook_ids: Sequence[UUID]) -> list[UUID]:
    """Make webhooks due now, whatever became of them; what is being looked at is left alone.

    Answers the ids of those that are due, which leaves out unknown ones.
    """
    return [row["webhook_id"] for row in await conn.fetch(_QUERIES["replay"], webhook_ids)]


async def replay_dead(pool: Pool, *, provider_id: str | None = None, limit: int) -> int:
    """Replay up to `limit` dead webhooks, the oldest first, a page per transaction. Answers how many are due."""
    after, looked_at, replayed = FIRST, 0, 0
    while looked_at < limit:
        wanted = min(PAGE_MAX, limit - looked_at)
        page = await find(pool, provider_id=provider_id, state=WebhookState.DEAD, after=after, limit=wanted)
        if not page:
            break
        after = page[-1].webhook.webhook_id
        looked_at += len(page)
        async with pool.acquire() as conn:
            replayed += len(await replay(conn, [record.webhook.webhook_id for record in page]))
    return replayed


def _record_of(row: asyncpg.Record) -> WebhookRecord:
    return WebhookRecord(
        webhook=webhook_of(row),
        state=WebhookState(row["state"]),
        due_at=row["due_at"],
        attempts=row["attempts"],
        result=row["result"],
        last_error=row["last_error"],
        finished_at=row["finished_at"],
    )
