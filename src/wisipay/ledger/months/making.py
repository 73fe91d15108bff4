"""Partitions: what there is, the coming months, and history from before there were any.

Writers never need a month to have been made: the default partitions take what has none. So everything here may wait,
gives up when a lock is not to be had at once, and is simply done again later.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from wisipay.ledger.difference import Difference
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.months.tables import LINES, TABLES, Table
from wisipay.ledger.periods import Period, before, months_from, named
from wisipay.ledger.store import Connection

MONTHS_AHEAD = 3
LOCK_TIMEOUT_SECONDS = 2
LARGE_BYTES = 8 * 2**20
"""A default partition up to this size is looked through in milliseconds, so nothing is done to spare writers that."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A period whose history has partitions of its own, with the bytes of its three tables and their indexes."""

    period: Period
    bytes: int


async def partitions(connection: Connection) -> list[Partition]:
    """Return the periods that have partitions in all three tables, the earliest first."""
    sizes: dict[str, list[int]] = {}
    for table in TABLES:
        for row in await connection.fetch(QUERIES["partitions"], table.name):
            sizes.setdefault(row["name"], []).append(row["bytes"])
    whole = [Partition(named(name), sum(each)) for name, each in sizes.items() if len(each) == len(TABLES)]
    return sorted(whole, key=lambda each: each.period.end)


async def create_months(connection: Connection, now: datetime, *, ahead: int = MONTHS_AHEAD) -> list[Period]:
    """Make the partitions of this month and the `ahead` next; return the periods that were made.

    A month of which the default partition already has rows is left out: they stay there, where every read finds them.
    History from before there were partitions gets one of its own. Each period is one transaction, so the connection
    must not be in one.
    """
    there = {each.period.name for each in await partitions(connection)}
    made = [
        month
        for month in months_from(now, 1 + ahead)
        if month.name not in there and await _make_month(connection, month, now)
    ]
    history = await _own_partition_for_history(connection)
    return made if history is None else [history, *made]


async def in_default(connection: Connection) -> list[Difference]:
    """Report default partitions that have rows: of a month that nobody made, or with ids of another kind."""
    found: list[Difference] = []
    for table in TABLES:
        key = await connection.fetchval(f"SELECT {table.key}::text FROM {table.default} LIMIT 1")  # noqa: S608 - our names
        if key is not None:
            message = f"rows for which no month was made, such as {table.key} {key}"
            found.append(Difference("rows_in_default_partition", "MONTH", table.default, message))
    return found


async def _make_month(connection: Connection, month: Period, now: datetime) -> bool:
    """Attach empty partitions. A default partition with rows of the month stays the place of them all: False.

    PostgreSQL looks through the default partition for such rows, and writers wait meanwhile. A large one is looked
    through before, while they go on: that takes a rule that would refuse them a row of the month, so only for months
    that have not begun.
    """
    large = [table for table in TABLES if await _is_large(connection, table)]
    if large and month.start is not None and month.start <= now:
        return False
    try:
        for table in large:
            await _prove(connection, table, month, table.outside(month))
        async with connection.transaction():
            await _wait_briefly(connection)
            for table in TABLES:
                await connection.execute(attach_empty(table, month))
    except asyncpg.CheckViolationError:
        return False
    finally:
        await _forget_proofs(connection, month)
    return True


def attach_empty(table: Table, period: Period) -> str:
    """Return the SQL that gives a period an empty partition of its own."""
    made = f"CREATE TABLE {table.partition(period)} (LIKE {table.name} INCLUDING ALL EXCLUDING IDENTITY);"
    return made + attach(table, period)


def attach(table: Table, period: Period, *, guarded: bool = False) -> str:
    """Return the SQL that makes a table the partition of its period; `guarded` where it has its triggers already."""
    partition = table.partition(period)
    guard = "" if guarded else f"SELECT ledger_guard_partition('{partition}', '{table.name}');"
    return guard + f"ALTER TABLE {table.name} ATTACH PARTITION {partition} FOR VALUES {table.bounds(period)}"


async def _own_partition_for_history(connection: Connection) -> Period | None:
    """Make the default partitions, when large, those of all before the first month, and new ones in their place.

    Not when a row in them belongs elsewhere. Nothing is copied, and the rows are looked through while writers go on.
    """
    there = await partitions(connection)
    if not there or there[0].period.start is None or not await _is_large(connection, LINES):
        return None
    history = before(there[0].period)
    for table in TABLES:
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table.default} WHERE {table.outside(history)})"):  # noqa: S608 - our names
            return None
    try:
        for table in TABLES:
            await _prove(connection, table, history, table.inside(history))
        async with connection.transaction():
            await _wait_briefly(connection)
            for table in TABLES:
                await _change_places(connection, table, history)
    finally:
        await _forget_proofs(connection, history)
    return history


async def _change_places(connection: Connection, table: Table, history: Period) -> None:
    partition = table.partition(history)
    await connection.execute(
        f"ALTER TABLE {table.name} DETACH PARTITION {table.default};ALTER TABLE {table.default} RENAME TO {partition}"
    )
    for row in await connection.fetch(QUERIES["indexes"], partition):
        await connection.execute(f"ALTER INDEX {row['name']} RENAME TO {row['name'].replace(table.default, partition)}")
    await connection.execute(
        f"CREATE TABLE {table.default} (LIKE {table.name} INCLUDING ALL EXCLUDING IDENTITY);"
        f"SELECT ledger_guard_partition('{table.default}', '{table.name}');"
        f"ALTER TABLE {table.name} ATTACH PARTITION {table.default} DEFAULT;"
        f"ALTER TABLE {table.name} ATTACH PARTITION {partition} FOR VALUES {table.bounds(history)};"
        f"ALTER TABLE {partition} DROP CONSTRAINT {_proof(history)}"
    )


async def _prove(connection: Connection, table: Table, period: Period, condition: str) -> None:
    """Let PostgreSQL know that all rows of a default partition meet a condition; CheckViolationError if they don't."""
    async with connection.transaction():
        await _wait_briefly(connection)
        await connection.execute(
            f"ALTER TABLE {table.default} DROP CONSTRAINT IF EXISTS {_proof(period)};"
            f"ALTER TABLE {table.default} ADD CONSTRAINT {_proof(period)} CHECK ({condition}) NOT VALID"
        )
    await connection.execute(f"ALTER TABLE {table.default} VALIDATE CONSTRAINT {_proof(period)}")


async def _forget_proofs(connection: Connection, period: Period) -> None:
    for table in TABLES:
        await connection.execute(f"ALTER TABLE {table.default} DROP CONSTRAINT IF EXISTS {_proof(period)}")


def _proof(period: Period) -> str:
    return f"ledger_proof_{period.name}"


async def _is_large(connection: Connection, table: Table) -> bool:
    size: int = await connection.fetchval("SELECT pg_relation_size($1::text::regclass)", table.default)
    return size > LARGE_BYTES


async def _wait_briefly(connection: Connection) -> None:
    """Give up rather than let writers queue behind us for a lock."""
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
