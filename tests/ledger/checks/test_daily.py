"""Days are closed once they are over, by Indian midnights, and say what a naive recomputation says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.books import accepted
from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountType, Line, checks, daily
from wisipay.ledger.daily import DailyBalance
from wisipay.ledger.moments import day_of
from wisipay.ledger.store import Connection

CASH = AccountSpec(AccountType.ASSET, "DAYS", "1", "CASH", stripes=2)
SALES = AccountSpec(AccountType.INCOME, "DAYS", "1", "SALES")
NEW_YEAR = datetime(2025, 12, 31, 18, 30, tzinfo=UTC)
"""The first moment of 2026 in India."""
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
YEARS = (date(2025, 1, 1), date(2039, 12, 31))

_ids = count(1)
_examples = count(1)


def move(amount: int, value_date: date | None = None, cash: AccountSpec = CASH) -> ledger.Transfer:
    lines = (Line(cash.id, amount), Line(SALES.id, -amount))
    return ledger.Transfer(UUID(int=next(_ids)), lines, value_date=value_date)


async def post(connection: Connection, now: datetime, *commands: ledger.Command, stripe: int = 0) -> None:
    async with connection.transaction():
        for result in await ledger.apply(connection, commands, now, stripe=stripe):
            accepted(result)


async def days_of(
    connection: Connection, account: AccountSpec = CASH, *, by_value_date: bool = False
) -> list[DailyBalance]:
    async with ledger.reading(connection) as books:
        return await daily.daily_balances(books, account.id, *YEARS, by_value_date=by_value_date)


async def test_midnight_in_india_parts_days_months_and_years(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [CASH, SALES])
        await post(connection, NEW_YEAR - SECOND, move(10))
        await post(connection, NEW_YEAR, move(5), move(-2), stripe=1)
        assert await daily.close_days(connection, NEW_YEAR) == {}  # what was written at midnight may not be committed
        assert await daily.close_days(connection, NEW_YEAR + daily.SETTLED) == {date(2025, 12, 31): 2}
        assert await daily.close_days(connection, NEW_YEAR + 3 * DAY + daily.SETTLED) == {
            date(2026, 1, 1): 2,
            date(2026, 1, 2): 0,
            date(2026, 1, 3): 0,
        }
        assert await days_of(connection) == [
            DailyBalance(date(2025, 12, 31), 0, 10, 0, 10, 1, 0),
            DailyBalance(date(2026, 1, 1), 10, 5, 2, 13, 1, 1),
        ]
        assert [day.closing for day in await days_of(connection, SALES)] == [-10, -13]


async def test_a_ledger_without_lines_has_no_days(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [CASH, SALES])
        assert await daily.close_days(connection, NEW_YEAR) == {}
        assert await days_of(connection, by_value_date=True) == []
        assert await daily.correct_days(connection, CASH.id, date(2026, 1, 1), "me", "none", NEW_YEAR) == []


async def test_back_dated_lines_move_days_by_value_date_alone(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [CASH, SALES])
        await post(connection, NEW_YEAR - DAY, move(10))
        await daily.close_days(connection, NEW_YEAR + daily.SETTLED)
        before = await days_of(connection)
        await post(connection, NEW_YEAR + DAY, move(7, date(2025, 12, 31)), move(-1, date(2024, 5, 5)))
        await daily.close_days(connection, NEW_YEAR + 3 * DAY)
        after = await days_of(connection)
        assert after[: len(before)] == before
        assert after[-1] == DailyBalance(date(2026, 1, 2), 10, 7, 1, 16, 1, 1)
        assert await days_of(connection, by_value_date=True) == [
            DailyBalance(date(2025, 12, 31), -1, 17, 0, 16, 2, 0),
        ]


@pytest.mark.tampers
async def test_a_late_line_is_found_and_corrected_by_a_person_alone(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [CASH, SALES])
        await post(connection, NEW_YEAR, move(10))
        await post(connection, NEW_YEAR + DAY, move(20))
        closing_time = NEW_YEAR + 5 * DAY
        await daily.close_days(connection, closing_time)
        await post(connection, NEW_YEAR + 2 * DAY, move(1))  # by a clock that is days behind
        outcome = await checks.check_days(connection, closing_time)
        assert {each.subject_id for each in outcome.unacknowledged} == {"2026-01-03"}
        await daily.close_days(connection, closing_time + DAY)
        assert [day.closing for day in await days_of(connection)] == [10, 30]
        first = date(2026, 1, 1)
        async with connection.transaction():
            corrections = await daily.correct_days(connection, CASH.id, first, "me", "a clock", closing_time)
            await daily.correct_days(connection, SALES.id, first, "me", "a clock", closing_time)
        assert corrections == [
            daily.Correction(date(2026, 1, 3), None, DailyBalance(date(2026, 1, 3), 30, 1, 0, 31, 1, 0))
        ]
        assert [day.closing for day in await days_of(connection)] == [10, 30, 31]
        assert (await checks.check_days(connection, closing_time + DAY)).found == 0
        async with ledger.reading(connection) as books:
            assert [each async for each in checks.run_checks(books)] == []


@pytest.mark.tampers
async def test_a_wrong_day_keeps_what_was_written_beside_its_correction(
    database: asyncpg.Pool[asyncpg.Record],
) -> None:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [CASH, SALES])
        await post(connection, NEW_YEAR, move(10))
        await daily.close_days(connection, NEW_YEAR + 5 * DAY)
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                """
                INSERT INTO ledger_daily_balances
                SELECT account_number, day + 1, 0, closing, 4, 0, closing + 4, 1, 0, now() FROM ledger_daily_balances
                """
            )
        assert (await checks.check_days(connection, NEW_YEAR)).found == 2
        for account in (CASH, SALES):
            (corrected,) = await daily.correct_days(connection, account.id, YEARS[0], "me", "planted", NEW_YEAR)
            assert corrected.before is not None
            assert (corrected.before.debits, corrected.after.debits) == (4, 0)
        assert (await checks.check_days(connection, NEW_YEAR)).found == 0
        assert [day.day for day in await days_of(connection)] == [date(2026, 1, 1)]
        assert await connection.fetchval("SELECT count(*) FROM ledger_daily_balances WHERE day = '2026-01-02'") == 4
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("UPDATE ledger_daily_balances SET debits = 0")


async def test_two_processes_close_a_day_once(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection, database.acquire() as other:
        await ledger.open_accounts(connection, [CASH, SALES])
        await post(connection, NEW_YEAR, move(10))
        done = await asyncio.gather(
            *(daily.close_days(each, NEW_YEAR + 2 * DAY) for each in (connection, other)), return_exceptions=True
        )
        assert {date(2026, 1, 1): 2} in done
        assert [each for each in done if each and not isinstance(each, dict | asyncpg.UniqueViolationError)] == []


Move = tuple[int, int, int | None, int]
_moves = st.tuples(
    st.integers(0, 4 * 24 * 60),  # minutes since the first
    st.integers(1, 99) | st.integers(-99, -1),
    st.none() | st.integers(0, 5),  # days back
    st.integers(0, 1),  # stripe
)


def naive(moves: Sequence[tuple[date, int]]) -> list[DailyBalance]:
    """Add the moves up day by day."""
    days: list[DailyBalance] = []
    balance = 0
    for day in sorted({day for day, _ in moves}):
        amounts = [amount for on, amount in moves if on == day]
        debits, credits_ = sum(x for x in amounts if x > 0), -sum(x for x in amounts if x < 0)
        sides = Counter(amount > 0 for amount in amounts)
        days.append(
            DailyBalance(day, balance, debits, credits_, balance + debits - credits_, sides[True], sides[False])
        )
        balance += debits - credits_
    return days


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(_moves, min_size=1, max_size=12))
async def test_days_are_what_a_naive_recomputation_says(
    database: asyncpg.Pool[asyncpg.Record], moves: Sequence[Move]
) -> None:
    example = next(_examples)
    cash = replace(CASH, entity_id=f"random {example}")
    start = NEW_YEAR - 2 * DAY + example * 30 * DAY  # examples share a database, and a closed day stays closed
    posted: list[tuple[date, int]] = []
    valued: list[tuple[date, int]] = []
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [cash, SALES])
        for minutes, amount, back, stripe in sorted(moves, key=lambda each: each[0]):
            now = start + timedelta(minutes=minutes)
            value_date = None if back is None else day_of(now) - timedelta(days=back)
            await post(connection, now, move(amount, value_date, cash), stripe=stripe)
            posted.append((day_of(now), amount))
            valued.append((value_date or day_of(now), amount))
        await daily.close_days(connection, start + 9 * DAY)
        assert await days_of(connection, cash) == naive(posted)
        assert await days_of(connection, cash, by_value_date=True) == naive(valued)
        assert (await checks.check_days(connection, start)).found == 0
