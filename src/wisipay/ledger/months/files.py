"""The entries of an archived month as they were sealed, made again from its files in the order of writing.

Holds some thousand entries and the lines around them, whatever the size of the month. Reads; judges nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from wisipay.ledger.months import parquet
from wisipay.ledger.months.by_time import LinesByTime
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.seals.records import EntryRecord, OperationContent, Sealable, canonical, canonical_json
from wisipay.ledger.store import Connection

ENTRIES_AT_ONCE: Final = 2_048
"""Most entries that are handed out in one go."""

Owners = Mapping[int, tuple[str, int]]
"""Account and stripe of each counter row."""

_NOBODY = (None, None)
_NO_SIDE = (None, None, None)


class ArchivedEntry(NamedTuple):
    """An entry of an archived month with the counter rows of its lines."""

    record: EntryRecord
    balance_numbers: Sequence[int]

    def sealable(self) -> Sealable:
        """Return it as the sealer saw it."""
        return Sealable(self.record.sequence, self.record.id.bytes, canonical(self.record), self.record.id)

    def without_lines(self) -> bytes:
        """Return its canonical bytes as they are where the accounts' sides of its lines are missing."""
        lines = [(*line[:3], *_NO_SIDE) for line in self.record.lines]
        return canonical(msgspec.structs.replace(self.record, lines=lines))


class MonthOfFiles:
    """The entries of one archived month, each handed out once. What can't be read raises `ArchiveError`."""

    def __init__(self, home: Path, owners: Owners) -> None:
        self._home = home
        self._owners = owners
        self._lines: LinesByTime | None = None
        self._operations: parquet.Operations | None = None
        self._matched = 0
        self._entries = self._read()
        self._next: ArchivedEntry | None = None

    @property
    def strays(self) -> int:
        """How many lines more there are than the entries that were handed out have."""
        return 0 if self._lines is None else self._lines.count - self._matched

    def some(self, through: int | None = None) -> list[ArchivedEntry]:
        """Return the next entries, up to and with a number in the order of writing; none when there are no more."""
        found: list[ArchivedEntry] = []
        try:
            while len(found) < ENTRIES_AT_ONCE:
                entry = self._next or next(self._entries, None)
                if entry is None or (through is not None and entry.record.sequence > through):
                    self._next = entry
                    break
                self._next = None
                found.append(entry)
        except (OSError, pa.ArrowException, ValueError, LookupError) as error:
            raise ArchiveError(f"{self._home} can't be read: {error}") from error
        return found

    def endings(self) -> Iterator[parquet.Row]:
        """Return how the entries ended: target, ending entry and its kind."""
        try:
            yield from parquet.rows_of(self._home, parquet.RESOLUTIONS)
        except (OSError, pa.ArrowException, ValueError, LookupError) as error:
            raise ArchiveError(f"{self._home} can't be read: {error}") from error

    def close(self) -> None:
        """Let go of files."""
        for each in (self._lines, self._operations):
            if each is not None:
                each.close()

    def _read(self) -> Iterator[ArchivedEntry]:
        self._lines = LinesByTime(self._home)
        self._lines.deal()
        self._operations = parquet.Operations(self._home)
        names = parquet.SCHEMAS[parquet.ENTRIES].names
        for row in parquet.rows_of(self._home, parquet.ENTRIES):
            yield self._entry(dict(zip(names, row, strict=True)), self._lines, self._operations)

    def _entry(self, row: dict[str, Any], lines: LinesByTime, operations: parquet.Operations) -> ArchivedEntry:
        numbers, identity, metadata = row["balance_numbers"], row["id"].bytes, row["metadata"]
        around = lines.around(row["posted_at"])
        sides: list[Any] = []  # of `LineRecord`
        for place, (number, amount) in enumerate(zip(numbers, row["amounts"], strict=True)):
            side = around.get((identity, place, number, amount))
            self._matched += side is not None
            sides.append((*self._owners.get(number, _NOBODY), amount, *(side or _NO_SIDE)))
        operation = None if metadata is None else operations.of(row["id"])
        content = {name: row[name] for name in EntryRecord.__struct_fields__ if name in row}
        content["metadata"] = None if metadata is None else canonical_json(metadata)
        record = EntryRecord(**content, lines=sides, operation=None if operation is None else _operation(operation))
        return ArchivedEntry(record, numbers)


async def owners_of(connection: Connection) -> Owners:
    """Return whose counter rows are whose."""
    return {row["number"]: (row["id"], row["stripe"]) for row in await connection.fetch(QUERIES["counter_rows"])}


def _operation(record: str) -> OperationContent:
    found = msgspec.json.decode(record, type=OperationContent)
    timeout_at = found.timeout_at
    return msgspec.structs.replace(
        found,
        recorded_at=found.recorded_at.astimezone(UTC),
        timeout_at=timeout_at and timeout_at.astimezone(UTC),
        metadata=canonical_json(bytes(found.metadata).decode()),
    )
