"""A table of rows that are their own queue, as the slices have them, for the tests of the claim loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from wisipay.core.queue import ClaimLoop, Lease

CHANNEL = "queue_rows"

TABLE = """
DROP TABLE IF EXISTS queue_rows;
CREATE TABLE queue_rows (
    id bigserial PRIMARY KEY, due_at timestamptz NOT NULL DEFAULT now(), lease_until timestamptz, lease_token uuid,
    claims integer NOT NULL DEFAULT 0, done boolean NOT NULL DEFAULT false
)
"""
_CLAIM = """
UPDATE queue_rows SET lease_until = now() + $3 * interval '1 second', lease_token = $2, claims = claims + 1
WHERE id IN (
    SELECT id FROM queue_rows
    WHERE NOT done AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING id, lease_token
"""
_RENEW = """
UPDATE queue_rows SET lease_until = now() + $3 * interval '1 second' WHERE id = ANY($1) AND lease_token = $2
"""
_FINISH = """
UPDATE queue_rows SET done = true, lease_until = NULL, lease_token = NULL WHERE id = $1 AND lease_token = $2
"""


@dataclass(frozen=True)
class Row:
    """A claimed row."""

    id: int
    token: UUID


class Rows:
    """Claim, renew and finish rows of the table, in the manner of a slice's store."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.pool = pool

    async def add(self, count: int, *, notify: bool = False, due_in_seconds: float = 0) -> None:
        """Add rows, in one transaction with their NOTIFY."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO queue_rows (due_at) SELECT now() + $2 * interval '1 second' FROM generate_series(1, $1)",
                count,
                due_in_seconds,
            )
            if notify:
                await connection.execute(f"NOTIFY {CHANNEL}")

    async def claim(self, limit: int, lease: Lease) -> Sequence[Row]:
        """Lease up to `limit` due rows."""
        return [Row(*row) for row in await self.pool.fetch(_CLAIM, limit, lease.token, lease.seconds)]

    async def renew(self, rows: Sequence[Row], lease: Lease) -> None:
        """Extend the lease of those rows that still carry its token."""
        await self.pool.execute(_RENEW, [row.id for row in rows], lease.token, lease.seconds)

    async def finish(self, row: Row) -> bool:
        """Finish a row; false when its lease belongs to somebody else by now."""
        return await self.pool.execute(_FINISH, row.id, row.token) == "UPDATE 1"

    async def count(self, condition: str) -> int:
        """Count the rows for which a condition holds."""
        counted: int = await self.pool.fetchval(f"SELECT count(*) FROM queue_rows WHERE {condition}")  # noqa: S608 - the test's own text
        return counted


async def _claim_and_hang(database_url: str) -> None:
    """Be a worker that claims rows and never finishes one; says so on stdout."""

    async def hang(_row: Row) -> None:
        sys.stdout.write("claimed\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    rows = Rows(await asyncpg.create_pool(database_url))
    loop = ClaimLoop(
        name="hanging",
        claim=rows.claim,
        handle=hang,
        renew=rows.renew,
        channel=None,
        listener=None,
        concurrency=10,
        lease_seconds=1,
    )
    await loop.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_claim_and_hang(sys.argv[1]))
