"""Books with something of everything in them, sealed; and a hand that changes rows which nobody may change."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from support.books import BANK, INCOME, NOW, SPECS, WALLET, hold, transfer
from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountType
from wisipay.ledger.store import Connection

HEADER = AccountSpec(AccountType.ASSET, "TEST", "HEADER", "CASH")
STRIPED = AccountSpec(AccountType.ASSET, "TEST", "STRIPED", "CASH", stripes=2, parent_id=HEADER.id)

ENTRIES = tuple(UUID(f"01940000-0000-7000-8000-{number:012}") for number in range(1, 13))
"""Ids of the entries of `fill`, in order."""

TRANSFER, HOLD, POST, KEYED, BACK_DATED, REVERSED, REVERSAL, FREE, VOIDED, VOID, LATER, LAST = ENTRIES
OPERATION = "OP-1"


async def fill(connection: Connection) -> None:
    """Open accounts, write an entry of every kind, an operation, a line by value date, a change of controls."""
    await ledger.open_accounts(connection, [*SPECS, HEADER, STRIPED])
    await _apply(connection, [transfer(BANK, WALLET, 1_000, entry_id=TRANSFER, narration='sale é\n"1"')])
    held = hold(WALLET, BANK, 300, entry_id=HOLD, timeout_at=NOW + timedelta(hours=1))
    await _apply(connection, [held, ledger.Post(POST, HOLD)])
    await _apply(
        connection,
        [
            transfer(BANK, WALLET, 20, entry_id=KEYED, idempotency_key="key", metadata={"b": 1.50, "a": [1, None]}),
            transfer(BANK, INCOME, 7, entry_id=BACK_DATED, value_date=date(2026, 1, 2)),
            transfer(BANK, STRIPED, 5, entry_id=REVERSED, external_reference="bank/1", correlation_id="T1"),
            ledger.Reverse(REVERSAL, REVERSED, narration="wrong"),
        ],
    )
    asked = ledger.Operation(
        id=OPERATION,
        entry_id=FREE,
        name=ledger.OperationName.TRANSFER,
        amount=11,
        actor="admin:1",
        reason="test",
        debit_account_id=BANK.id,
        credit_account_id=INCOME.id,
    )
    async with connection.transaction():
        (recorded,) = await ledger.record_operations(connection, [asked], NOW)
    assert isinstance(recorded, ledger.Recorded), recorded
    await ledger.set_account_status(connection, HEADER.id, ledger.AccountStatus.FROZEN)
    await ledger.set_account_floor(connection, INCOME.id, -1_000_000)
    await _apply(connection, [hold(WALLET, BANK, 30, entry_id=VOIDED), ledger.Void(VOID, VOIDED)])
    await _apply(connection, [transfer(BANK, WALLET, 40, entry_id=LATER), transfer(BANK, WALLET, 50, entry_id=LAST)])


async def tamper(connection: Connection, statement: str, *arguments: object) -> None:
    """Change rows as somebody with every right on the database can: triggers off."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement, *arguments)


async def _apply(connection: Connection, commands: list[ledger.Command]) -> None:
    async with connection.transaction():
        results = await ledger.apply(connection, commands, NOW)
    assert all(isinstance(result, ledger.Accepted) for result in results), results
