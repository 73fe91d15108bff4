"""Daily balances: what every account did on each day in India, written once when the day is long over.

A day is that of posting, so a written day never changes: whoever posts today with an earlier value date is in today's
lines. By value date, the few lines that count on other days are moved there when a day is read. What is written is
compared with the lines by the check `daily_balances`; it is corrected by `correct_days` alone, with a further
revision, by a person and for a reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wisipay.ledger.checks.check import QUERIES
from wisipay.ledger.moments import ValuedBy, day_end, day_start
from wisipay.ledger.reading import AccountInfo, Reading, account_named
from wisipay.ledger.reports import balances_at, net_before
from wisipay.ledger.store import Connection

SETTLED = timedelta(hours=1)
"""A day is closed so long after its end at the earliest, when whatever was written at midnight has been committed."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DailyBalance:
    """What an account did on a day, debit positive, in minor units; the counts are of posted lines."""

    day: date
    opening: int
    debits: int
    credits: int
    closing: int
    debit_count: int
    credit_count: int


@dataclass(frozen=True, slots=True)
class Correction:
    """One corrected day: what was written (None: nothing) and what is written now."""

    day: date
    before: DailyBalance | None
    after: DailyBalance


async def close_days(connection: Connection, now: datetime) -> dict[date, int]:
    """Write the daily balances of all days that are over at `now` and not closed yet; returns how many, by day.

    Each day is a transaction of its own. Where two processes close one day at a time, one of them gets
    `asyncpg.UniqueViolationError` and may try again.
    """
    closed: dict[date, int] = {}
    day: date | None = await connection.fetchval(QUERIES["first_open_day"])
    while day is not None and day_end(day) + SETTLED <= now:
        closed[day] = await connection.fetchval(QUERIES["close_day"], day, day_start(day), day_end(day), now)
        day += _DAY
    return closed


async def daily_balances(
    books: Reading, account_id: str, first: date, last: date, *, by_value_date: bool = False
) -> list[DailyBalance]:
    """Return an account's closed days from `first` to `last` on which something was posted, or counts by value date.

    Raises `UnknownAccountError`.
    """
    account = await account_named(books, account_id)
    days = await _written(books.connection, account, first, last)
    if not by_value_date:
        return [day for day in days.values() if day.debit_count or day.credit_count]
    closed = await books.connection.fetchval(QUERIES["last_closed_day"])
    if closed is None or closed < first:
        return []
    last = min(last, closed)
    moved = {day: [each.debits, each.credits, each.debit_count, each.credit_count] for day, each in days.items()}
    for row in await books.connection.fetch(QUERIES["dated_around"], account.number, first, last):
        for day, sign in ((row["posted_day"], -1), (row["value_day"], 1)):
            if first <= day <= last:
                sums = moved.setdefault(day, [0, 0, 0, 0])
                side = 0 if row["amount"] > 0 else 1
                sums[side] += sign * abs(row["amount"])
                sums[side + 2] += sign
    before = (await balances_at(books, [account_id], ValuedBy(first - _DAY)))[account_id]
    return [day for day in _running(before.net, moved) if day.debit_count or day.credit_count]


async def correct_days(
    connection: Connection, account_id: str, first: date, actor: str, reason: str, now: datetime
) -> list[Correction]:
    """Write a further revision of every closed day of an account, from `first` on, that is not what its lines say.

    Runs in the caller's transaction and returns what was corrected. Raises `UnknownAccountError`.
    """
    books = Reading(connection)
    account = await account_named(books, account_id)
    last: date | None = await connection.fetchval(QUERIES["last_closed_day"])
    if last is None or last < first:
        return []
    written = await _written(connection, account, first, last)
    rows = await connection.fetch(QUERIES["told_days"], account.number, day_start(first), day_end(last))
    told = {row["day"]: tuple(row)[1:] for row in rows}
    nothing: Mapping[date, tuple[int, ...]] = dict.fromkeys(written, (0, 0, 0, 0))
    opening = (await net_before(books, [account], day_start(first)))[account.number]
    corrections = [
        Correction(day.day, written.get(day.day), day)
        for day in _running(opening, {**nothing, **told})
        if day != written.get(day.day)
    ]
    await connection.executemany(
        QUERIES["correct_day"],
        [
            (
                *(account.number, each.day, each.after.opening, each.after.debits, each.after.credits),
                *(each.after.closing, each.after.debit_count, each.after.credit_count, now, actor, reason),
            )
            for each in corrections
        ],
    )
    return corrections


async def _written(connection: Connection, account: AccountInfo, first: date, last: date) -> dict[date, DailyBalance]:
    rows = await connection.fetch(QUERIES["written_days"], account.number, first, last)
    return {row["day"]: DailyBalance(*row) for row in rows}


def _running(opening: int, moved: Mapping[date, Iterable[int]]) -> Iterator[DailyBalance]:
    """Yield the days in order, each with the balance that the one before left."""
    for day, (debits, credits_, debit_count, credit_count) in sorted(moved.items()):
        closing = opening + debits - credits_
        yield DailyBalance(day, opening, debits, credits_, closing, debit_count, credit_count)
        opening = closing
