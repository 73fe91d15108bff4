"""What every look at the books starts with: one consistent state of the database, and the accounts asked about.

`reading` opens it; all that is read through one `Reading` is of one moment, however long it takes and whoever writes
meanwhile. Takes no locks and writes nothing. A reading that stays open for hours keeps PostgreSQL from tidying up.
"""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wisipay.ledger.account import DEBIT_NORMAL, AccountType
from wisipay.ledger.errors import UnknownAccountError
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Reading:
    """The books as they were when the reading began."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What an account is. `number` is the store's own handle."""

    number: int
    id: str
    kind: AccountType
    entity: str
    entity_id: str
    purpose: str
    currency: str

    def signed(self, net: int) -> int:
        """Turn an amount that is debit positive to the account's normal side, and back."""
        return net if self.kind in DEBIT_NORMAL else -net


@asynccontextmanager
async def reading(connection: Connection) -> AsyncIterator[Reading]:
    """Open a read-only transaction at REPEATABLE READ; the connection must not be in a transaction yet."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield Reading(connection)


async def accounts_named(books: Reading, account_ids: Iterable[str]) -> list[AccountInfo]:
    """Return the accounts of these names; names that were never opened are left out."""
    rows = await books.connection.fetch(QUERIES["accounts_named"], list(account_ids))
    return [AccountInfo(row["number"], row["id"], AccountType(row["kind"]), *tuple(row)[3:]) for row in rows]


async def account_named(books: Reading, account_id: str) -> AccountInfo:
    """Return one account; `UnknownAccountError` if it was never opened."""
    for account in await accounts_named(books, [account_id]):
        return account
    raise UnknownAccountError(account_id)


async def account_pages(
    books: Reading, kinds: Collection[AccountType] = tuple(AccountType)
) -> AsyncIterator[list[AccountInfo]]:
    """Yield all accounts of these kinds in order of opening, a thousand at a time."""
    after = 0
    while rows := await books.connection.fetch(QUERIES["accounts_after"], after, _PAGE, [each.value for each in kinds]):
        yield [AccountInfo(row["number"], row["id"], AccountType(row["kind"]), *tuple(row)[3:]) for row in rows]
        after = rows[-1]["number"]
