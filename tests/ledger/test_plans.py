"""Every read on a large ledger probes indexes and touches pages in proportion to what it gives, not to history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from support.large_ledger import HISTORY, LINES, Recorder, make, plan_of, vacuum
from wisipay import ledger
from wisipay.ledger import LineFilter, OperationName, PostedBy, ValuedBy, months
from wisipay.ledger.operations_rows import known_records
from wisipay.ledger.store import Connection

BUSY, OTHER = "ASSET:LARGE:1:CASH", "ASSET:LARGE:2:CASH"
DAY = date(2025, 11, 3)
MOMENT = datetime(2025, 11, 3, 12, 0, tzinfo=UTC)
PAGES_AT_MOST = 400
PAGES_PER_ROW = 20


async def _all(stream: AsyncIterator[object]) -> list[object]:
    return [each async for each in stream]


async def _pages(books: ledger.Reading) -> None:
    page = await ledger.account_entries(books, BUSY, limit=20)
    page = await ledger.account_entries(books, BUSY, limit=20, cursor=page.older)
    await ledger.account_entries(books, BUSY, limit=20, cursor=page.newer)
    await ledger.account_entries(books, BUSY, LineFilter(counter_account_id=OTHER, reference="UTR49990"), limit=20)


async def _statement(books: ledger.Reading) -> None:
    statement = await ledger.statement(books, BUSY, DAY, DAY)
    assert len(await _all(statement.lines)) == 144
    year = await ledger.statement_by_value_date(books, BUSY, DAY, DAY)
    assert len(await _all(year.lines)) > 100


async def _operations(books: ledger.Reading) -> None:
    connection = books.connection
    await ledger.operation(connection, "OP500")
    await ledger.operation_of_entry(connection, UUID(int=500))
    page = await ledger.operations_page(connection, limit=10)
    await ledger.operations_page(connection, limit=10, merchant_id="M5", before=page[-1].sequence)
    operation = ledger.Operation(
        "OP10", uuid4(), OperationName.TRANSFER, 1, "a", merchant_id="M15", order_id="O15", idempotency_key="key20"
    )
    assert len(await known_records(connection, [operation])) == 3


READS: list[Callable[[ledger.Reading], Awaitable[object]]] = [
    _pages,
    _statement,
    _operations,
    lambda books: ledger.account_totals(books, BUSY, DAY, date(2025, 11, 30), every="day"),
    lambda books: ledger.balances_at(books, [BUSY, OTHER], PostedBy(MOMENT)),
    lambda books: ledger.balances_at(books, [BUSY, OTHER], ValuedBy(DAY)),
    lambda books: ledger.trial_balance_at(books, ValuedBy(DAY)),
    lambda books: ledger.balance_sheet(books, PostedBy(MOMENT)),
    lambda books: ledger.income_statement(books, DAY, DAY),
    lambda books: _all(ledger.general_ledger(books, DAY, DAY)),
    lambda books: ledger.account_tree(books, BUSY),
    lambda books: ledger.entry(books.connection, UUID(int=77)),
]


@pytest.mark.parametrize("by_month", [False, True], ids=["in the default partition", "by month"])
async def test_no_read_walks_through_history(database: asyncpg.Pool[asyncpg.Record], *, by_month: bool) -> None:
    async with database.acquire() as connection:
        await vacuum(connection)
        everything = connection.transaction()
        await everything.start()
        if by_month:
            await months.create_months(connection, datetime(2025, 1, 5, tzinfo=UTC), ahead=14)
        await make(connection)
        (totals,) = await ledger.account_totals(ledger.Reading(connection), BUSY, date(2025, 1, 1), date(2026, 12, 31))
        assert (totals.debits, totals.credits, totals.closing) == (LINES, 0, LINES)
        recorder = Recorder(connection)
        for read in READS:
            await read(ledger.Reading(cast("Connection", recorder)))
        faults: list[str] = []
        for query, arguments, rows in recorder.asked:
            for generic in (False, True):
                plan = await plan_of(connection, query, arguments, generic=generic)
                walked = any(table.startswith(tuple(HISTORY)) for table in plan.scanned)
                if walked or plan.pages > PAGES_AT_MOST + PAGES_PER_ROW * rows:
                    faults.append(f"{plan} for {rows} rows, generic {generic}: {' '.join(query.split())[:160]}")
        await everything.rollback()
    assert not faults, "\n".join(faults)


async def _first(stream: AsyncIterator[object], count: int) -> None:
    async for _ in stream:
        count -= 1
        if not count:
            return


async def _beginning(books: ledger.Reading, *, valued: bool) -> None:
    found = await (ledger.statement_by_value_date if valued else ledger.statement)(books, BUSY, DAY, date(2025, 12, 20))
    await _first(found.lines, 50)


MOST_PAGES: dict[str, tuple[int, Callable[[ledger.Reading], Awaitable[object]]]] = {
    "balance at a moment": (25, lambda books: ledger.balances_at(books, [BUSY], PostedBy(MOMENT))),
    "balance by value date": (30, lambda books: ledger.balances_at(books, [BUSY], ValuedBy(DAY))),
    "first lines of a statement": (1_400, lambda books: _beginning(books, valued=False)),
    "first lines by value date": (1_400, lambda books: _beginning(books, valued=True)),
    "newest lines": (300, lambda books: ledger.account_entries(books, BUSY, limit=20)),
    "lines of an account": (150, lambda books: ledger.account_lines(books.connection, BUSY, limit=20)),
    "totals by month": (
        200,
        lambda books: ledger.account_totals(books, BUSY, date(2025, 1, 1), date(2025, 12, 12), every="month"),
    ),
    "general ledger, one account": (40, lambda books: ledger.account_totals(books, BUSY, DAY, DAY)),
    "entry by id": (25, lambda books: ledger.entry(books.connection, UUID(int=77))),
}


async def test_pages_of_a_read_do_not_grow_with_history(database: asyncpg.Pool[asyncpg.Record]) -> None:
    touched: dict[str, list[int]] = {name: [] for name in MOST_PAGES}
    async with database.acquire() as connection:
        for lines in (5_000, 50_000):
            await vacuum(connection)
            everything = connection.transaction()
            await everything.start()
            await months.create_months(connection, datetime(2025, 1, 5, tzinfo=UTC), ahead=14)
            await make(connection, lines)
            for name, (_, read) in MOST_PAGES.items():
                recorder = Recorder(connection)
                await read(ledger.Reading(cast("Connection", recorder)))
                plans = [await plan_of(connection, query, given, generic=True) for query, given, _ in recorder.asked]
                touched[name].append(sum(plan.pages for plan in plans))
            await everything.rollback()
    most = {name: pages for name, (pages, _) in MOST_PAGES.items()}
    # An index of ten times as many rows may be a level deeper; nothing else may follow the number of lines.
    grown = {name: pages for name, pages in touched.items() if pages[1] > min(most[name], 1.5 * pages[0] + 10)}
    assert not grown, grown
