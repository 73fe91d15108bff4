"""Records as they stand in the tables, in the order of writing: what verification looks at.

Reads entries by their number and their lines along the accounts' own key, many lines per walk; makes the canonical
bytes here, never in the database. Decides nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import repeat
from struct import Struct
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from wisipay.ledger.difference import Difference
from wisipay.ledger.model import MAX_LINES
from wisipay.ledger.seals.records import (
    AccountEventRecord,
    EntryRecord,
    LineRecord,
    OperationContent,
    Sealable,
    canonical,
    canonical_json,
    event_identity,
)
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

OF_LINES = 13
"""Columns of an entry before those of its lines: their counter rows and amounts."""

Sides: TypeAlias = Sequence[LineRecord] | msgspec.Raw
"""The lines of one entry, or the JSON that they are written as."""

_RUN_GAP = timedelta(seconds=1)
"""Lines of a counter row farther apart are looked up by themselves: a wrong time doesn't make us read a year."""

# COPY's binary form of the columns of `lines_in_runs`: a count of fields, then each field's length and value. The
# line's key, its entry and number, is taken as one piece of bytes with the length between them.
_LINE = Struct("!2x4x22s4xi4xq4xq4xq4x?")
_NUMBER_LENGTH = b"\0\0\0\2"
_COPY_HEAD, _COPY_TAIL = 19, 2
_NOBODY = (None, None)
_LINES_IN_RUNS = QUERIES["lines_in_runs"].rstrip().rstrip(";")  # it stands within COPY's brackets

_SUFFIXES = tuple(_NUMBER_LENGTH + number.to_bytes(2, "big") for number in range(MAX_LINES))

_CopiedLine = tuple[bytes, int, int, int, int, bool]
_Run = list[Any]
"""A counter row, and the times from which to which its lines are wanted."""


# msgspec's structs take the columns of a row by place, which their types can't say.
_entry_record: Callable[..., EntryRecord] = EntryRecord
_operation_content: Callable[..., OperationContent] = OperationContent


class Records(Protocol):
    """Where records are read: the database, or the database and archives."""

    async def between(self, after: int, through: int) -> list[Sealable]:
        """Return the records numbered from `after` (without) to `through` (with), in order."""

    def is_lost(self, identity: bytes) -> bool:
        """Tell whether nothing can be known of a record; the reason is among what was `taken`."""

    def taken(self) -> list[Difference]:
        """Return what was found since the last time, other than in the chain."""

    async def finish(self, *, is_sealed: bool) -> None:
        """Compare what can be compared when all records of the chain were read."""


class RecordReader:
    """Reads records through one connection; remembers whose counter rows are whose while it lives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._owners: dict[int, tuple[str, int]] = {}

    async def between(self, after: int, through: int) -> list[Sealable]:
        """Return the records numbered from `after` (without) to `through` (with), in order."""
        entries = await self._connection.fetch(QUERIES["entries_between"], after, through)
        events = await self._connection.fetch(QUERIES["account_events_between"], after, through)
        records = await self._entries(entries) if entries else []
        if events:
            records += map(_event, events)
            records.sort(key=lambda record: record.sequence)
        return records

    def is_lost(self, _identity: bytes) -> bool:
        """Tell that there is no record that can't be read."""
        return False

    def taken(self) -> list[Difference]:
        """Return nothing: whatever differs shows in the chain."""
        return []

    async def finish(self, *, is_sealed: bool) -> None:
        """Compare nothing more."""

    async def _entries(self, rows: Sequence[asyncpg.Record]) -> list[Sealable]:
        await self._learn_owners({number for row in rows for number in row[OF_LINES]})
        sides = await self._sides(rows)
        described = [row[1] for row in rows if row[OF_LINES - 1] is not None]
        operations = await self.operations(described) if described else {}
        return list(map(_entry, rows, sides, repeat(operations)))

    async def _sides(self, rows: Sequence[asyncpg.Record]) -> Sequence[Sides]:
        """Return the lines of these entries as their accounts tell them."""
        lines = await self._lines(_runs(rows))
        return [self._sides_of(row, lines) for row in rows]

    async def _learn_owners(self, numbers: set[int]) -> None:
        unknown = list(numbers - self._owners.keys())
        if unknown:
            rows = await self._connection.fetch(QUERIES["counter_rows"], unknown)
            self._owners |= {row["number"]: (row["account_id"], row["stripe"]) for row in rows}

    async def _lines(self, runs: Sequence[_Run]) -> dict[bytes, _CopiedLine]:
        """Return the lines of these runs by entry and number; two rows that say they are the same line are left out."""
        pieces: list[bytes] = []

        async def keep(piece: bytes) -> None:
            pieces.append(piece)

        columns = [[run[column] for run in runs] for column in range(3)]
        await self._connection.copy_from_query(_LINES_IN_RUNS, *columns, output=keep, format="binary")
        copied = list(_LINE.iter_unpack(memoryview(b"".join(pieces))[_COPY_HEAD:-_COPY_TAIL]))
        found: dict[bytes, _CopiedLine] = {line[0]: line for line in copied}
        if len(found) < len(copied):
            for key, times in Counter(line[0] for line in copied).items():
                if times > 1:
                    del found[key]
        return found

    async def operations(self, entry_ids: Iterable[UUID]) -> dict[UUID, OperationContent]:
        """Return the operations' records of entries, by entry."""
        rows = await self._connection.fetch(QUERIES["operations_of_entries"], list(entry_ids))
        return {row["entry_id"]: _operation_content(*row[:-1], canonical_json(row[-1])) for row in rows}

    def _sides_of(self, row: asyncpg.Record, lines: dict[bytes, _CopiedLine]) -> Sides:
        identity, numbers, amounts = row[1].bytes, row[OF_LINES], row[OF_LINES + 1]
        owners = self._owners
        sides: list[Any] = []  # of `LineRecord`
        # The hot spot of verifying: everything here happens for every line.
        for suffix, number, amount in zip(_SUFFIXES, numbers, amounts):  # noqa: B905 - arrays are of one length, by a check
            line = lines.get(identity + suffix)
            owner = owners.get(number, _NOBODY)
            if line is not None and line[1] == number and line[2] == amount:
                sides.append(owner + line[2:])
            else:
                sides.append((*owner, amount, None, None, None))
        return sides


def _entry(row: asyncpg.Record, sides: Sides, operations: Mapping[UUID, OperationContent]) -> Sealable:
    entry_id, metadata = row[1], row[OF_LINES - 1]
    if metadata is None:
        record = _entry_record(*row[: OF_LINES - 1], None, sides)
    else:
        record = _entry_record(*row[: OF_LINES - 1], canonical_json(metadata), sides, operations.get(entry_id))
    return Sealable(row[0], entry_id.bytes, canonical(record), entry_id)


def _event(row: asyncpg.Record) -> Sealable:
    record = AccountEventRecord(*row)
    return Sealable(record.sequence, event_identity(record.sequence), canonical(record), record.account_id)


def _runs(rows: Sequence[asyncpg.Record]) -> list[_Run]:
    """Return the runs of lines that these entries have."""
    runs: list[_Run] = []
    open_runs: dict[int, _Run] = {}
    posted_at = earliest = None
    for row in rows:
        if row[3] != posted_at:
            posted_at = row[3]
            earliest = posted_at - _RUN_GAP
        for number in row[OF_LINES]:
            run = open_runs.get(number)
            if run is None or not earliest <= run[2] <= posted_at:
                open_runs[number] = run = [number, posted_at, posted_at]
                runs.append(run)
            else:
                run[2] = posted_at
    return runs
