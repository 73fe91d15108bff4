"""Endpoints of merchants for the tests of callbacks, and what is on its way to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from wisipay.callbacks import CallbackEvent, Endpoint, NewEndpointSecret, add_endpoint, enqueue
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.merchants import Author

BOX: Final = SecretBox({"k": b"k" * 32}, "k")


def author(moment: datetime | None = None) -> Author:
    """Return an operator who acts now, or at a moment."""
    return Author("cli:test", moment or datetime.now(UTC))


async def add(
    pool: Pool, url: str, *, events: Sequence[str] = (), merchant_id: str = "MER-1", by: Author | None = None
) -> tuple[Endpoint, NewEndpointSecret]:
    """Add an endpoint to a merchant."""
    async with pool.acquire() as conn:
        return await add_endpoint(conn, BOX, by or author(), merchant_id, url=url, events=events, https_only=False)


async def write(pool: Pool, *events: CallbackEvent) -> None:
    """Write events, as a payment's commit does."""
    async with pool.acquire() as conn, conn.transaction():
        await enqueue(conn, events)


async def states(pool: Pool, endpoint_id: str) -> list[str]:
    """Return the states of an endpoint's deliveries, in the order of their events."""
    rows = await pool.fetch(
        "SELECT state FROM callbacks_deliveries WHERE endpoint_id = $1 ORDER BY position", endpoint_id
    )
    return [row["state"] for row in rows]
