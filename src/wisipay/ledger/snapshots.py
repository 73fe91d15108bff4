"""Balance snapshots: totals of debits and credits at a line, so that a period's totals need no walk through history."""

from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection


async def take_snapshots(connection: Connection, *, lines_min: int = 1) -> int:
    """Take one of every counter row that got `lines_min` lines since its last; return how many were taken.

    Any time will do: reads are right with and without. The more often, the fewer lines a period's totals walk through.
    """
    return int((await connection.execute(QUERIES["take_snapshots"], lines_min)).rsplit(" ", 1)[1])
