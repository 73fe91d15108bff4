"""Accounts have a history: opened with all that they are, then each change of status and floor, in one order."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from support.books import BANK, NOW, SPECS, WALLET, accepted, rejection, transfer
from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountStatus, AccountType, Rejection
from wisipay.ledger.store import Connection

HEADER = AccountSpec(AccountType.ASSET, "TEST", "HEADER", "CASH")
STRIPED = AccountSpec(AccountType.ASSET, "TEST", "STRIPED", "CASH", stripes=3, parent_id=HEADER.id)


@pytest.fixture
async def connection(database: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [*SPECS, HEADER, STRIPED])
        yield connection


async def test_opening_tells_all_that_an_account_is(connection: Connection) -> None:
    (opened,) = await _events(connection, STRIPED.id)
    numbers = await connection.fetchval(
        """
        SELECT array_agg(balances.number ORDER BY stripe) FROM ledger_balances AS balances
        INNER JOIN ledger_accounts AS accounts ON accounts.number = account_number WHERE id = $1
        """,
        STRIPED.id,
    )
    account = await connection.fetchrow("SELECT * FROM ledger_accounts WHERE id = $1", STRIPED.id)
    assert account is not None
    assert opened["balance_numbers"] == numbers
    assert len(numbers) == 3
    assert (opened["account_number"], opened["happened_at"]) == (account["number"], account["opened_at"])
    told = [opened[name] for name in ("kind", "currency", "stripes", "parent_id", "status", "min_balance")]
    assert told == ["OPENED", "INR", 3, HEADER.id, "ACTIVE", None]


async def test_opening_again_tells_nothing(connection: Connection) -> None:
    await ledger.open_accounts(connection, [WALLET])
    assert len(await _events(connection, WALLET.id)) == 1


async def test_changes_are_told_with_what_was_before(connection: Connection) -> None:
    await ledger.set_account_status(connection, WALLET.id, AccountStatus.FROZEN)
    await ledger.set_account_status(connection, WALLET.id, AccountStatus.FROZEN)
    await ledger.set_account_floor(connection, WALLET.id, -100)
    await ledger.set_account_floor(connection, WALLET.id, -100)
    await ledger.set_account_floor(connection, WALLET.id, None)
    names = ("kind", "status_before", "status", "min_balance_before", "min_balance")
    told = [tuple(event[name] for name in names) for event in await _events(connection, WALLET.id)]
    assert told[1:] == [
        ("STATUS_CHANGED", "ACTIVE", "FROZEN", WALLET.min_balance, WALLET.min_balance),
        ("FLOOR_CHANGED", "FROZEN", "FROZEN", WALLET.min_balance, -100),
        ("FLOOR_CHANGED", "FROZEN", "FROZEN", -100, None),
    ]


async def test_all_stripes_change_and_one_event_tells_it(connection: Connection) -> None:
    await ledger.set_account_status(connection, STRIPED.id, AccountStatus.LOCKED_INFLOW)
    assert [event["kind"] for event in await _events(connection, STRIPED.id)] == ["OPENED", "STATUS_CHANGED"]
    statuses = await connection.fetch("SELECT status FROM ledger_balances WHERE status <> 'ACTIVE'")
    assert [row["status"] for row in statuses] == ["LOCKED_INFLOW"] * 3


async def test_a_new_floor_holds_for_the_next_entry(connection: Connection) -> None:
    async with connection.transaction():
        (result,) = await ledger.apply(connection, [transfer(WALLET, BANK, 10)], NOW)
    assert rejection(result) is Rejection.INSUFFICIENT_FUNDS
    await ledger.set_account_floor(connection, WALLET.id, -10)
    async with connection.transaction():
        (result,) = await ledger.apply(connection, [transfer(WALLET, BANK, 10)], NOW)
    accepted(result)


async def test_an_account_with_stripes_can_have_no_floor(connection: Connection) -> None:
    with pytest.raises(ValueError, match="3 stripes with floor 0"):
        await ledger.set_account_floor(connection, STRIPED.id, 0)


async def test_an_account_that_was_never_opened_has_no_controls(connection: Connection) -> None:
    with pytest.raises(ledger.UnknownAccountError):
        await ledger.set_account_floor(connection, "ASSET:NO:SUCH:ACCOUNT", 0)


async def test_events_and_entries_are_numbered_in_one_order(connection: Connection) -> None:
    command = transfer(BANK, WALLET, 10, entry_id=uuid4())
    async with connection.transaction():
        await ledger.apply(connection, [command], NOW)
    await ledger.set_account_status(connection, WALLET.id, AccountStatus.FROZEN)
    entry = await connection.fetchval("SELECT sequence FROM ledger_entries")
    opened, frozen = (event["sequence"] for event in await _events(connection, WALLET.id))
    assert opened < entry < frozen


async def _events(connection: Connection, account_id: str) -> list[Any]:
    return await connection.fetch(
        "SELECT * FROM ledger_account_events WHERE account_id = $1 ORDER BY sequence", account_id
    )
