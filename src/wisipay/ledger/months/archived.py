"""Reading an archived month from its files, and verifying it: its files, its sums, and its part of the seals' chain.

Lines are found by account without reading those of others. An archived entry is sealed as the very bytes that it was
sealed as in the database.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from pyarrow import dataset

from wisipay.ledger.difference import Difference
from wisipay.ledger.moments import day_end, day_start
from wisipay.ledger.months import parquet
from wisipay.ledger.months.detaching import archive_named
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.manifest import CounterRow, Manifest, check_files, read_manifest
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.seals.records import EntryRecord, OperationContent, canonical, canonical_json
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
    owners = {row["number"]: (row["id"], row["stripe"]) for row in await connection.fetch(QUERIES["counter_rows"])}
    found = [*_sums(manifest, home)]
    digests = await _digests(connection, manifest)
    if digests:
        for entry_id, digest in _sealed_as(home, owners):
            if digests.pop(entry_id.bytes, None) != digest and len(found) < _DIFFERENCES_MAX:
                found.append(Difference("archive_seal", "ENTRY", str(entry_id), f"{name}: not as it was sealed"))
    return found


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


async def _digests(connection: Connection, manifest: Manifest) -> dict[bytes, bytes]:
    """Return the SHA-256 of the canonical bytes of every record sealed among the month's, by identity."""
    found: dict[bytes, bytes] = {}
    rows = await connection.fetch(QUERIES["blocks_of"], manifest.first_sequence, manifest.last_sequence)
    for row in rows:
        identities, digests = row["identities"], row["digests"]
        for place in range(row["records"]):
            found[identities[16 * place : 16 * place + 16]] = digests[32 * place : 32 * place + 32]
    return found


def _sealed_as(home: Path, owners: dict[int, tuple[str, int]]) -> Iterator[tuple[UUID, bytes]]:
    """Return every entry with the SHA-256 of its canonical bytes."""
    lines: dict[tuple[UUID, int, int, int], tuple[int, int, bool]] = {}
    for row in parquet.rows_of(home, parquet.LINES):
        line = ArchivedLine(*row)
        place_of_line = line.entry_id, line.number, line.balance_number, line.amount
        lines[place_of_line] = line.balance_after, line.account_line, line.pending
    operations = {entry_id: _operation(record) for entry_id, record in parquet.rows_of(home, parquet.OPERATIONS)}
    for entry in archived_entries(home):
        entry_id: UUID = entry["id"]
        sides = [
            (*owners[number], amount, *lines.get((entry_id, place, number, amount), (None, None, None)))
            for place, (number, amount) in enumerate(zip(entry["balance_numbers"], entry["amounts"], strict=True))
        ]
        yield entry_id, hashlib.sha256(canonical(_record(entry, sides, operations.get(entry_id)))).digest()


def _record(row: dict[str, Any], sides: list[Any], operation: OperationContent | None) -> EntryRecord:
    metadata = row["metadata"]
    content = {name: row[name] for name in EntryRecord.__struct_fields__ if name in row}
    return EntryRecord(
        **content | {"metadata": None if metadata is None else canonical_json(metadata)},
        lines=sides,
        operation=operation,
    )


def _operation(record: str) -> OperationContent:
    found = msgspec.json.decode(record, type=OperationContent)
    timeout_at = found.timeout_at
    return msgspec.structs.replace(
        found,
        recorded_at=found.recorded_at.astimezone(UTC),
        timeout_at=timeout_at and timeout_at.astimezone(UTC),
        metadata=canonical_json(bytes(found.metadata).decode()),
    )


def _counter_rows(manifest: Manifest, account_id: str) -> list[CounterRow]:
    return [row for row in manifest.counter_rows if row.account_id == account_id]
