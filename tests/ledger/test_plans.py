"""Every read on a large ledger probes indexes and touches pages in proportion to what it gives, not to history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from inspect import isfunction, signature
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from support.large_ledger import HISTORY, LINES, Recorder, make, plan_of, vacuum
from wisipay import ledger
from wisipay.ledger import LineFilter, OperationName, PostedBy, ValuedBy, checks, daily, months, seals
from wisipay.ledger.operations_rows import known_records
from wisipay.ledger.store import Connection

BUSY, OTHER = "ASSET:LARGE:1:CASH", "ASSET:LARGE:2:CASH"
DAY = date(2025, 11, 3)
MOMENT = datetime(2025, 11, 3, 12, 0, tzinfo=UTC)
PAGES_AT_MOST = 400
PAGES_PER_ROW = 20


async def _all(stream: AsyncIterator[object]) -> list[object]:
    return [each async for each in stream]


async def _first(stream: AsyncIterator[object], count: int) -> None:
    async for _ in stream:
        count -= 1
        if not count:
            return


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


async def _load(books: ledger.Reading) -> None:
    command = ledger.Transfer(UUID(int=77), (ledger.Line(BUSY, 1), ledger.Line(OTHER, -1)), idempotency_key="key20")
    await ledger.load(books.connection, ledger.wanted_by([command, ledger.Void(uuid4(), UUID(int=80))]))


async def _streams(books: ledger.Reading) -> None:
    await _first(ledger.stream_lines(books, BUSY, LineFilter(since=MOMENT)), 300)
    await _first(checks.findings(books.connection, also_gone=True), 10)


Read = Callable[[ledger.Reading], Awaitable[object]]

READS: dict[str, Read] = {
    "account_entries": _pages,
    "statement statement_by_value_date": _statement,
    "operation operation_of_entry operations_page": _operations,
    "load": _load,
    "stream_lines findings": _streams,
    "account_totals": lambda books: ledger.account_totals(books, BUSY, DAY, date(2025, 11, 30), every="day"),
    "balances_at": lambda books: ledger.balances_at(books, [BUSY, OTHER], PostedBy(MOMENT)),
    "balances_at by value date": lambda books: ledger.balances_at(books, [BUSY, OTHER], ValuedBy(DAY)),
    "all_balances_at trial_balance_at": lambda books: ledger.trial_balance_at(books, ValuedBy(DAY)),
    "balance_sheet": lambda books: ledger.balance_sheet(books, PostedBy(MOMENT)),
    "income_statement": lambda books: ledger.income_statement(books, DAY, DAY),
    "general_ledger": lambda books: _all(ledger.general_ledger(books, DAY, DAY)),
    "account_tree": lambda books: ledger.account_tree(books, BUSY),
    "entry": lambda books: ledger.entry(books.connection, UUID(int=77)),
    "account_lines": lambda books: ledger.account_lines(books.connection, BUSY, limit=20),
    "balances": lambda books: ledger.balances(books.connection, [BUSY, OTHER]),
    "trial_balance": lambda books: ledger.trial_balance(books.connection),
    "daily_balances": lambda books: daily.daily_balances(books, BUSY, DAY, date(2025, 11, 30), by_value_date=True),
    "runs open_findings ledger_state": lambda books: checks.ledger_state(books.connection),
    "chain_tail": lambda books: seals.chain_tail(books.connection),
    "archives": lambda books: months.archives(books.connection),
}
"""Every read by the names of the functions that it calls."""

WRITES = {
    *("apply", "apply_linked", "write", "record_operations", "record_linked_operations", "take_snapshots", "reading"),
    *("open_accounts", "set_account_floor", "set_account_status", "acknowledge", "keep", "note_run", "seal"),
    *("close_days", "correct_days", "archive_month", "create_months", "drop_detached", "restore", "partitions"),
}
"""What changes something or, of `reading` and `partitions`, looks at no row of the ledger."""

WHOLE = {
    *("check_days", "check_everything", "check_new", "run_checks", "all_records", "verify_archive", "in_default"),
    *("journal", "verify_chain"),
}
"""What looks at the whole history on purpose, a piece at a time."""


def test_every_read_of_the_library_is_looked_at_here() -> None:
    public = {
        name
        for face in (ledger, checks, daily, months, seals)
        for name, function in vars(face).items()
        if isfunction(function)
        and name in getattr(face, "__all__", [name])
        and (function.__module__ == face.__name__ or face is not daily)
        and not name.startswith("_")
        and next(iter(signature(function).parameters), None) in {"books", "connection"}
    }
    looked_at = {name for names in READS for name in names.split(" by ", maxsplit=1)[0].split()}
    assert public - WRITES - WHOLE == looked_at


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
        for read in READS.values():
            await read(ledger.Reading(cast("Connection", recorder)))
        faults: list[str] = []
        for query, arguments, rows in recorder.asked:
            for generic in (False, True):
                plan = await plan_of(connection, query, arguments, generic=generic)
                walked = any(table.startswith(tuple(HISTORY)) for table in plan.scanned)
                if walked or plan.pages > PAGES_AT_MOST + PAGES_PER_ROW * rows:
                    faults.append(f"{plan} for {rows} rows, generic {generic}: {' '.join(query.split())[:160]}")
        streaming = Recorder(connection)
        books = ledger.Reading(cast("Connection", streaming))
        november = LineFilter(since=datetime(2025, 11, 1, tzinfo=UTC))
        assert len(await _all(ledger.stream_lines(books, BUSY, november))) > 5_000
        assert max(rows for _, _, rows in streaming.asked) <= 1_000  # so much is held, whatever is streamed
        await everything.rollback()
    assert not faults, "\n".join(faults)


async def test_an_account_at_rest_costs_the_same_after_years(database: asyncpg.Pool[asyncpg.Record]) -> None:
    cash, sales = (ledger.AccountSpec(ledger.AccountType.ASSET, "REST", n, "CASH") for n in "12")
    pages: list[int] = []
    async with database.acquire() as connection:
        everything = connection.transaction()
        await everything.start()
        await months.create_months(connection, datetime(2025, 1, 5, tzinfo=UTC), ahead=23)
        await ledger.open_accounts(connection, [cash, sales])
        moved = ledger.Transfer(uuid4(), (ledger.Line(cash.id, 7), ledger.Line(sales.id, -7)))
        await ledger.apply(connection, [moved], datetime(2025, 1, 10, tzinfo=UTC))
        await ledger.take_snapshots(connection)
        for year in (2025, 2026):
            recorder = Recorder(connection)
            books, day = ledger.Reading(cast("Connection", recorder)), date(year, 12, 20)
            assert (await ledger.balances_at(books, [cash.id], ValuedBy(day)))[cash.id].balance == 7
            totals = await ledger.account_totals(books, cash.id, day, day)
            assert [(each.opening, each.debits, each.closing) for each in totals] == [(7, 0, 7)]
            plans = [await plan_of(connection, query, given, generic=True) for query, given, _ in recorder.asked]
            pages.append(sum(plan.pages for plan in plans))
        await everything.rollback()
    assert max(pages) < 30, pages


async def _beginning(books: ledger.Reading, *, valued: bool) -> None:
    found = await (ledger.statement_by_value_date if valued else ledger.statement)(books, BUSY, DAY, date(2025, 12, 20))
    await _first(found.lines, 50)


MOST_PAGES: dict[str, tuple[int, Read]] = {
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
    "trial balance at a moment": (9_500, lambda books: ledger.trial_balance_at(books, PostedBy(MOMENT))),
    "balance sheet by value date": (12_500, lambda books: ledger.balance_sheet(books, ValuedBy(DAY))),
    "general ledger": (22_000, lambda books: _all(ledger.general_ledger(books, DAY, DAY))),
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
