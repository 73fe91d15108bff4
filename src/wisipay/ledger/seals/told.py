"""Records as the sealer takes them: the accounts' sides of lines are told from the entries, and not read.

Writers number their entries while they hold the counter rows, so along a counter row the order of writing is the order
of its lines: each is the next number, and the balance before it with its amount. Reading them would cost more than all
else that sealing does. The first and the last line of each counter row are looked at in every piece; where one of them
is not as told, the whole piece is read as it stands, for the checks to judge. What is wrong in between is sealed as it
should be, so that verification names it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import asyncpg
import msgspec
from msgspec import Raw

from wisipay.ledger.model import EntryKind
from wisipay.ledger.seals.reader import OF_LINES, RecordReader, Sides
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

_End: TypeAlias = list[Any]
"""Where a counter row has come to: how its lines begin, its balance, the last line's number and time of posting."""

_PENDING = EntryKind.PENDING.value


class ToldRecords(RecordReader):
    """Tells records in order, piece after piece, while nobody else seals."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._ends: dict[int, _End] = {}

    async def _sides(self, rows: Sequence[asyncpg.Record]) -> Sequence[Sides]:
        touched = {number for row in rows for number in row[OF_LINES]}
        if await self._find_beginnings(rows, touched - self._ends.keys()):
            sides = [self._next(row) for row in rows]
            if await self._stand(touched):
                return sides
        self._ends.clear()
        return await super()._sides(rows)

    async def _find_beginnings(self, rows: Sequence[asyncpg.Record], unknown: set[int]) -> bool:
        """Learn from the first line of each counter row what stood before it; False where there is no such line."""
        if not unknown:
            return True
        wanted = list(_first_places(rows, set(unknown)))
        found = await self._connection.fetch(QUERIES["lines_at"], *zip(*wanted, strict=True))
        for number, account_line, balance_after, moved in found:
            owner = self._owners.get(number)
            if owner is not None:
                beginning = msgspec.json.encode(owner)[:-1].decode() + ","
                self._ends[number] = [beginning, balance_after - moved, account_line - 1, None]
        return unknown <= self._ends.keys()

    def _next(self, row: asyncpg.Record) -> Sides:
        """Return the lines of the next entry and go on behind them: the hot spot of sealing."""
        posted_at, pending, ends = row[3], row[2] == _PENDING, self._ends
        sides: list[str] = []
        for number, amount in zip(row[OF_LINES], row[OF_LINES + 1]):  # noqa: B905 - arrays are of one length, by a check
            end = ends[number]
            balance = end[1]
            if not pending:
                end[1] = balance = balance + amount
            end[2] = place = end[2] + 1
            end[3] = posted_at
            sides.append(f"{end[0]}{amount},{balance},{place},")
        ended = "true]" if pending else "false]"
        # Texts and not tuples, because the garbage collector would walk through all of those again and again.
        return Raw(f"[{f'{ended},'.join(sides)}{ended if sides else ''}]".encode())

    async def _stand(self, touched: set[int]) -> bool:
        """Tell whether the last line of each of these counter rows is there as it was told."""
        if not touched:
            return True
        told = [(number, end[3], end[2], end[1]) for number, end in self._ends.items() if number in touched]
        there: int = await self._connection.fetchval(QUERIES["lines_there"], *zip(*told, strict=True))
        return there == len(told)


def _first_places(rows: Sequence[asyncpg.Record], unknown: set[int]) -> Iterator[tuple[Any, ...]]:
    """Yield where the first line of each of these counter rows is: counter row, time, entry, number there.

    Every one of them has a line in `rows`.
    """
    following = iter(rows)
    while unknown:
        row = next(following)
        for place, number in enumerate(row[OF_LINES]):
            if number in unknown:
                unknown.remove(number)
                yield number, row[3], row[1], place
