"""The outbox in PostgreSQL: claiming fairly, prolonging, and recording how attempts ended.

Decides that only the holder of a lease may change what it leased, and that many attempts are recorded in one commit.
Must never call a merchant, and never hold a transaction open longer than one of its own statements takes.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec

from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, ClaimedCallback
from wisipay.callbacks.switching import (
    Address,
    Patience,
    address_of,
    failed_at_all,
    out_of_patience,
    tell_switched_off,
)
from wisipay.callbacks.turns import WaitingMerchant
from wisipay.core.database import Connection, Pool
from wisipay.core.queue import read_depth
from wisipay.core.sql import load_queries

_QUERIES = load_queries(__file__, "queries.sql")
_PATIENCE = Patience()


async def merchants_waiting(pool: Pool, after: str, limit: int) -> list[WaitingMerchant]:
    """List up to `limit` merchants with waiting events, in order of id, those greater than `after`."""
    rows = await pool.fetch(_QUERIES["merchants_waiting"], after, limit)
    return [WaitingMerchant(row["merchant_id"], row["due_at"], row["is_due"]) for row in rows]


async def claim(pool: Pool, places: Mapping[str, int], token: UUID, lease_seconds: int) -> list[ClaimedCallback]:
    """Lease up to `places[merchant_id]` due events of each merchant to `token`."""
    rows = await pool.fetch(_QUERIES["claim"], list(places), list(places.values()), token, lease_seconds)
    return [ClaimedCallback(event_of(row), row["attempts"], token) for row in rows]


async def renew(pool: Pool, event_ids: Sequence[UUID], token: UUID, lease_seconds: int) -> None:
    """Prolong the lease on those of the events that `token` still holds."""
    await pool.execute(_QUERIES["renew"], event_ids, token, lease_seconds)


async def record(pool: Pool, attempts: Sequence[Attempt], patience: Patience = _PATIENCE) -> list[bool]:
    """Record attempts in one commit. Answers for each whether it also moved its event, i.e. still held the lease.

    Callback URLs that answered 410, or took nothing for longer than `patience` has, are switched off with it.
    """
    if failed_at_all(attempts):
        async with pool.acquire() as conn, conn.transaction():
            off = await out_of_patience(conn, attempts, patience)
            for address, reason in off.items():
                await _switch_off(conn, address, reason)
            attempts = [_as_last(attempt) if address_of(attempt) in off else attempt for attempt in attempts]
            moved = await _finish(conn, attempts)
    else:
        moved = await _finish(pool, attempts)
    return [attempt.callback.event.event_id in moved for attempt in attempts]


async def switch_on(conn: Connection, merchant_id: str, type_: str) -> list[str]:
    """Forget that the merchant's endpoints for this type were gone. Answers their URLs; replays nothing."""
    return [row["url"] for row in await conn.fetch(_QUERIES["switch_on"], merchant_id, type_)]


async def depth(pool: Pool) -> tuple[int, float]:
    """Give the number of due events (counted up to a bound) and the age of the oldest in seconds."""
    return await read_depth(pool, _QUERIES["depth"])


def event_of(row: asyncpg.Record) -> CallbackEvent:
    """Read the event of an outbox row."""
    return CallbackEvent(
        event_id=row["event_id"],
        merchant_id=row["merchant_id"],
        transaction_id=row["transaction_id"],
        order_id=row["order_id"],
        type=row["type"],
        status=row["status"],
        amount_paise=row["amount_paise"],
        currency=row["currency"],
        utr=row["utr"],
        url=row["url"],
        occurred_at=row["occurred_at"],
    )


async def _switch_off(conn: Connection, address: Address, reason: str) -> None:
    given = (address.merchant_id, address.endpoint_id, address.url, reason)
    if await conn.fetchval(_QUERIES["switch_off"], *given) is not None:
        await tell_switched_off(conn, address, reason)


def _as_last(attempt: Attempt) -> Attempt:
    """Return a failed attempt as the one that switched its address off: its event goes on when that is switched on."""
    if attempt.outcome is not AttemptOutcome.RETRY:
        return attempt
    return msgspec.structs.replace(attempt, outcome=AttemptOutcome.SWITCHED_OFF)


async def _finish(database: Pool | Connection, attempts: Sequence[Attempt]) -> set[UUID]:
    """Record attempts with one statement; returns the events that they moved."""
    rows = await database.fetch(
        _QUERIES["finish"],
        [attempt.callback.event.event_id for attempt in attempts],
        [attempt.callback.lease_token for attempt in attempts],
        [attempt.outcome for attempt in attempts],
        [attempt.url for attempt in attempts],
        [attempt.http_status for attempt in attempts],
        [attempt.latency_ms for attempt in attempts],
        [attempt.answer for attempt in attempts],
        [attempt.error for attempt in attempts],
        [attempt.started_at for attempt in attempts],
        [attempt.gap_seconds for attempt in attempts],
        [attempt.body_sha256 for attempt in attempts],
        [attempt.signed_by for attempt in attempts],
    )
    return {row["event_id"] for row in rows}
