"""The ledger's tables in memory: what `wisipay.ledger.store` does to PostgreSQL, done to dictionaries.

Loads only what is wanted, hands out copies, and refuses what the tables' keys and checks refuse. It decides nothing
about money and knows no time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from wisipay.ledger import (
    Account,
    AccountSpec,
    AccountStatus,
    Book,
    Entry,
    EntryKind,
    Line,
    Post,
    Transfer,
    UnknownAccountError,
    Wanted,
)


@dataclass(slots=True)
class MemoryLedger:
    """Accounts by id, entries by id, and the keys that make each thing happen once."""

    accounts: dict[str, Account] = field(default_factory=dict)
    entries: dict[UUID, Entry] = field(default_factory=dict)
    keys: dict[str, UUID] = field(default_factory=dict)
    ended: dict[UUID, tuple[UUID, EntryKind]] = field(default_factory=dict)

    def open_accounts(self, specs: Iterable[AccountSpec]) -> None:
        """Open the accounts that are not open yet."""
        for spec in specs:
            self.accounts.setdefault(spec.id, Account.opened(spec))

    def set_account_status(self, account_id: str, status: AccountStatus) -> None:
        """Set which new entries an account takes; `UnknownAccountError` if it was never opened."""
        if account_id not in self.accounts:
            raise UnknownAccountError(account_id)
        self.accounts[account_id].status = status

    def load(self, wanted: Wanted) -> Book:
        """Return a book of copies: the accounts named and those of the targets, and the entries that exist."""
        if not (wanted.account_ids or wanted.entry_ids or wanted.target_ids or wanted.idempotency_keys):
            return Book(scope=wanted)
        accounts = self.accounts
        names = set(wanted.account_ids)
        found: dict[UUID, Entry] = {}
        for target_id in wanted.target_ids:
            if (entry := self.entries.get(target_id)) is not None:
                found[target_id] = entry
                names.update([line.account_id for line in entry.lines])
        for entry_id in wanted.entry_ids:
            if (entry := self.entries.get(entry_id)) is not None:
                found[entry_id] = entry
        if wanted.idempotency_keys:
            for key in wanted.idempotency_keys & self.keys.keys():
                found[self.keys[key]] = self.entries[self.keys[key]]
        copies = [_copy_account(accounts[name]) for name in names if name in accounts]
        return Book(copies, [self._as_read(entry) for entry in found.values()], wanted)

    def check(self, book: Book) -> None:
        """Raise what PostgreSQL would raise when this book is written: a taken key, or a row against a check."""
        added: set[UUID] = set()
        ended: set[UUID] = set()
        for entry in book.added:
            command = entry.command
            if command.entry_id in self.entries or command.entry_id in added:
                raise asyncpg.UniqueViolationError(f"ledger_entries: {command.entry_id}")
            added.add(command.entry_id)
            if command.idempotency_key is not None and command.idempotency_key in self.keys:
                raise asyncpg.UniqueViolationError(f"ledger_keys: {command.idempotency_key}")
            if not isinstance(command, Transfer):
                if command.target_id in self.ended or command.target_id in ended:
                    raise asyncpg.UniqueViolationError(f"ledger_resolutions: {command.target_id}")
                ended.add(command.target_id)
            _check_lines(entry)
        for account in book.changed:
            given_back = account.debits_pending >= 0 and account.credits_pending >= 0
            if min(account.debits_posted, account.credits_posted) < 0 or not (
                given_back or account.min_balance is None
            ):
                raise asyncpg.CheckViolationError(f"ledger_balances: {account.id}")

    def write(self, book: Book) -> None:
        """Add what the book accepted and set the counters of the accounts that changed; call `check` first."""
        if not book.added:
            return
        for entry in book.added:
            command = entry.command
            if isinstance(command, Post):
                command = Post(command.entry_id, command.target_id, entry.lines)
            self.entries[command.entry_id] = Entry(command, entry.kind, entry.currency, entry.lines, entry.posted_at)
            if command.idempotency_key is not None:
                self.keys[command.idempotency_key] = command.entry_id
            if not isinstance(command, Transfer):
                self.ended[command.target_id] = (command.entry_id, entry.kind)
        for account in book.changed:
            self.accounts[account.id].restore(account.state())

    def _as_read(self, entry: Entry) -> Entry:
        """Return a stored entry as a row of `read_entries` tells it."""
        read = Entry(entry.command, entry.kind, entry.currency, entry.lines, entry.posted_at)
        end = self.ended.get(entry.command.entry_id)
        if end is not None:
            if entry.kind is EntryKind.PENDING:
                read.resolved_by, read.resolved_kind = end
            else:
                read.reversed_by = end[0]
        return read


def _check_lines(entry: Entry) -> None:
    lines: tuple[Line, ...] = entry.lines
    amounts = [amount for _, amount in lines]
    if lines and (len(lines) < 2 or sum(amounts) or not all(amounts)):
        raise asyncpg.CheckViolationError(f"ledger_lines: entry {entry.command.entry_id}: debits and credits differ")


def _copy_account(account: Account) -> Account:
    return Account(
        account.id,
        account.debit_normal,
        account.currency,
        account.status,
        account.min_balance,
        account.debits_posted,
        account.credits_posted,
        account.debits_pending,
        account.credits_pending,
        account.line_count,
        account.last_posted_at,
        account.key,
    )
