"""The general ledger: what was debited and credited on each account in a period, and what stood there before and after.

Totals come from the last balance snapshot before a moment and the lines since, so a year costs no more than an hour.
By time of posting; days are days in India; amounts are minor units.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from wisipay.ledger.moments import day_end, day_start
from wisipay.ledger.reading import AccountInfo, Reading, account_named, account_pages
from wisipay.ledger.sql import QUERIES

PERIODS_MAX = 400
"""Most periods of one question: more than the days of a year."""


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """One account from the start of `first` to the end of `last`; balances are in its normal sign."""

    account: AccountInfo
    first: date
    last: date
    opening: int
    debits: int
    credits: int
    closing: int


async def general_ledger(books: Reading, first: date, last: date) -> AsyncIterator[PeriodTotals]:
    """Yield the totals of every account, in order of opening, holding a thousand at a time."""
    async for accounts in account_pages(books):
        for each in await _totals(books, accounts, [(first, last)]):
            yield each


async def account_totals(
    books: Reading, account_id: str, first: date, last: date, *, every: Literal["day", "month", "range"] = "range"
) -> list[PeriodTotals]:
    """Return the totals of one account for each day or month of the range, or for all of it.

    Raises `UnknownAccountError`, and ValueError for no period at all or more than `PERIODS_MAX`.
    """
    account = await account_named(books, account_id)
    return await _totals(books, [account], _periods(first, last, every))


def _periods(first: date, last: date, every: Literal["day", "month", "range"]) -> list[tuple[date, date]]:
    """Cut a range at the ends of days or months."""
    periods: list[tuple[date, date]] = []
    start = first
    while start <= last and len(periods) <= PERIODS_MAX:
        end = {"day": start, "month": _month_end(start), "range": last}[every]
        periods.append((start, min(end, last)))
        start = periods[-1][1] + timedelta(days=1)
    if not 0 < len(periods) <= PERIODS_MAX:
        raise ValueError(f"{first} to {last} by {every}: 1 to {PERIODS_MAX} periods can be asked for")
    return periods


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


async def _totals(
    books: Reading, accounts: Sequence[AccountInfo], periods: Sequence[tuple[date, date]]
) -> list[PeriodTotals]:
    """Return the totals of adjoining periods."""
    moments = [day_start(periods[0][0]), *(day_end(last) for _, last in periods)]
    rows = await books.connection.fetch(QUERIES["totals_at"], [account.number for account in accounts], moments)
    upto = {(row["number"], row["place"] - 1): (row["debits"], row["credits"]) for row in rows}
    totals: list[PeriodTotals] = []
    for account in accounts:
        for place, (first, last) in enumerate(periods):
            debits, credits_ = upto[account.number, place]
            debits_after, credits_after = upto[account.number, place + 1]
            totals.append(
                PeriodTotals(
                    account,
                    first,
                    last,
                    opening=account.signed(debits - credits_),
                    debits=debits_after - debits,
                    credits=credits_after - credits_,
                    closing=account.signed(debits_after - credits_after),
                )
            )
    return totals
