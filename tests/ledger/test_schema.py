"""What the database itself refuses, whoever asks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from support.books import BANK, NOW, SPECS, WALLET, hold, transfer
from wisipay import ledger
from wisipay.ledger.store import Connection


@pytest.fixture
async def connection(database: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, SPECS)
        held = hold(WALLET, BANK, 5)
        async with connection.transaction():
            commands: list[ledger.Command] = [
                transfer(BANK, WALLET, 10, idempotency_key="k"),
                held,
                ledger.Void(uuid4(), held.entry_id),
            ]
            await ledger.apply(connection, commands, NOW)
        yield connection


@pytest.mark.parametrize(
    "table", ["ledger_accounts", "ledger_entries", "ledger_lines", "ledger_resolutions", "ledger_keys"]
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_history_is_never_changed(connection: Connection, table: str, statement: str) -> None:
    column = await connection.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1", table
    )
    column = "entity" if table == "ledger_accounts" else column
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed, only added to"):
        await connection.execute(statement.format(table, column, column))


@pytest.mark.parametrize("statement", ["DELETE FROM ledger_balances", "TRUNCATE ledger_balances"])
async def test_counters_are_never_removed(connection: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement)


@pytest.mark.parametrize("amounts", [[5], [5, -4]])
async def test_lines_that_do_not_balance_are_refused(connection: Connection, amounts: list[int]) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="debits and credits differ"):
        await connection.execute(
            """
            INSERT INTO ledger_lines (
                amount, balance_after, account_line, posted_at, entry_id, balance_number, number, pending
            )
            SELECT amount, 0, number, $3, $1, 1, number, FALSE
            FROM unnest($2::bigint []) WITH ORDINALITY AS given (amount, number)
            """,
            *(uuid4(), amounts, datetime.now(UTC)),
        )


async def test_a_hold_is_resolved_once_even_if_the_machine_forgot(connection: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(
            "INSERT INTO ledger_resolutions SELECT target_id, gen_random_uuid(), 'VOID' FROM ledger_resolutions"
        )


async def test_a_hold_cannot_be_given_back_twice(connection: Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE ledger_balances SET debits_pending = -1 WHERE min_balance IS NOT NULL")
