"""A short history of a ledger in which everything happens once: what the checks of the books are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountType, Line, Operation, OperationName, daily
from wisipay.ledger.store import Connection

START = datetime(2026, 1, 29, 9, 0, tzinfo=UTC)
"""Three days before the end of a month, in the afternoon in India."""

HEADER = AccountSpec(AccountType.ASSET, "TEST", "ALL", "CASH")
CASH = AccountSpec(AccountType.ASSET, "TEST", "1", "CASH", stripes=2, parent_id=HEADER.id)
WALLET = AccountSpec(AccountType.LIABILITY, "TEST", "1", "WALLET", min_balance=0)
SALES = AccountSpec(AccountType.INCOME, "TEST", "1", "SALES")
DOLLARS = AccountSpec(AccountType.ASSET, "TEST", "2", "CASH", currency="USD")
DOLLAR_SALES = AccountSpec(AccountType.INCOME, "TEST", "2", "SALES", currency="USD")
SPECS = (HEADER, CASH, WALLET, SALES, DOLLARS, DOLLAR_SALES)

TOP_UP, HELD, POSTED, POST, VOIDED, VOID, EXPIRED, EXPIRE, BOUGHT, REVERSAL, DATED, BELOW, DOLLAR, OPERATED = (
    UUID(f"0197{number:04x}-0000-7000-8000-000000000000") for number in range(1, 15)
)
OPERATION = "OP-1"


def moved(debit: AccountSpec, credit: AccountSpec, amount: int) -> tuple[Line, Line]:
    """Return two lines that move `amount`."""
    return Line(debit.id, amount), Line(credit.id, -amount)


def steps() -> list[tuple[timedelta, int, Sequence[ledger.Command]]]:
    """Return the history: how long after its start, on which stripe, which commands; all of them are accepted."""
    bought = moved(WALLET, SALES, 100)
    hold = ledger.Transfer(HELD, bought, pending=True)
    timed = replace(hold, entry_id=EXPIRED, timeout_at=START + timedelta(hours=2))
    return [
        (timedelta(0), 0, [ledger.Transfer(TOP_UP, moved(CASH, WALLET, 1_000), idempotency_key="key 1")]),
        (
            timedelta(hours=1),
            0,
            [hold, replace(hold, entry_id=POSTED), replace(hold, entry_id=VOIDED), timed],
        ),
        (timedelta(hours=3), 0, [ledger.Post(POST, POSTED, moved(WALLET, SALES, 60)), ledger.Void(VOID, VOIDED)]),
        (timedelta(days=1), 1, [ledger.Expire(EXPIRE, EXPIRED), ledger.Transfer(BOUGHT, moved(CASH, SALES, 40))]),
        (timedelta(days=2), 1, [ledger.Reverse(REVERSAL, BOUGHT, narration="returned")]),
        (
            timedelta(days=3),
            0,
            [
                ledger.Transfer(DATED, moved(CASH, WALLET, 5), value_date=date(2026, 1, 30)),
                ledger.Transfer(BELOW, moved(WALLET, CASH, 2_000), allow_below_floor=True),
                ledger.Transfer(DOLLAR, moved(DOLLARS, DOLLAR_SALES, 7), currency="USD"),
            ],
        ),
    ]


async def write_history(connection: Connection) -> None:
    """Write the history with snapshots after each step and an operation at its end, and close its days."""
    await ledger.open_accounts(connection, SPECS)
    for after, stripe, commands in steps():
        async with connection.transaction():
            results = await ledger.apply(connection, commands, START + after, stripe=stripe)
        assert all(isinstance(result, ledger.Accepted) for result in results), results
        await ledger.take_snapshots(connection)
    operation = Operation(
        OPERATION, OPERATED, OperationName.TRANSFER, 11, "somebody",
        debit_account_id=CASH.id, credit_account_id=SALES.id, idempotency_key="key 2",
    )  # fmt: skip
    async with connection.transaction():
        (recorded,) = await ledger.record_operations(connection, [operation], START + timedelta(days=3))
    assert isinstance(recorded, ledger.Recorded), recorded
    await daily.close_days(connection, START + timedelta(days=5))
