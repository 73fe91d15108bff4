"""The lines of an account: pages with filters and cursors both ways, and the same lines as a stream.

Every page touches a bounded number of lines: at most `SCAN_MAX` are looked at, however few of them pass the filter. A
page that ends there has fewer lines than asked for, and a cursor with which the search goes on.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from wisipay.ledger.account import BEGINNING
from wisipay.ledger.cursors import Bound, Direction, decode, encode
from wisipay.ledger.errors import ArchivedError, UnknownAccountError
from wisipay.ledger.model import EntryKind, EntryStatus, Line
from wisipay.ledger.moments import day_of
from wisipay.ledger.reading import Reading
from wisipay.ledger.sql import QUERIES

PAGE_MAX = 1_000
"""Most lines of one page."""

SCAN_MAX = 10_000
"""Most lines looked at for one page."""

OTHERS_MAX = 20
"""Most lines of the other side that are given with a line."""

Owners: TypeAlias = dict[int, str]
"""Whose counter row it is, by its number."""

FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)

_FIRST_CHUNK = 125
_STREAM_CHUNK = 1_000
"""Lines of the first and of the largest piece of a stream: whoever takes a few lines doesn't wait for a thousand."""


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines are wanted: all conditions that are given must hold.

    `since` is included, `until` is not; amounts are minor units without a sign; `counter_account_id` is an account with
    another line in the same entry. `posted_only` leaves out the lines of holds, which move no balance.
    """

    since: datetime = BEGINNING
    until: datetime = FAR_FUTURE
    kinds: frozenset[EntryKind] | None = None
    reference: str | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    counter_account_id: str | None = None
    posted_only: bool = False


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of an account with its entry; `amount` and `balance_after` are debit positive, in minor units.

    `others` are lines of the other side of the entry, at most `OTHERS_MAX`. `balance_after` is that of the counter row
    (a statement gives the running balance of all), and None among lines in the order of value dates. `value_day` is
    the day the line counts on, `posted_at` the time it was written.
    """

    entry_id: UUID
    number: int
    kind: EntryKind
    status: EntryStatus
    amount: int
    balance_after: int | None
    posted_at: datetime
    value_day: date
    narration: str
    external_reference: str | None
    correlation_id: str | None
    others: tuple[Line, ...]

    @property
    def back_dated(self) -> bool:
        """Whether the line counts on a day before it was written."""
        return self.value_day < day_of(self.posted_at)


@dataclass(frozen=True, slots=True)
class LinePage:
    """A page of lines, newest first, and cursors to the pages beside it.

    `older` is None when nothing older passes the filter. `newer` is always there: later lines appear behind it. Where
    the search for older ones ended at archived months, `archived_until` says when those end.
    """

    lines: tuple[LineView, ...]
    newer: str
    older: str | None
    archived_until: datetime | None = None


async def account_entries(
    books: Reading, account_id: str, wanted: LineFilter | None = None, *, limit: int = 100, cursor: str | None = None
) -> LinePage:
    """Return a page of an account's lines; `limit` is cut at `PAGE_MAX`. Give the filter anew with every cursor.

    Raises `UnknownAccountError` and `BadCursorError`.
    """
    wanted = wanted or LineFilter()
    heads = await counter_rows(books, account_id)
    if cursor is None:
        direction, start = Direction.OLDER, heads
    else:
        direction, start = decode(cursor, [head.balance_number for head in heads])
    scan = _Scan(books, direction, wanted, start)
    found = await scan.page(min(limit, PAGE_MAX))
    lines = await details(books, found, {})
    there = encode(direction, scan.bounds)
    if direction is Direction.OLDER:
        archived = await books.connection.fetchval(QUERIES["archived_after"], wanted.since) if scan.ended else None
        return LinePage(tuple(lines), encode(Direction.NEWER, scan.start), None if scan.ended else there, archived)
    return LinePage(tuple(reversed(lines)), there, encode(Direction.OLDER, scan.start))


async def stream_lines(books: Reading, account_id: str, wanted: LineFilter) -> AsyncIterator[LineView]:
    """Yield the lines that pass, oldest first, holding a thousand at a time.

    Where some of them may be archived the first line is refused, as a balance of that time is.
    """
    await books.connection.fetchval(QUERIES["is_in_database"], wanted.since)
    start = [Bound(head.balance_number, BEGINNING, 0) for head in await counter_rows(books, account_id)]
    scan = _Scan(books, Direction.NEWER, wanted, start)
    owners: Owners = {}
    size = _FIRST_CHUNK
    while not scan.ended:
        for line in await details(books, await scan.chunk(size), owners):
            yield line
        size = min(2 * size, _STREAM_CHUNK)


