"""All records of the history in one order of writing: those in the database, and those of archived months from files.

Verification and the journal read them here. A month whose files can't be read is one difference and not one for each of
its records.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from wisipay.ledger.difference import Difference
from wisipay.ledger.months.detaching import archives
from wisipay.ledger.months.endings import Endings
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.files import ArchivedEntry, MonthOfFiles, Owners, owners_of
from wisipay.ledger.months.manifest import check_files, read_manifest
from wisipay.ledger.months.remains import Remains
from wisipay.ledger.periods import Period, named
from wisipay.ledger.seals.reader import RecordReader
from wisipay.ledger.seals.records import Sealable, is_event
from wisipay.ledger.store import Connection

FILES_DIFFER: Final = "archive_files"
"""The check of files that are missing, can't be read or are not as they were written."""


class AllRecords:
    """The records of the database and of archived months; what the database keeps of those is compared on the way."""

    def __init__(self, connection: Connection, months: Sequence[tuple[Period, Path]], owners: Owners) -> None:
        self._connection = connection
        self._found: list[Difference] = []
        self._reader = RecordReader(connection)
        self._months = [(period, MonthOfFiles(home, owners)) for period, home in months]
        self._lost: list[Period] = []
        self._remains = Remains(connection, self._reader)
        self._endings = Endings(self._months)

    async def between(self, after: int, through: int) -> list[Sealable]:
        """Return the records numbered from `after` (without) to `through` (with), in order."""
        there = await self._reader.between(after, through)
        archived = [entry for period, month in self._months for entry in await self._of(period, month, through)]
        if not archived:
            return there
        self._endings.add(archived)
        kept = {record.identity: record for record in there}
        self._found += await self._remains.compare(archived, kept)
        records = [entry.sealable() for entry in archived]
        for entry, record in zip(archived, records, strict=True):
            copy = kept.get(record.identity)
            if copy is not None and copy.canonical not in {record.canonical, entry.without_lines()}:
                message = "the copy that later months need is not the entry that was archived"
                self._found.append(Difference("archive_remains", "ENTRY", str(record.name), message))
        of_files = {record.identity for record in records}
        records += [record for record in there if record.identity not in of_files]
        return sorted(records, key=lambda record: (record.sequence, record.identity))

    def is_lost(self, identity: bytes) -> bool:
        """Tell whether a record belongs to a month whose files can't be read, so that nothing is known of it."""
        return not is_event(identity) and any(
            (period.first_id is None or period.first_id.bytes <= identity) and identity < period.end_id.bytes
            for period in self._lost
        )

    def taken(self) -> list[Difference]:
        """Return what was found since the last time, other than in the chain."""
        found, self._found = self._found, []
        return found

    async def finish(self, *, is_sealed: bool) -> None:
        """Compare what can be compared when all records of the chain were read; nothing where nothing is sealed."""
        whole = is_sealed
        for period, month in self._months if is_sealed else ():
            behind = await self._some(period, month, None)
            if behind:
                message = f"{period.name}: is archived and not sealed, nor what follows it"
                self._found.append(Difference("archive_seal", "ENTRY", str(behind[0].record.id), message))
                whole = False
            elif month.strays and period not in self._lost:
                message = f"{month.strays} of its lines are not those of its entries"
                self._found.append(Difference("archive_lines", "MONTH", period.name, message))
        if self._months and whole and not self._lost:
            self._found += await self._remains.compare_sums()
            try:
                self._found += await self._endings.compare(self._connection)
            except ArchiveError as error:
                self._found.append(Difference(FILES_DIFFER, "MONTH", "all archived", str(error)))

    def lose(self, period: Period, message: str) -> None:
        """Give a month up."""
        self._found.append(Difference(FILES_DIFFER, "MONTH", period.name, message))
        self._lost.append(period)

    def differ(self, period: Period, message: str) -> None:
        """Say that a month's files are not as they were written; what can be read of them is."""
        self._found.append(Difference(FILES_DIFFER, "MONTH", period.name, message))

    def close(self) -> None:
        """Let go of files."""
        for _, month in self._months:
            month.close()

    async def _of(self, period: Period, month: MonthOfFiles, through: int) -> list[ArchivedEntry]:
        found: list[ArchivedEntry] = []
        while some := await self._some(period, month, through):
            found += some
        return found

    async def _some(self, period: Period, month: MonthOfFiles, through: int | None) -> list[ArchivedEntry]:
        if period in self._lost:
            return []
        try:
            return await asyncio.to_thread(month.some, through)
        except ArchiveError as error:
            self.lose(period, str(error))
            return []


@asynccontextmanager
async def all_records(connection: Connection, folder: Path | None) -> AsyncIterator[AllRecords]:
    """Open all records there are, those of archived months from a folder, whose files are checked first.

    Without a folder every archived month is a difference.
    """
    noted = [(named(each.name), each.manifest_sha256) for each in await archives(connection)]
    homes = [] if folder is None else [(period, folder / period.name) for period, _ in noted]
    records = AllRecords(connection, homes, await owners_of(connection))
    for period, sha256 in noted:
        if folder is None:
            records.lose(period, "is archived, and no folder of archives was given")
            continue
        try:
            manifest = read_manifest(folder / period.name, sha256)
            await asyncio.to_thread(check_files, manifest, folder / period.name)
        except ArchiveError as error:
            records.differ(period, str(error))
    try:
        yield records
    finally:
        records.close()
