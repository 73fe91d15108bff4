"""What can be read back: balances, trial balance, pages of lines."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from support.books import BANK, INCOME, NOW, SPECS, WALLET, hold, transfer
from wisipay import ledger
from wisipay.ledger.store import Connection


@pytest.fixture
async def connection(database: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, SPECS)
        for minute in range(5):
            commands = [transfer(BANK, WALLET, 10, narration=f"payin {minute}"), hold(WALLET, INCOME, 1)]
            async with connection.transaction():
                await ledger.apply(connection, commands, NOW + timedelta(minutes=minute))
        yield connection


async def test_balances_name_only_accounts_that_exist(connection: Connection) -> None:
    found = await ledger.balances(connection, [WALLET.id, "ASSET:NO:SUCH:ACCOUNT"])
    assert list(found) == [WALLET.id]
    wallet = found[WALLET.id]
    assert (wallet.balance, wallet.available, wallet.pending_balance, wallet.min_balance) == (50, 45, 45, 0)


async def test_the_trial_balance_has_every_account_and_nets_to_zero(connection: Connection) -> None:
    trial = await ledger.trial_balance(connection)
    assert [row.account_id for row in trial.rows] == sorted(spec.id for spec in SPECS)
    assert trial.net_by_currency == {"INR": 0, "USD": 0}
    assert {row.account_id: (row.debits, row.credits) for row in trial.rows}[BANK.id] == (50, 0)


async def test_lines_of_an_account_come_in_pages_newest_first(connection: Connection) -> None:
    seen: list[ledger.AccountLine] = []
    cursor = None
    for _ in range(4):
        page = await ledger.account_lines(connection, WALLET.id, limit=3, before=cursor)
        seen += page
        cursor = page[-1].cursor
    assert [line.account_line for line in seen] == list(range(10, 0, -1))
    assert [line.balance_after for line in seen[::2]] == [-50, -40, -30, -20, -10]
    assert [line.pending for line in seen[:2]] == [True, False]
    assert (seen[1].narration, seen[1].kind, seen[1].amount) == ("payin 4", ledger.EntryKind.TRANSFER, -10)
    assert await ledger.account_lines(connection, WALLET.id, before=cursor) == []


async def test_an_entry_that_does_not_exist_is_none(connection: Connection) -> None:
    assert await ledger.entry(connection, uuid4()) is None
