"""The entries in PostgreSQL: a partition per day, written in batches, read by cursor, dropped when they are old.

Decides the order of entries: batches are written one after the other over all processes, so an entry never appears
before the place that a reader has reached. Must never give one merchant an entry of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import asyncpg

from wisipay.apilog.entry import COLUMNS, ApiRequest
from wisipay.core.database import Pool
from wisipay.core.sql import load_queries

PAGE_MAX: Final = 100
LOOKED_AT_MAX: Final = 5_000
"""A filter looks at no more entries in one question; the cursor goes on behind them."""
_TABLE: Final = "apilog_requests"
_QUERIES = load_queries(__file__, "queries.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which entries of a merchant: every field that is set must match; `status_from` <= status < `status_until`."""

    merchant_id: str
    environment: str | None = None
    order_id: str | None = None
    transaction_id: str | None = None
    status_from: int = 0
    status_until: int = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, oldest first; `cursor` is where the next page begins, `has_more` whether it may have something now."""

    entries: Sequence[ApiRequest]
    cursor: int
    has_more: bool


async def write(pool: Pool, rows: Sequence[tuple[object, ...]]) -> None:
    """Store rows of `COLUMNS`, in one commit that does not wait for the disk: it's a log."""
    if not rows:
        return
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(_QUERIES["begin_writing"])
        for day in sorted({_utc_day(row[0]) for row in rows}):
            await conn.execute(_QUERIES["make_day"], day)
        await conn.copy_records_to_table(_TABLE, records=rows, columns=COLUMNS)


async def find(pool: Pool, wanted: RequestFilter, *, after: int, limit: int) -> Page:
    """Return up to `limit` (at most PAGE_MAX) matching entries behind a cursor."""
    limit = min(limit, PAGE_MAX)
    async with pool.acquire() as conn:
        if wanted.order_id is not None:
            looked_at, until = 0, None
            rows = await conn.fetch(_QUERIES["find_by_order"], *_values(wanted), wanted.order_id, after, limit)
        else:
            row = await conn.fetchrow(_QUERIES["look_ahead"], wanted.merchant_id, after, LOOKED_AT_MAX)
            assert row is not None  # noqa: S101 - an aggregate has a row
            looked_at, until = row["looked_at"], row["until"]
            rows = await conn.fetch(_QUERIES["find"], *_values(wanted), after, until, limit) if looked_at else []
    if len(rows) == limit:
        return Page([_request(row) for row in rows], rows[-1]["position"], has_more=True)
    last_shown = rows[-1]["position"] if rows else after
    return Page([_request(row) for row in rows], until or last_shown, has_more=looked_at == LOOKED_AT_MAX)


async def last(pool: Pool, wanted: RequestFilter, count: int) -> Page:
    """Return the last matching entries, `count` (at most PAGE_MAX) of those looked at, and the cursor behind them."""
    row = await pool.fetchrow(_QUERIES["look_back"], *_values(wanted), min(count, PAGE_MAX), LOOKED_AT_MAX)
    assert row is not None  # noqa: S101 - an aggregate has a row
    if count == 0 or row["first_shown"] is None:
        return Page([], row["newest"], has_more=False)
    found = await find(pool, wanted, after=row["first_shown"] - 1, limit=count)
    return replace(found, has_more=False)


async def drop_old(pool: Pool, now: datetime, days: int) -> int:
    """Drop the days that lie more than `days` days back; returns how many."""
    async with pool.acquire() as conn, conn.transaction():
        dropped: int = await conn.fetchval(_QUERIES["drop_days"], now.date() - timedelta(days=days))
    return dropped


def _values(wanted: RequestFilter) -> tuple[object, ...]:
    return (
        wanted.merchant_id,
        wanted.environment,
        wanted.transaction_id,
        wanted.status_from,
        wanted.status_until,
    )


def _utc_day(moment: object) -> date:
    assert isinstance(moment, datetime)  # noqa: S101 - the first column
    return moment.date()


def _request(row: asyncpg.Record) -> ApiRequest:
    return ApiRequest(row["position"], *(row[name] for name in COLUMNS))
