"""What stays in the database of archived entries: are keys, operations, value dates, leave and closing figures theirs?

Compares it with the entries as they are read from the files, piece by piece, and sums and counts when all were read.
"""

from collections.abc import Collection, Iterator, Sequence

from wisipay.ledger.difference import Difference
from wisipay.ledger.model import EntryKind
from wisipay.ledger.moments import day_of
from wisipay.ledger.months.files import ArchivedEntry
from wisipay.ledger.months.floors import FloorsOfThen
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.seals.reader import RecordReader
from wisipay.ledger.store import Connection

_CHECK = "archive_remains"


class Remains:
    """Compares rows of the database with archived entries, which it is shown once each."""

    def __init__(self, connection: Connection, reader: RecordReader) -> None:
        self._connection = connection
        self._reader = reader
        self._counts = {"keys": 0, "operations": 0, "value dates": 0, "leave to pass floors": 0}
        self._floors: FloorsOfThen | None = None
        self._sums: dict[int, list[int]] = {}

    async def compare(self, entries: Sequence[ArchivedEntry], kept: Collection[bytes]) -> list[Difference]:
        """Compare what is kept of these entries; `kept` are the ids of those that are in the database as well."""
        for entry in entries:
            self._add(entry)
        rows = await self._connection.fetch(QUERIES["let_pass"], [entry.record.id for entry in entries])
        let_pass = {row["entry_id"] for row in rows}
        found = [*await self._keys(entries), *await self._operations(entries), *await self._value_dates(entries)]
        found += await self._below_floor([entry for entry in entries if entry.record.id not in let_pass])
        for entry in entries:
            if entry.record.id.bytes not in kept:
                self._counts["keys"] += entry.record.idempotency_key is not None
                self._counts["operations"] += entry.record.operation is not None
                self._counts["value dates"] += len(entry.record.lines) if _is_dated(entry) else 0
                self._counts["leave to pass floors"] += entry.record.id in let_pass
        return found

    async def compare_sums(self) -> list[Difference]:
        """Compare how many rows there are, and the figures from which the months that are left start."""
        rows = await self._connection.fetch(QUERIES["rows_of_archived"])
        counted = {row["what"]: row["count"] for row in rows}
        found = [
            Difference(_CHECK, "MONTH", "all archived", f"{what}: {counted[what]} rows, of {count} that were archived")
            for what, count in self._counts.items()
            if counted[what] != count
        ]
        for row in await self._connection.fetch(QUERIES["closing_figures"]):
            figures = [row["lines"], row["debits"], row["credits"]]
            told = self._sums.pop(row["balance_number"], [0, 0, 0])
            if figures != told:
                message = f"stripe {row['stripe']} starts from lines, debits, credits {figures}; archived are {told}"
                found.append(Difference(_CHECK, "ACCOUNT", row["account_id"], message))
        return found

    def _add(self, entry: ArchivedEntry) -> None:
        for number, (_, _, amount, _, _, pending) in zip(entry.balance_numbers, entry.record.lines, strict=True):
            sums = self._sums.setdefault(number, [0, 0, 0])
            sums[0] += 1
            if not pending:
                sums[1 if amount > 0 else 2] += abs(amount)

    async def _keys(self, entries: Sequence[ArchivedEntry]) -> list[Difference]:
        told = {each.record.idempotency_key: each.record.id for each in entries if each.record.idempotency_key}
        rows = await self._connection.fetch(QUERIES["takers_of_keys"], list(told)) if told else []
        taken = {row["key"]: row["entry_id"] for row in rows}
        return [
            Difference(_CHECK, "ENTRY", str(entry_id), f"its key {key!r} is taken by {taken.get(key, 'nobody')}")
            for key, entry_id in told.items()
            if taken.get(key) != entry_id
        ]

    async def _operations(self, entries: Sequence[ArchivedEntry]) -> Iterator[Difference]:
        told = {each.record.id: each.record.operation for each in entries if each.record.operation is not None}
        there = await self._reader.operations(told) if told else {}
        return (
            Difference(_CHECK, "OPERATION", operation.id, "its record is not the one that was archived")
            for entry_id, operation in told.items()
            if there.get(entry_id) != operation
        )

    async def _value_dates(self, entries: Sequence[ArchivedEntry]) -> list[Difference]:
        told = {
            (each.record.id, number): (each.record.value_date, day_of(each.record.posted_at), line[2], line[0])
            for each in entries
            if _is_dated(each)
            for number, line in enumerate(each.record.lines)
        }
        ids = list({entry_id for entry_id, _ in told})
        rows = await self._connection.fetch(QUERIES["value_dates_of"], ids) if ids else []
        there = {(row["entry_id"], row["number"]): tuple(row)[2:] for row in rows}
        return [
            Difference(_CHECK, "ENTRY", str(key[0]), f"line {key[1]} is noted with {there.get(key)}, and is {line}")
            for key, line in told.items()
            if there.get(key) != line
        ]

    async def _below_floor(self, without_leave: Sequence[ArchivedEntry]) -> list[Difference]:
        self._floors = self._floors or await FloorsOfThen.read(self._connection)
        return [
            Difference(_CHECK, "ENTRY", str(entry.record.id), message)
            for entry in without_leave
            for message in self._floors.passed(entry)
        ]


def _is_dated(entry: ArchivedEntry) -> bool:
    """Tell whether the lines count on another day than they were written on."""
    record = entry.record
    return (
        record.value_date is not None
        and record.kind != EntryKind.PENDING
        and record.value_date != day_of(record.posted_at)
    )
