"""Reading an archived month from its files, and verifying it: its files, its sums, and its part of the seals' chain.

Lines are found by account without reading those of others. An archived entry is sealed as the very bytes that it was
sealed as in the database.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pyarrow import dataset

from wisipay.ledger.difference import Difference
from wisipay.ledger.moments import day_end, day_start
from wisipay.ledger.months import parquet
from wisipay.ledger.months.detaching import archive_named
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.files import MonthOfFiles, owners_of
from wisipay.ledger.months.manifest import CounterRow, Manifest, check_files, read_manifest
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.seals.chain import digest_of
from wisipay.ledger.seals.verify import blocks_after
from wisipay.ledger.store import Connection

_DIFFERENCES_MAX = 100


@dataclass(frozen=True, slots=True)
class ArchivedLine:
    """A line of an archived month; amounts are debit positive, `balance_after` is the counter row's."""

    balance_number: int
    posted_at: datetime
    account_line: int
    amount: int
    balance_after: int
    entry_id: UUID
    number: int
    pending: bool


@dataclass(frozen=True, slots=True)
class ArchivedStatement:
    """An account from the start of `first` to the end of `last`: what stood there, posted lines in order, what stands.

    Debit positive, minor units.
    """

    opening: int
    closing: int
    lines: Sequence[ArchivedLine]


def archived_entries(home: Path) -> Iterator[dict[str, Any]]:
    """Return the entries of an archived month in the order of writing, each as its columns by name."""
    names = parquet.SCHEMAS[parquet.ENTRIES].names
    return (dict(zip(names, row, strict=True)) for row in parquet.rows_of(home, parquet.ENTRIES))


def archived_lines(
    home: Path, account_id: str, since: datetime | None = None, until: datetime | None = None
) -> Iterator[ArchivedLine]:
    """Return the lines of an account in an archived month, from `since` up to `until`, by counter row and time."""
    numbers = [row.number for row in _counter_rows(read_manifest(home), account_id)]
    condition = dataset.field("balance_number").isin(numbers)
    if since is not None:
        condition &= dataset.field("posted_at") >= since
    if until is not None:
        condition &= dataset.field("posted_at") < until
    return (ArchivedLine(*row) for row in parquet.rows_of(home, parquet.LINES, condition))


def archived_statement(home: Path, account_id: str, first: date, last: date) -> ArchivedStatement:
    """Return the statement of an account for days of an archived month; `ArchiveError` for days outside it.

    An account that has no line in the month has no opening balance there: it is that of the next month.
    """
    manifest = read_manifest(home)
    since, until = day_start(first), day_end(last)
    if (manifest.starts_at is not None and since < manifest.starts_at) or until > manifest.ends_at:
        raise ArchiveError(f"{first} to {last} is not within {manifest.name}")
    posted = [line for line in archived_lines(home, account_id) if not line.pending]
    lines = sorted(
        (line for line in posted if since <= line.posted_at < until),
        key=lambda line: (line.posted_at, line.balance_number, line.account_line),
    )
    closing = sum(row.balance_after for row in _counter_rows(manifest, account_id)) - sum(
        line.amount for line in posted if line.posted_at >= until
    )
    return ArchivedStatement(closing - sum(line.amount for line in lines), closing, lines)


async def verify_archive(connection: Connection, folder: Path, name: str) -> list[Difference]:
    """Compare an archived month with its manifest, its files with each other and its entries with their seals."""
    archive = await archive_named(connection, name)
    home = folder / name
    try:
        manifest = read_manifest(home, archive.manifest_sha256)
        await asyncio.to_thread(check_files, manifest, home)
    except ArchiveError as error:
        return [Difference("archive_files", "MONTH", name, str(error))]
    found = [*await asyncio.to_thread(lambda: list(_sums(manifest, home)))]
    month = MonthOfFiles(home, await owners_of(connection))
    async for difference in _against_seals(connection, month, manifest):
        found.append(difference)
        if len(found) >= _DIFFERENCES_MAX:
            break
    if month.strays and len(found) < _DIFFERENCES_MAX:
        message = f"{month.strays} of its lines are not those of its entries"
        found.append(Difference("archive_lines", "MONTH", name, message))
    month.close()
    return found


async def _against_seals(connection: Connection, month: MonthOfFiles, manifest: Manifest) -> AsyncIterator[Difference]:
    """Compare every entry with the block that seals it; nothing where nothing is sealed."""
    before = await connection.fetchval(QUERIES["block_before"], manifest.first_sequence)
    async for block in blocks_after(connection, before):
        sealed = {block.identity(place): block.digest(place) for place in range(block.header.records)}
        while entries := await asyncio.to_thread(month.some, block.header.through_sequence):
            for record in [entry.sealable() for entry in entries]:
                if sealed.get(record.identity) != digest_of(record.canonical):
                    message = f"{manifest.name}: not as it was sealed"
                    yield Difference("archive_seal", "ENTRY", str(record.name), message)
        if block.header.through_sequence >= (manifest.last_sequence or 0):
            break


def _sums(manifest: Manifest, home: Path) -> Iterator[Difference]:
    """Compare the lines with the manifest's totals and the entries with their lines."""
    totals: dict[int, list[int]] = {}
    for row in parquet.rows_of(home, parquet.LINES):
        line = ArchivedLine(*row)
        each = totals.setdefault(line.balance_number, [0, 0, 0, 0, 0])
        each[0] += 1
        if not line.pending:
            each[1 if line.amount > 0 else 2] += abs(line.amount)
        each[3:] = [line.account_line, line.balance_after]
    for counter in manifest.counter_rows:
        told = [counter.lines, counter.debits, counter.credits, counter.last_line, counter.balance_after]
        if totals.get(counter.number) != told:
            message = f"{manifest.name}: lines don't come to the manifest's totals"
            yield Difference("archive_totals", "ACCOUNT", counter.account_id, message)


def _counter_rows(manifest: Manifest, account_id: str) -> list[CounterRow]:
    return [row for row in manifest.counter_rows if row.account_id == account_id]
