"""Archiving a month: no more rows for it, its files written and read back, its partitions taken out in one moment.

Every step can be cut off and done again: a folder gets its name when all in it is written and synced, and the
partitions are exchanged in one transaction, with the note of it. Nothing is dropped here.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from wisipay.ledger.months import parquet
from wisipay.ledger.months.detaching import archives, exchange
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.making import LOCK_TIMEOUT_SECONDS, partitions
from wisipay.ledger.months.manifest import (
    FORMAT,
    MANIFEST,
    CounterRow,
    Manifest,
    check_files,
    described,
    read_manifest,
    write_manifest,
)
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.months.tables import ENTRIES, LINES
from wisipay.ledger.periods import Period, lowest_id
from wisipay.ledger.store import Connection

AGE_MONTHS = 13
"""A month is archived when it ended so many months of 31 days ago, unless the caller says otherwise."""

_AHEAD = timedelta(days=1)
"""So far an id may be ahead of its posting: clocks of several servers, a little apart."""

_AT_ONCE = 5_000
_STATEMENTS = {
    parquet.ENTRIES: "period_entries",
    parquet.LINES: "period_lines",
    parquet.RESOLUTIONS: "period_resolutions",
    parquet.OPERATIONS: "period_operations",
}


async def archive_month(
    connection: Connection, folder: Path, now: datetime, *, age_months: int = AGE_MONTHS
) -> Period | None:
    """Archive the earliest period that is old enough into `folder`; None where there is none.

    Raises `ArchiveError` where a hold of it is open or an entry has no seal yet. The detached tables stay beside the
    ledger until `drop_detached`. The connection must not be in a transaction.
    """
    archived = {each.name for each in await archives(connection)}
    waiting = [each.period for each in await partitions(connection) if each.period.name not in archived]
    if not waiting or waiting[0].end > now - timedelta(days=31 * age_months):
        return None
    period = waiting[0]
    for reason, statement in (("an open hold", "open_hold"), ("an unsealed entry", "unsealed_entry")):
        entry_id = await connection.fetchval(QUERIES[statement], *_bounds(period))
        if entry_id is not None:
            raise ArchiveError(f"{period.name} has {reason}, {entry_id}: it can't be archived yet")
    await _refuse_more_rows(connection, period)
    await connection.execute(QUERIES["close_period"], period.start, period.end)
    home = folder / period.name
    if not await _is_there(connection, home, period):
        await _write(connection, home, period)
    manifest = read_manifest(home)
    await exchange(connection, period, manifest, home)
    return period


async def _refuse_more_rows(connection: Connection, period: Period) -> None:
    """Let the month's partitions take nothing any more: not even an id that was archived, come again."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        for table in (ENTRIES, LINES):
            await connection.execute(
                f"ALTER TABLE {table.partition(period)} DROP CONSTRAINT IF EXISTS ledger_month_is_archived;"
                f"ALTER TABLE {table.partition(period)} ADD CONSTRAINT ledger_month_is_archived CHECK (FALSE) NOT VALID"
            )


async def _is_there(connection: Connection, home: Path, period: Period) -> bool:
    """Tell whether the folder is there from an attempt that was cut off, and says what the database says."""
    if not (home / MANIFEST).exists():
        return False
    try:
        check_files(read_manifest(home), home)
        await _compare(connection, home, period)
    except ArchiveError:
        return False
    return True


async def _write(connection: Connection, home: Path, period: Period) -> None:
    """Write the files beside their place, compare them with the database row by row, and put them there."""
    unfinished = home.with_name(f".{home.name}.unfinished")
    for each in (unfinished, home):
        shutil.rmtree(each, ignore_errors=True)
    unfinished.mkdir(parents=True)
    totals: dict[int, list[int]] = {}
    sequences: list[int] = []
    files = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for name in _STATEMENTS:
            with closing(parquet.Writer(unfinished, name)) as writer:
                async for rows in _rows(connection, name, period):
                    writer.write(rows)
                    if name == parquet.LINES:
                        _sum(totals, rows)
                    elif name == parquet.ENTRIES:
                        sequences = [*sequences[:1], rows[0][1], rows[-1][1]]
            files[name] = described(unfinished / name, writer.rows)
        owners = {row["number"]: row for row in await connection.fetch(QUERIES["counter_rows"])}
    manifest = Manifest(
        format=FORMAT,
        name=period.name,
        starts_at=period.start,
        ends_at=period.end,
        files=files,
        first_sequence=sequences[0] if sequences else None,
        last_sequence=sequences[-1] if sequences else None,
        counter_rows=[
            CounterRow(owners[number]["id"], owners[number]["stripe"], number, *each) for number, each in totals.items()
        ],
    )
    write_manifest(manifest, unfinished)
    await _compare(connection, unfinished, period)
    _sync([*unfinished.iterdir(), unfinished])
    unfinished.rename(home)
    _sync([home.parent])


async def _compare(connection: Connection, folder: Path, period: Period) -> None:
    """Compare the files with the database, row by row in one order; `ArchiveError` at the first difference."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for name in _STATEMENTS:
            stored = parquet.rows_of(folder, name)
            async for rows in _rows(connection, name, period):
                for row in rows:
                    if next(stored, None) != row:
                        raise ArchiveError(f"{folder / name} differs from the database at {row[0]}")
            if next(stored, None) is not None:
                raise ArchiveError(f"{folder / name} has rows that the database has not")


async def _rows(connection: Connection, name: str, period: Period) -> AsyncIterator[list[tuple[Any, ...]]]:
    cursor = await connection.cursor(QUERIES[_STATEMENTS[name]], *_bounds(period))
    while rows := await cursor.fetch(_AT_ONCE):
        yield [tuple(row) for row in rows]


def _bounds(period: Period) -> tuple[datetime | None, datetime, UUID]:
    return period.start, period.end, lowest_id(period.end + _AHEAD)


def _sum(totals: dict[int, list[int]], rows: Iterable[tuple[Any, ...]]) -> None:
    """Add lines to their counter rows: how many, debits and credits posted, the last line and what stood after it."""
    for number, _, account_line, amount, balance_after, _, _, pending in rows:
        each = totals.setdefault(number, [0, 0, 0, 0, 0])
        each[0] += 1
        if not pending:
            each[1 if amount > 0 else 2] += abs(amount)
        each[3:] = [account_line, balance_after]


def _sync(paths: Iterable[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
