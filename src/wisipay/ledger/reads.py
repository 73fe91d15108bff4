"""What can be read from the ledger: balances, the trial balance, an entry, the lines of an account. Takes no locks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from wisipay.ledger.account import Account
from wisipay.ledger.errors import ArchivedError
from wisipay.ledger.model import Entry, EntryKind
from wisipay.ledger.rows import account_of, entry_of
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

MAX_PAGE = 1_000
"""Most lines of one page."""


@dataclass(frozen=True, slots=True)
class TrialBalanceRow:
    """All debits and credits ever posted to one account, in minor units."""

    account_id: str
    currency: str
    debits: int
    credits: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account by name, and the net of all of them by currency, which is zero in books that are right."""

    rows: tuple[TrialBalanceRow, ...]
    net_by_currency: dict[str, int]


class LineCursor(NamedTuple):
    """Where the next page of an account's lines goes on: just before this line."""

    posted_at: datetime
    account_line: int
    stripe: int


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One line as the account sees it; `amount` and `balance_after` are debit positive, in minor units.

    A line of a hold (`pending`) leaves the balance as it was. On a striped account, `balance_after` and `account_line`
    are those of the stripe.
    """

    entry_id: UUID
    number: int
    kind: EntryKind
    pending: bool
    amount: int
    balance_after: int
    posted_at: datetime
    account_line: int
    stripe: int
    value_date: date | None
    narration: str
    external_reference: str | None
    correlation_id: str | None

    @property
    def cursor(self) -> LineCursor:
        """Where a page that follows this line starts."""
        return LineCursor(self.posted_at, self.account_line, self.stripe)


async def balances(connection: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Return the accounts by id, stripes summed; ids that were never opened are left out."""
    rows = await connection.fetch(QUERIES["balances"], list(account_ids))
    return {row["id"]: account_of(row) for row in rows}


async def trial_balance(connection: Connection) -> TrialBalance:
    """Return the trial balance of now, from the counters."""
    rows = tuple(TrialBalanceRow(*row) for row in await connection.fetch(QUERIES["trial_balance"]))
    net: dict[str, int] = {}
    for row in rows:
        net[row.currency] = net.get(row.currency, 0) + row.debits - row.credits
    return TrialBalance(rows, net)


async def entry(connection: Connection, entry_id: UUID) -> Entry | None:
    """Return an entry with its derived status, or None.

    Raises `ArchivedError` for an id that is not there and of the time of archived months.
    """
    row = await connection.fetchrow(QUERIES["read_entries"], [entry_id])
    if row is not None:
        return entry_of(row)
    if await connection.fetchval(QUERIES["is_of_archived_time"], entry_id):
        raise ArchivedError(f"entry {entry_id} may be in an archived month")
    return None


async def account_lines(
    connection: Connection, account_id: str, *, limit: int = 100, before: LineCursor | None = None
) -> list[AccountLine]:
    """Return a page of an account's lines in the database, newest first; `limit` is cut at `MAX_PAGE`.

    `account_entries` also tells whether older ones are archived.
    """
    cursor = before or (None, 0, 0)
    rows = await connection.fetch(QUERIES["account_lines"], account_id, *cursor, min(limit, MAX_PAGE))
    return [AccountLine(row[0], row[1], EntryKind(row[2]), *tuple(row)[3:]) for row in rows]
