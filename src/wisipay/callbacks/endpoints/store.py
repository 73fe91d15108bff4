"""Deliveries in PostgreSQL: claiming fairly, prolonging, and recording how attempts ended.

Does for further endpoints what the outbox's store does for callback URLs, by endpoint in place of merchant. Must never
call an endpoint, and never change a delivery that is leased to somebody else.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from wisipay.callbacks.endpoints.model import Addressee, ClaimedDelivery, Endpoint, EndpointStatus, SealedSecret
from wisipay.callbacks.model import Attempt, ClaimedCallback
from wisipay.callbacks.store import event_of
from wisipay.callbacks.switching import Address, Patience, failed_at_all, out_of_patience, tell_switched_off
from wisipay.callbacks.turns import WaitingMerchant
from wisipay.core.database import Connection, Pool
from wisipay.core.queue import read_depth
from wisipay.core.sql import load_queries

QUERIES = load_queries(__file__, "queries.sql")
MOVED_MAX = 10_000
"""Deliveries that are paused or resumed at a time; the workers go on with the rest."""


async def endpoints_waiting(pool: Pool, after: str, limit: int) -> list[WaitingMerchant]:
    """List up to `limit` endpoints with waiting deliveries, in order of id, those greater than `after`."""
    rows = await pool.fetch(QUERIES["endpoints_waiting"], after, limit)
    return [WaitingMerchant(row["endpoint_id"], row["due_at"], row["is_due"]) for row in rows]


async def claim(
    pool: Pool, places: Mapping[str, int], token: UUID, lease_seconds: int, now: datetime
) -> list[ClaimedDelivery]:
    """Lease up to `places[endpoint_id]` due deliveries of each endpoint to `token`, with the secrets that sign now."""
    async with pool.acquire() as conn:
        rows = await conn.fetch(QUERIES["claim"], list(places), list(places.values()), token, lease_seconds)
        addressees = await read_addressees(conn, {row["endpoint_id"] for row in rows}, now) if rows else {}
    return [
        ClaimedDelivery(ClaimedCallback(event_of(row), row["attempts_before"], token), addressees[row["endpoint_id"]])
        for row in rows
    ]


async def read_addressees(conn: Connection, endpoint_ids: Iterable[str], now: datetime) -> dict[str, Addressee]:
    """Read endpoints by id with their sealed secrets that sign now; unknown ids are left out."""
    wanted = list(endpoint_ids)
    found = [endpoint_of(row) for row in await conn.fetch(QUERIES["endpoints"], wanted)]
    secrets: dict[str, list[SealedSecret]] = {endpoint.id: [] for endpoint in found}
    for row in await conn.fetch(QUERIES["secrets"], wanted, now):
        secrets[row["endpoint_id"]].append(SealedSecret(row["id"], row["sealed"], row["created_at"], row["retires_at"]))
    return {endpoint.id: Addressee(endpoint, tuple(secrets[endpoint.id])) for endpoint in found}


async def renew(pool: Pool, keys: Sequence[tuple[UUID, str]], token: UUID, lease_seconds: int) -> None:
    """Prolong the lease on those of the deliveries (event, endpoint) that `token` still holds."""
    event_ids, endpoint_ids = [event_id for event_id, _ in keys], [endpoint_id for _, endpoint_id in keys]
    await pool.execute(QUERIES["renew"], event_ids, endpoint_ids, token, lease_seconds)


async def record(pool: Pool, attempts: Sequence[Attempt], patience: Patience) -> list[bool]:
    """Record attempts in one commit. Answers for each whether it also moved its delivery.

    Endpoints that answered 410, or took nothing for longer than `patience` has, are switched off with it.
    """
    if failed_at_all(attempts):
        async with pool.acquire() as conn, conn.transaction():
            off = await out_of_patience(conn, attempts, patience)
            for address, reason in sorted(off.items()):
                await _switch_off(conn, address, reason)
            moved = await _finish(conn, attempts)
    else:
        moved = await _finish(pool, attempts)
    return [(attempt.callback.event.event_id, attempt.endpoint_id) in moved for attempt in attempts]


async def lay_aside(database: Pool | Connection, endpoint_ids: Sequence[str]) -> None:
    """Take up to MOVED_MAX deliveries to endpoints that are off out of the queue; a worker that finds more does it."""
    await database.execute(QUERIES["lay_aside"], endpoint_ids, MOVED_MAX)


async def resume(database: Pool | Connection, endpoint_id: str | None = None) -> int:
    """Put up to MOVED_MAX of what was on its way to an endpoint that is on (None: to any) back; answers how many."""
    resumed: int = await database.fetchval(QUERIES["resume"], endpoint_id, MOVED_MAX)
    return resumed


async def depth(pool: Pool) -> tuple[int, float]:
    """Give the number of due deliveries (counted up to a bound) and the age of the oldest in seconds."""
    return await read_depth(pool, QUERIES["depth"])


def endpoint_of(row: asyncpg.Record) -> Endpoint:
    """Read an endpoint's row."""
    return Endpoint(
        id=row["id"],
        merchant_id=row["merchant_id"],
        url=row["url"],
        description=row["description"],
        wanted=tuple(row["wanted"]),
        status=EndpointStatus(row["status"]),
        disabled_reason=row["disabled_reason"],
        disabled_at=row["disabled_at"],
        created_at=row["created_at"],
    )


async def _switch_off(conn: Connection, address: Address, reason: str) -> None:
    row = await conn.fetchrow(QUERIES["lock_endpoint"], address.endpoint_id)
    # An answer of the address that the endpoint had before says nothing about the one that it has now.
    if row is None or row["status"] != EndpointStatus.ENABLED or row["url"] != address.url:
        return
    await conn.execute(QUERIES["switch_off"], address.endpoint_id, reason)
    await lay_aside(conn, [address.endpoint_id])
    await tell_switched_off(conn, address, reason)


async def _finish(database: Pool | Connection, attempts: Sequence[Attempt]) -> set[tuple[UUID, str | None]]:
    """Record attempts with one statement; returns the deliveries that they moved."""
    rows = await database.fetch(
        QUERIES["finish"],
        [attempt.callback.event.event_id for attempt in attempts],
        [attempt.endpoint_id for attempt in attempts],
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
    return {(row["event_id"], row["endpoint_id"]) for row in rows}
