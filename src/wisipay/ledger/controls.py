"""Accounts are opened, and what they take is changed; each change is told in the account's history, which is sealed.

Everything happens inside the caller's transaction. Never touches a counter.
"""

from collections.abc import Sequence

import asyncpg

from wisipay.ledger.account import AccountSpec, AccountStatus
from wisipay.ledger.errors import AccountDiffersError, UnknownAccountError
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection


async def open_accounts(connection: Connection, specs: Sequence[AccountSpec]) -> None:
    """Open the accounts that are not open yet. Parents come before their children.

    Raises `AccountDiffersError` when an account is open with another currency, number of stripes or parent; status and
    floor may have been changed since and are left alone.
    """
    await connection.executemany(
        QUERIES["open_account"],
        [
            (
                *(spec.id, spec.kind.value, spec.entity, spec.entity_id, spec.purpose, spec.currency),
                *(spec.stripes, spec.parent_id, spec.min_balance),
            )
            for spec in specs
        ],
    )
    rows = await connection.fetch(QUERIES["opened_accounts"], [spec.id for spec in specs])
    opened = {row["id"]: row for row in rows}
    for spec in specs:
        for name in ("currency", "stripes", "parent_id"):
            if opened[spec.id][name] != getattr(spec, name):
                raise AccountDiffersError(f"{spec.id}: {name} is {opened[spec.id][name]}, not {getattr(spec, name)}")


async def set_account_status(connection: Connection, account_id: str, status: AccountStatus) -> None:
    """Set which new entries an account takes; `UnknownAccountError` if it was never opened."""
    async with connection.transaction():
        before = await _lock_controls(connection, account_id)
        if before["status"] != status:
            controls = (before["status"], status.value, before["min_balance"], before["min_balance"])
            await _change(connection, account_id, before, controls, "STATUS_CHANGED")


async def set_account_floor(connection: Connection, account_id: str, min_balance: int | None) -> None:
    """Set the floor of an account's available balance, in minor units, or take it away (None).

    A balance that is below a new floor stays: it can only grow. ValueError for an account with stripes, which can have
    no floor; `UnknownAccountError` if it was never opened.
    """
    async with connection.transaction():
        before = await _lock_controls(connection, account_id)
        if before["stripes"] > 1:
            raise ValueError(f"account {account_id}: {before['stripes']} stripes with floor {min_balance}")
        if before["min_balance"] != min_balance:
            controls = (before["status"], before["status"], before["min_balance"], min_balance)
            await _change(connection, account_id, before, controls, "FLOOR_CHANGED")


async def _lock_controls(connection: Connection, account_id: str) -> asyncpg.Record:
    """Return the first counter row of an account, when all of them are locked."""
    rows = await connection.fetch(QUERIES["lock_controls"], account_id)
    if not rows:
        raise UnknownAccountError(account_id)
    return rows[0]


async def _change(
    connection: Connection,
    account_id: str,
    before: asyncpg.Record,
    controls: tuple[str, str, int | None, int | None],
    kind: str,
) -> None:
    await connection.execute(QUERIES["change_controls"], before["account_number"], account_id, *controls, kind)
