"""The statement of an account: what stood there, what moved, what stands there, for any range of days.

Only posted lines move a balance, so a statement has no lines of holds. Opening and closing balance are index probes,
not sums over history. Amounts are in the account's normal sign, minor units.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from wisipay.ledger.lines import LineFilter, LineView, stream_lines
from wisipay.ledger.moments import ValuedBy, day_end, day_start
from wisipay.ledger.reading import AccountInfo, Reading, account_named
from wisipay.ledger.reports import net_before
from wisipay.ledger.value_dates import lines_by_value_day


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line; `amount` is positive where it adds to the account's balance, `balance` is what stands after it."""

    line: LineView
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from the start of `first` to the end of `last`, days in India; `lines` can be read once."""

    account: AccountInfo
    first: date
    last: date
    opening: int
    closing: int
    lines: AsyncIterator[StatementLine]


async def statement(books: Reading, account_id: str, first: date, last: date) -> Statement:
    """Return the statement by time of posting; `UnknownAccountError` for an account that was never opened."""
    account = await account_named(books, account_id)
    start, end = day_start(first), day_end(last)
    opening = (await net_before(books, [account], start))[account.number]
    closing = (await net_before(books, [account], end))[account.number]
    lines = stream_lines(books, account_id, LineFilter(since=start, until=end, posted_only=True))
    return _made(account, first, last, opening, closing, lines)


async def statement_by_value_date(books: Reading, account_id: str, first: date, last: date) -> Statement:
    """Return the statement by value date: lines stand on the day they count on, those written on that day first."""
    account = await account_named(books, account_id)
    before = ValuedBy(date.fromordinal(first.toordinal() - 1))
    opening = (await net_before(books, [account], day_start(first), before.day))[account.number]
    closing = (await net_before(books, [account], day_end(last), last))[account.number]
    return _made(account, first, last, opening, closing, lines_by_value_day(books, account, first, last))


def _made(
    account: AccountInfo, first: date, last: date, opening: int, closing: int, lines: AsyncIterator[LineView]
) -> Statement:
    return Statement(
        account, first, last, account.signed(opening), account.signed(closing), _running(account, opening, lines)
    )


async def _running(account: AccountInfo, opening: int, lines: AsyncIterator[LineView]) -> AsyncIterator[StatementLine]:
    net = opening
    async for line in lines:
        net += line.amount
        yield StatementLine(line, account.signed(line.amount), account.signed(net))
