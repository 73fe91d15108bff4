"""How archived entries ended: what their months' files note is what the ending entries say, each once.

Endings are as many as entries, so those of entries in files are compared as sums of fingerprints; a month whose sums
differ is named. The few whose ending entry is still in the database are compared one by one.
"""

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import sha256
from uuid import UUID

from wisipay.ledger.difference import Difference
from wisipay.ledger.months.files import ArchivedEntry, MonthOfFiles
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.periods import Period
from wisipay.ledger.store import Connection

_CHECK = "archive_endings"
_SUMS = 2**256
_ELSEWHERE = "all archived"
"""For ids of a later time, as one has that was made by a clock that was ahead."""


class Endings:
    """Is told of every archived entry, and compares when it has seen all."""

    def __init__(self, months: Sequence[tuple[Period, MonthOfFiles]]) -> None:
        self._months = [month for _, month in months]
        self._ends = [(period.end_id, period.name) for period, _ in months]
        self._sums: dict[str, int] = {}

    def add(self, entries: Sequence[ArchivedEntry]) -> None:
        """Note what these entries ended."""
        for entry in entries:
            record = entry.record
            if record.target_id is not None:
                self._count(record.target_id, record.id, record.kind, 1)

    async def compare(self, connection: Connection) -> list[Difference]:
        """Compare with the files of all months."""
        rows = await connection.fetch(QUERIES["endings_across"])
        across = {row["id"]: (row["target_id"], row["kind"]) for row in rows}
        found = await asyncio.to_thread(lambda: list(self._of_files(across)))
        found += [
            Difference(_CHECK, "ENTRY", str(entry_id), f"is not noted as the ending of {target_id}, a {kind}")
            for entry_id, (target_id, kind) in across.items()
        ]
        message = "the endings noted in its files are not those that the entries say"
        return found + [Difference(_CHECK, "MONTH", name, message) for name, rest in sorted(self._sums.items()) if rest]

    def _of_files(self, across: dict[UUID, tuple[UUID, str]]) -> Iterator[Difference]:
        """Take what the files note from the sums, and from what is `across`."""
        for month in self._months:
            for target_id, entry_id, kind in month.endings():
                told = across.pop(entry_id, None)
                if told is None:
                    self._count(target_id, entry_id, kind, -1)
                elif told != (target_id, kind):
                    message = f"is noted as the ending of {target_id}, a {kind}; it says {told[0]}, {told[1]}"
                    yield Difference(_CHECK, "ENTRY", str(entry_id), message)

    def _count(self, target_id: UUID, entry_id: UUID, kind: str, sign: int) -> None:
        fingerprint = int.from_bytes(sha256(target_id.bytes + entry_id.bytes + kind.encode()).digest(), "big")
        name = next((name for end_id, name in self._ends if target_id < end_id), _ELSEWHERE)
        self._sums[name] = (self._sums.get(name, 0) + sign * fingerprint) % _SUMS
