"""Up to which number the order of writing is complete: no transaction that runs can still add a record before it.

A writer draws its numbers while it holds the lock that every INSERT takes on its table, and keeps the lock until its
rows can be seen or never will. So: read the last number given out, then who holds that lock; once all of those have
ended, every record up to the number can be seen. Transactions that write other tables or only read are not waited for.
"""

import asyncio
from dataclasses import dataclass

from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

_ASK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Horizon:
    """The number up to which records may be sealed; None while writers, of these server processes, are awaited."""

    through_sequence: int | None
    waiting_for: tuple[int, ...] = ()


async def horizon(connection: Connection, patience_seconds: float) -> Horizon:
    """Wait for the writers of this moment, at most so long, and tell up to which number the order is complete."""
    last = await connection.fetchval(QUERIES["last_sequence"])
    awaited = await _writers(connection)
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while awaited:
        now = await _writers(connection)
        awaited = {writer: pid for writer, pid in awaited.items() if writer in now}
        if not awaited or asyncio.get_running_loop().time() >= deadline:
            break
        await asyncio.sleep(_ASK_AGAIN_SECONDS)
    if awaited:
        return Horizon(None, tuple(sorted(awaited.values())))
    return Horizon(last)


async def _writers(connection: Connection) -> dict[str, int]:
    """Return running writers, and their server processes; 0 for a transaction that was prepared and left."""
    return {row["writer"]: row["pid"] or 0 for row in await connection.fetch(QUERIES["writers"])}
