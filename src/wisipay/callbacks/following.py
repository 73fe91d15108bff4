"""The events of one merchant as they come, for its developers.

Decides when an event is listed: a moment after it was written, so that whoever goes on behind the last position that it
has seen misses none. Must never show one merchant's events to another.
"""

from typing import Final

from wisipay.callbacks.history import PAGE_MAX, CallbackRecord, record_of
from wisipay.core.database import Pool
from wisipay.core.sql import load_queries

SETTLED_SECONDS: Final = 2
_QUERIES = load_queries(__file__, "following.sql")


async def following(pool: Pool, merchant_id: str, position: int, limit: int) -> list[CallbackRecord]:
    """Return up to `limit` (at most PAGE_MAX) events of a merchant behind a position, in order."""
    rows = await pool.fetch(_QUERIES["following"], merchant_id, position, min(limit, PAGE_MAX), SETTLED_SECONDS)
    return [record_of(row) for row in rows]


async def latest(pool: Pool, merchant_id: str, count: int) -> list[CallbackRecord]:
    """Return the last `count` (at most PAGE_MAX) events of a merchant, in order."""
    rows = await pool.fetch(_QUERIES["latest"], merchant_id, min(count, PAGE_MAX), SETTLED_SECONDS)
    return [record_of(row) for row in rows]
