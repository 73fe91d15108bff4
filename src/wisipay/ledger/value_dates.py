"""The lines of an account in the order of the days they count on.

Most lines count on the day they were written, so their stream is that by posting time. The few others stand in a table
of their own by value date; both streams are merged here, day by day.
"""

from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

from wisipay.ledger.lines import LineFilter, LineView, Owners, details, stream_lines
from wisipay.ledger.moments import day_end, day_of, day_start
from wisipay.ledger.reading import AccountInfo, Reading
from wisipay.ledger.sql import QUERIES

_CHUNK = 250


async def lines_by_value_day(books: Reading, account: AccountInfo, first: date, last: date) -> AsyncIterator[LineView]:
    """Yield the posted lines whose value day is in the range, by value day; those written on it before others."""
    dated = _dated(books, account, first, last)
    late = await anext(dated, None)
    wanted = LineFilter(since=day_start(first), until=day_end(last), posted_only=True)
    async for line in stream_lines(books, account.id, wanted):
        if line.value_day != day_of(line.posted_at):
            continue
        while late is not None and late.value_day < line.value_day:
            yield late
            late = await anext(dated, None)
        yield line
    while late is not None:
        yield late
        late = await anext(dated, None)


async def _dated(books: Reading, account: AccountInfo, first: date, last: date) -> AsyncIterator[LineView]:
    """Yield the posted lines that count on another day than they were written on, by value day."""
    place: tuple[object, ...] = (first, UUID(int=0), -1)
    owners: Owners = {}
    more = True
    while more:
        rows = await books.connection.fetch(QUERIES["value_dated_lines"], account.number, *place, last, _CHUNK)
        for line in await details(books, rows, owners):
            yield line
        more = len(rows) == _CHUNK
        place = tuple(rows[-1])[:3] if more else place
