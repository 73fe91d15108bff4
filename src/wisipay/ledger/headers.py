"""Header accounts: an account and all below it as a tree, each with its own balance and that of its whole branch."""

from dataclasses import dataclass, replace

from wisipay.ledger.account import Account
from wisipay.ledger.errors import UnknownAccountError
from wisipay.ledger.reading import Reading
from wisipay.ledger.reads import balances
from wisipay.ledger.sql import QUERIES


@dataclass(frozen=True, slots=True)
class Branch:
    """An account in the tree: `path` leads to it from the account asked about, itself included.

    `rolled_up` counts its own lines and those of all accounts below it that are in its currency, in its own normal
    sign; the status and floor are its own.
    """

    path: tuple[str, ...]
    own: Account
    rolled_up: Account


async def account_tree(books: Reading, account_id: str) -> list[Branch]:
    """Return the account and all below it, parents before children; `UnknownAccountError` if it was never opened."""
    rows = await books.connection.fetch(QUERIES["account_tree"], account_id)
    if not rows:
        raise UnknownAccountError(account_id)
    accounts = await balances(books.connection, [row["path"][-1] for row in rows])
    branches: dict[str, Branch] = {}
    for row in rows:
        own = accounts[row["path"][-1]]
        branches[own.id] = Branch(tuple(row["path"]), own, replace(own))
        for parent_id in row["path"][:-1]:
            total = branches[parent_id].rolled_up
            if total.currency == own.currency:
                _add(total, own)
    return list(branches.values())


def _add(total: Account, own: Account) -> None:
    total.debits_posted += own.debits_posted
    total.credits_posted += own.credits_posted
    total.debits_pending += own.debits_pending
    total.credits_pending += own.credits_pending
    total.line_count += own.line_count
    total.last_posted_at = max(total.last_posted_at, own.last_posted_at)
