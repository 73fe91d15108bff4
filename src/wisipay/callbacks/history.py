"""Looking at what merchants were told, and telling them again.

Decides the bounds of a look and of a replay. Replaying keeps event ids, so a merchant recognises a repeat. Must never
write an attempt's record or change what an event says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from wisipay.callbacks.endpoints.model import DeliveryState
from wisipay.callbacks.model import AttemptOutcome, CallbackEvent, CallbackState
from wisipay.callbacks.store import event_of
from wisipay.core.database import Connection, Pool
from wisipay.core.sql import load_queries

PAGE_MAX: Final = 1_000
ATTEMPTS_SHOWN_MAX: Final = 500
NEEDS_A_PERSON: Final = (CallbackState.DEAD, CallbackState.SWITCHED_OFF)
_QUERIES = load_queries(__file__, "history.sql")


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """An event and how far its delivery got. `attempts` since it was enqueued or last replayed."""

    event: CallbackEvent
    position: int
    state: CallbackState
    due_at: datetime
    attempts: int
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as recorded; `answer` is the first KiB.

    `endpoint_id` is None for the callback URL. `body_sha256` is the digest of what was sent, `signed_by` the ids of the
    secrets that signed it; both None where nothing was sent, and in records older than they are.
    """

    started_at: datetime
    url: str | None
    outcome: AttemptOutcome
    http_status: int | None
    latency_ms: int
    answer: bytes
    error: str | None
    endpoint_id: str | None = None
    body_sha256: bytes | None = None
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """An event on its way to one endpoint, and how far it got."""

    endpoint_id: str
    url: str
    state: DeliveryState
    due_at: datetime
    attempts: int
    last_error: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """An event at its position, and how far its delivery to one endpoint got."""

    event: CallbackEvent
    position: int
    delivery: DeliveryRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFilter:
    """Which events: every field that is set must match; `occurred_from` <= occurred_at < `occurred_until`."""

    merchant_id: str | None = None
    transaction_id: str | None = None
    states: Sequence[CallbackState] | None = None
    occurred_from: datetime | None = None
    occurred_until: datetime | None = None


async def find(
    pool: Pool, wanted: CallbackFilter, *, after_position: int = 0, limit: int = PAGE_MAX
) -> list[CallbackRecord]:
    """List up to `limit` (at most PAGE_MAX) matching events by position, beginning behind `after_position`."""
    rows = await pool.fetch(
        _QUERIES["find"],
        wanted.merchant_id,
        wanted.transaction_id,
        wanted.states,
        wanted.occurred_from,
        wanted.occurred_until,
        after_position,
        min(limit, PAGE_MAX),
    )
    return [record_of(row) for row in rows]


async def show(pool: Pool, event_id: UUID) -> tuple[CallbackRecord, list[AttemptRecord]] | None:
    """Give an event and its last attempts everywhere, oldest first; None when there is no such event."""
    row = await pool.fetchrow(_QUERIES["event"], event_id)
    if row is None:
        return None
    attempts = await pool.fetch(_QUERIES["attempts"], event_id, ATTEMPTS_SHOWN_MAX)
    return record_of(row), [_attempt_of(attempt) for attempt in attempts]


async def deliveries_of(pool: Pool, event_ids: Sequence[UUID]) -> dict[UUID, list[DeliveryRecord]]:
    """Give the deliveries of events to endpoints beyond the callback URL; events without any are left out."""
    found: dict[UUID, list[DeliveryRecord]] = {}
    for row in await pool.fetch(_QUERIES["deliveries"], event_ids):
        event_id, endpoint_id, url, state, *rest = row
        found.setdefault(event_id, []).append(DeliveryRecord(endpoint_id, url, DeliveryState(state), *rest))
    return found


async def delivered_to(
    conn: Connection, endpoint_id: str, *, before_position: int | None = None, limit: int = PAGE_MAX
) -> list[DeliveredEvent]:
    """List what an endpoint was or is to be told, the newest first, up to `limit` before a position (None: the end)."""
    rows = await conn.fetch(_QUERIES["delivered_to"], endpoint_id, before_position, min(limit, PAGE_MAX))
    return [
        DeliveredEvent(
            event_of(row),
            row["position"],
            DeliveryRecord(
                endpoint_id,
                row["endpoint_url"],
                DeliveryState(row["delivery_state"]),
                row["delivery_due_at"],
                row["delivery_attempts"],
                row["delivery_error"],
                row["delivery_finished_at"],
            ),
        )
        for row in rows
    ]


async def states_of(
    conn: Connection, event_ids: Sequence[UUID], merchant_id: str | None = None
) -> dict[UUID, CallbackState]:
    """Give the states of events at their callback URL; unknown ones are left out, and those of other merchants."""
    rows = await conn.fetch(_QUERIES["states"], event_ids, merchant_id)
    return {row["event_id"]: CallbackState(row["state"]) for row in rows}


async def replay(conn: Connection, event_ids: Sequence[UUID]) -> list[UUID]:
    """Make events due now at their callback URL, whatever became of them, with a fresh schedule of retries.

    What is being sent is left alone. Answers the ids of those that are due, which leaves out unknown ones.
    """
    return [row["event_id"] for row in await conn.fetch(_QUERIES["replay"], event_ids)]


async def replay_matching(pool: Pool, wanted: CallbackFilter, *, limit: int) -> int:
    """Replay up to `limit` matching events, the oldest first, a page per transaction. Answers how many are due."""
    position, looked_at, replayed = 0, 0, 0
    while looked_at < limit:
        page = await find(pool, wanted, after_position=position, limit=min(PAGE_MAX, limit - looked_at))
        if not page:
            break
        position = page[-1].position
        looked_at += len(page)
        async with pool.acquire() as conn:
            replayed += len(await replay(conn, [record.event.event_id for record in page]))
    return replayed


def record_of(row: asyncpg.Record) -> CallbackRecord:
    """Read a row of the outbox."""
    return CallbackRecord(
        event=event_of(row),
        position=row["position"],
        state=CallbackState(row["state"]),
        due_at=row["due_at"],
        attempts=row["attempts"],
        last_error=row["last_error"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )


def _attempt_of(row: asyncpg.Record) -> AttemptRecord:
    return AttemptRecord(
        started_at=row["started_at"],
        url=row["url"],
        outcome=AttemptOutcome(row["outcome"]),
        http_status=row["http_status"],
        latency_ms=row["latency_ms"],
        answer=row["answer"],
        error=row["error"],
        endpoint_id=row["endpoint_id"],
        body_sha256=row["body_sha256"],
        signed_by=row["signed_by"],
    )