async def counter_rows(books: Reading, account_id: str) -> list[Bound]:
    """Return the end of each of the account's counter rows, by number; `UnknownAccountError` if there are none."""
    rows = await books.connection.fetch(QUERIES["heads"], account_id)
    if not rows:
        raise UnknownAccountError(account_id)
    return [Bound(row["number"], row["last_posted_at"], row["line_count"] + 1) for row in rows]


async def details(books: Reading, found: Sequence[asyncpg.Record], owners: Owners) -> list[LineView]:
    """Return the lines with all that belongs to them, in the order given; learns `owners` that it does not know yet."""
    if not found:
        return []
    rows = await books.connection.fetch(
        QUERIES["line_details"],
        *([row[name] for row in found] for name in ("entry_id", "number", "balance_after")),
        OTHERS_MAX,
    )
    if len(rows) < len(found):
        raise ArchivedError("the entry of a line is in an archived month")
    unknown = {number for row in rows for number in row["balance_numbers"]} - owners.keys()
    if unknown:
        learnt = await books.connection.fetch(QUERIES["counter_rows"], list(unknown))
        owners |= {row["number"]: row["account_id"] for row in learnt}
    return [
        LineView(
            row["entry_id"],
            row["number"],
            EntryKind(row["kind"]),
            _status(row["kind"], row["ended_by"]),
            row["amount"],
            row["balance_after"],
            row["posted_at"],
            row["value_date"] or day_of(row["posted_at"]),
            row["narration"],
            row["external_reference"],
            row["correlation_id"],
            tuple(map(Line, map(owners.__getitem__, row["balance_numbers"]), row["amounts"])),
        )
        for row in rows
    ]


class _Scan:
    """Walks an account's lines from a place in one direction; `bounds` is the place it has come to."""

    def __init__(self, books: Reading, direction: Direction, wanted: LineFilter, start: Sequence[Bound]) -> None:
        self.ended = False
        self._books = books
        self._wanted = wanted
        self._older = direction is Direction.OLDER
        end = (wanted.until, 0) if self._older else (wanted.since, 0)
        nearer = min if self._older else max
        self.start = [Bound(bound.balance_number, *nearer(bound[1:], end)) for bound in start]
        self._bounds = {bound.balance_number: bound for bound in self.start}
        self._others: list[int] | None = None

    @property
    def bounds(self) -> list[Bound]:
        return list(self._bounds.values())

    async def page(self, limit: int) -> list[asyncpg.Record]:
        """Return up to `limit` lines that pass and stand behind the last of them, or behind what was looked at."""
        found: list[asyncpg.Record] = []
        left = SCAN_MAX
        size = limit + 1  # one more tells whether there is more
        while left > 0 and not self.ended:
            rows = await self._rows(min(size, left))
            for row in rows:
                if row["matches"]:
                    if len(found) == limit:
                        return found
                    found.append(row)
                self._pass(row)
            self.ended = len(rows) < min(size, left)
            left -= size
            size *= 4
        return found

    async def chunk(self, size: int) -> list[asyncpg.Record]:
        """Look at the next `size` lines and return those that pass."""
        rows = await self._rows(size)
        for row in rows:
            self._pass(row)
        self.ended = len(rows) < size
        return [row for row in rows if row["matches"]]

    def _pass(self, row: asyncpg.Record) -> None:
        line = row["account_line"] if self._older else row["account_line"] + 1
        self._bounds[row["balance_number"]] = Bound(row["balance_number"], row["posted_at"], line)

    async def _rows(self, size: int) -> list[asyncpg.Record]:
        wanted, bounds = self._wanted, self._bounds.values()
        return await self._books.connection.fetch(
            QUERIES["lines_page"],
            *([bound[column] for bound in bounds] for column in range(3)),
            wanted.since if self._older else wanted.until,
            size,
            wanted.posted_only,
            wanted.amount_min,
            wanted.amount_max,
            None if wanted.kinds is None else [kind.value for kind in wanted.kinds],
            wanted.reference,
            await self._counter_rows_of_other(),
            not self._older,
        )

    async def _counter_rows_of_other(self) -> list[int] | None:
        other = self._wanted.counter_account_id
        if other is not None and self._others is None:
            self._others = [row["number"] for row in await self._books.connection.fetch(QUERIES["heads"], other)]
        return self._others


def _status(kind: str, ended_by: str | None) -> EntryStatus:
    """Return the derived status of an entry that has lines."""
    if kind == EntryKind.PENDING:
        if ended_by is None:
            return EntryStatus.PENDING
        return EntryStatus.POSTED if ended_by == EntryKind.POST else EntryStatus.VOID
    return EntryStatus.POSTED if ended_by is None else EntryStatus.REVERSED
