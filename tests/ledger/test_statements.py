"""Statements, balances and reports against a model that keeps every line in a list and adds it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.books import BANK, INCOME, WALLET, lines
from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountType, PostedBy, ValuedBy
from wisipay.ledger.moments import IST, day_of
from wisipay.ledger.store import Connection

FIRST = date(2026, 1, 1)
MIDNIGHT = datetime(2025, 12, 31, 18, 30, tzinfo=UTC)  # 2026-01-01 00:00 in India
DAYS = 6

_examples = count(1)


@dataclass(frozen=True)
class Step:
    """What happens at one moment: a movement (at once, or a hold that ends somehow), and perhaps a balance snapshot."""

    hours: int
    accounts: tuple[int, int]
    amount: int
    value_days: int | None
    ending: str | None
    snapshot: bool
    stripe: int


steps = st.lists(
    st.builds(
        Step,
        hours=st.integers(0, 20),
        accounts=st.sampled_from([(0, 1), (1, 2), (0, 2), (2, 1)]),
        amount=st.integers(1, 50),
        value_days=st.none() | st.integers(-4, 3),
        ending=st.sampled_from([None, None, None, "open", "post", "void", "reverse"]),
        snapshot=st.booleans(),
        stripe=st.integers(0, 2),
    ),
    max_size=14,
)


@dataclass(frozen=True)
class Fact:
    """A posted line as the model keeps it."""

    account_id: str
    amount: int
    posted_at: datetime
    value_day: date
    entry_id: UUID


class Model:
    """Every posted line, in order of writing."""

    def __init__(self) -> None:
        self.number = next(_examples)
        specs = (replace(BANK, stripes=3), replace(WALLET, min_balance=None), INCOME)
        self.specs = [replace(spec, entity_id=f"s{self.number}") for spec in specs]
        self.ids = [spec.id for spec in self.specs]
        self.facts: list[Fact] = []

    def of(self, account_id: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.account_id == account_id]

    def sign(self, account_id: str) -> int:
        return 1 if account_id == self.ids[0] else -1

    def add(self, command: ledger.Command, moved: Sequence[ledger.Line], at: datetime, value: date | None) -> None:
        for account_id, amount in moved:
            self.facts.append(Fact(account_id, amount, at, value or day_of(at), command.entry_id))


async def _played(connection: Connection, model: Model, history: Sequence[Step]) -> None:
    await ledger.open_accounts(connection, model.specs)
    now = MIDNIGHT
    for step in history:
        now += timedelta(hours=step.hours)
        value = None if step.value_days is None else day_of(now) + timedelta(days=step.value_days)
        debit, credit = (model.specs[place] for place in step.accounts)
        moved = lines(debit, credit, step.amount)
        pending = step.ending in {"open", "post", "void"}
        first = ledger.Transfer(uuid4(), moved, pending=pending, value_date=value)
        commands: list[ledger.Command] = [first]
        if not pending:
            model.add(first, moved, now, value)
        if step.ending == "post":
            commands.append(ledger.Post(uuid4(), first.entry_id))
            model.add(commands[-1], moved, now, None)
        elif step.ending == "void":
            commands.append(ledger.Void(uuid4(), first.entry_id))
        elif step.ending == "reverse":
            commands.append(ledger.Reverse(uuid4(), first.entry_id, value_date=value))
            model.add(commands[-1], [ledger.Line(name, -amount) for name, amount in moved], now, value)
        async with connection.transaction():
            results = await ledger.apply(connection, commands, now, stripe=step.stripe)
        assert all(isinstance(result, ledger.Accepted) for result in results)
        if step.snapshot:
            await ledger.take_snapshots(connection)


async def _collected(statement: ledger.Statement) -> list[ledger.StatementLine]:
    return [line async for line in statement.lines]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps, start=st.integers(-1, DAYS), length=st.integers(0, DAYS))
async def test_statements_and_totals_are_what_the_lines_add_up_to(
    database: asyncpg.Pool[asyncpg.Record], history: Sequence[Step], start: int, length: int
) -> None:
    model = Model()
    first = FIRST + timedelta(days=start)
    last = first + timedelta(days=length)
    async with database.acquire() as connection:
        await _played(connection, model, history)
        async with ledger.reading(connection) as books:
            for account_id in model.ids:
                await _check_by_posting(books, model, account_id, first, last)
                await _check_by_value(books, model, account_id, first, last)


async def _check_by_posting(books: ledger.Reading, model: Model, account_id: str, first: date, last: date) -> None:
    sign, facts = model.sign(account_id), model.of(account_id)
    inside = [fact for fact in facts if first <= day_of(fact.posted_at) <= last]
    opening = sign * sum(fact.amount for fact in facts if day_of(fact.posted_at) < first)
    statement = await ledger.statement(books, account_id, first, last)
    found = await _collected(statement)
    assert statement.opening == opening
    assert statement.closing == opening + sign * sum(fact.amount for fact in inside)
    assert sorted((line.line.posted_at, line.line.entry_id, sign * line.amount) for line in found) == sorted(
        (fact.posted_at, fact.entry_id, fact.amount) for fact in inside
    )
    assert [line.line.posted_at for line in found] == sorted(line.line.posted_at for line in found)
    _check_running(statement, found)
    (totals,) = await ledger.account_totals(books, account_id, first, last)
    assert (totals.opening, totals.closing) == (statement.opening, statement.closing)
    assert totals.debits == sum(fact.amount for fact in inside if fact.amount > 0)
    assert totals.credits == -sum(fact.amount for fact in inside if fact.amount < 0)
    for fact in facts:
        known = sign * sum(other.amount for other in facts if other.posted_at <= fact.posted_at)
        then = await ledger.balances_at(books, [account_id], PostedBy(fact.posted_at))
        assert then[account_id].balance == known


async def _check_by_value(books: ledger.Reading, model: Model, account_id: str, first: date, last: date) -> None:
    sign, facts = model.sign(account_id), model.of(account_id)
    inside = [fact for fact in facts if first <= fact.value_day <= last]
    statement = await ledger.statement_by_value_date(books, account_id, first, last)
    found = await _collected(statement)
    assert statement.opening == sign * sum(fact.amount for fact in facts if fact.value_day < first)
    assert sorted((line.line.value_day, line.line.entry_id, sign * line.amount) for line in found) == sorted(
        (fact.value_day, fact.entry_id, fact.amount) for fact in inside
    )
    assert [line.line.value_day for line in found] == sorted(line.line.value_day for line in found)
    assert all(line.line.back_dated == (line.line.value_day < day_of(line.line.posted_at)) for line in found)
    _check_running(statement, found)
    for day in (first, last):
        then = await ledger.balances_at(books, [account_id], ValuedBy(day))
        assert then[account_id].balance == sign * sum(fact.amount for fact in facts if fact.value_day <= day)


def _check_running(statement: ledger.Statement, found: Sequence[ledger.StatementLine]) -> None:
    balance = statement.opening
    for line in found:
        balance += line.amount
        assert line.balance == balance
    assert balance == statement.closing


CASH = AccountSpec(AccountType.ASSET, "SHOP", "1", "CASH")
STOCK = AccountSpec(AccountType.ASSET, "SHOP", "1", "STOCK")
CAPITAL = AccountSpec(AccountType.EQUITY, "SHOP", "1", "CAPITAL")
SALES = AccountSpec(AccountType.INCOME, "SHOP", "1", "SALES")
RENT = AccountSpec(AccountType.EXPENSE, "SHOP", "1", "RENT")
LOAN = AccountSpec(AccountType.LIABILITY, "SHOP", "1", "LOAN")
OUTSIDE = AccountSpec(AccountType.OFF_BALANCE, "SHOP", "1", "OUTSIDE")
SHOP = (CASH, STOCK, CAPITAL, SALES, RENT, LOAN, OUTSIDE)


async def _shop(connection: Connection) -> None:
    await ledger.open_accounts(connection, SHOP)
    year: list[tuple[int, AccountSpec, AccountSpec, int, dict[str, Any]]] = [
        (1, CASH, CAPITAL, 1_000, {}),
        (2, CASH, LOAN, 500, {}),
        (3, STOCK, CASH, 300, {}),
        (10, CASH, SALES, 700, {}),
        (20, RENT, CASH, 200, {}),
        (40, CASH, SALES, 50, {"value_date": date(2026, 1, 20)}),
        (41, OUTSIDE, CASH, 30, {}),
    ]
    for day, debit, credit, amount, content in year:
        command = ledger.Transfer(uuid4(), lines(debit, credit, amount), **content)
        async with connection.transaction():
            await ledger.apply(connection, [command], MIDNIGHT + timedelta(days=day - 1, hours=12))


def _figures(sections: tuple[ledger.Section, ...]) -> dict[str, int]:
    return {section.purpose: section.balance for section in sections}


async def test_the_reports_of_a_small_shop(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection:
        await _shop(connection)
        async with ledger.reading(connection) as books:
            january = await ledger.income_statement(books, FIRST, date(2026, 1, 31))
            valued = await ledger.income_statement(books, FIRST, date(2026, 1, 31), by_value_date=True)
            sheet = (await ledger.balance_sheet(books, PostedBy(MIDNIGHT + timedelta(days=60))))["INR"]
            early = (await ledger.balance_sheet(books, ValuedBy(date(2026, 1, 31))))["INR"]
            trial = await ledger.trial_balance_at(books, ValuedBy(date(2026, 1, 31)))
            accounts = [each async for each in ledger.general_ledger(books, FIRST, date(2026, 1, 31))]
    assert (_figures(january["INR"].income), _figures(january["INR"].expenses)) == ({"SALES": 700}, {"RENT": 200})
    assert (january["INR"].profit, valued["INR"].profit) == (500, 550)
    assert _figures(sheet.assets) == {"CASH": 1_720, "STOCK": 300}
    assert (_figures(sheet.liabilities), _figures(sheet.equity)) == ({"LOAN": 500}, {"CAPITAL": 1_000})
    assert (_figures(sheet.off_balance), sheet.retained, sheet.difference) == ({"OUTSIDE": 30}, 550, 0)
    assert (_figures(early.assets)["CASH"], early.retained, early.difference) == (1_750, 550, 0)
    assert trial.net_by_currency == {"INR": 0}
    assert {row.account_id: (row.debits, row.credits) for row in trial.rows}[SALES.id] == (0, 750)
    cash = next(each for each in accounts if each.account.id == CASH.id)
    assert (cash.opening, cash.debits, cash.credits, cash.closing) == (0, 2_200, 500, 1_700)


async def test_totals_by_day_and_month_are_those_of_the_range(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection:
        await _shop(connection)
        assert await ledger.take_snapshots(connection, lines_min=2) == 2  # cash and sales
        assert await ledger.take_snapshots(connection, lines_min=2) == 0
        async with ledger.reading(connection) as books:
            days = await ledger.account_totals(books, CASH.id, FIRST, date(2026, 2, 10), every="day")
            months = await ledger.account_totals(books, CASH.id, date(2026, 1, 15), date(2026, 2, 10), every="month")
            for first, last in ((FIRST, date(2025, 12, 31)), (FIRST, date(2028, 1, 1))):
                with pytest.raises(ValueError, match="periods can be asked for"):
                    await ledger.account_totals(books, CASH.id, first, last, every="day")
    assert len(days) == 41
    assert all(before.closing == after.opening for before, after in pairwise(days))
    assert days[9].debits == 700
    assert [(each.first, each.last, each.debits, each.credits) for each in months] == [
        (date(2026, 1, 15), date(2026, 1, 31), 0, 200),
        (date(2026, 2, 1), date(2026, 2, 10), 50, 30),
    ]


async def test_an_account_that_was_never_opened_is_named(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection, ledger.reading(connection) as books:
        assert await ledger.balances_at(books, ["ASSET:NO:SUCH:ACCOUNT"], PostedBy(MIDNIGHT)) == {}
        for asked in (
            ledger.statement(books, "X", FIRST, FIRST),
            ledger.account_entries(books, "X"),
            ledger.account_tree(books, "X"),
        ):
            with pytest.raises(ledger.UnknownAccountError, match="X"):
                await asked


async def test_a_reading_sees_one_state_and_writes_nothing(database: asyncpg.Pool[asyncpg.Record]) -> None:
    async with database.acquire() as connection, database.acquire() as writer:
        await _shop(writer)
        async with ledger.reading(connection) as books:
            before = await ledger.trial_balance_at(books, PostedBy(datetime.now(IST)))
            async with writer.transaction():
                await ledger.apply(writer, [ledger.Transfer(uuid4(), lines(CASH, SALES, 1))], MIDNIGHT)
            assert await ledger.trial_balance_at(books, PostedBy(datetime.now(IST))) == before
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with ledger.reading(connection):
                await ledger.take_snapshots(connection)


@pytest.mark.parametrize("table", ["ledger_snapshots", "ledger_value_dated_lines"])
async def test_what_reads_rest_on_is_never_changed(database: asyncpg.Pool[asyncpg.Record], table: str) -> None:
    async with database.acquire() as connection:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):  # noqa: S608 - a name from above
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)


async def test_a_header_account_stands_for_all_below_it(database: asyncpg.Pool[asyncpg.Record]) -> None:
    root = AccountSpec(AccountType.ASSET, "BANK", "all", "CASH")
    child = AccountSpec(AccountType.ASSET, "BANK", "axis", "CASH", parent_id=root.id)
    leaf = AccountSpec(AccountType.ASSET, "BANK", "axis", "TILL", stripes=2, parent_id=child.id)
    dollars = AccountSpec(AccountType.ASSET, "BANK", "usd", "CASH", currency="USD", parent_id=root.id)
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [root, child, leaf, dollars, CAPITAL])
        commands = [
            ledger.Transfer(uuid4(), lines(account, CAPITAL, amount))
            for account, amount in ((root, 1), (child, 20), (leaf, 300))
        ]
        held = ledger.Transfer(uuid4(), lines(leaf, CAPITAL, 4_000), pending=True)
        async with connection.transaction():
            await ledger.apply(connection, [*commands, held], MIDNIGHT, stripe=1)
        async with ledger.reading(connection) as books:
            tree = {branch.own.id: branch for branch in await ledger.account_tree(books, root.id)}
    assert next(iter(tree)) == root.id
    assert tree[leaf.id].path == (root.id, child.id, leaf.id)
    assert [tree[spec.id].own.balance for spec in (root, child, leaf, dollars)] == [1, 20, 300, 0]
    assert [tree[spec.id].rolled_up.balance for spec in (root, child, leaf)] == [321, 320, 300]
    assert tree[root.id].rolled_up.pending_balance == 4_321
