"""The ledger once more, from its entries alone: what every account and every payment must hold.

Kept beside the real books by adding up lines, so that a counter that went astray is seen at once. Slow-witted on
purpose: it knows entries and lines, and nothing of the machine.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from simulation.broken import Broken
from wisipay import ledger
from wisipay.ledger import Account, Book, Entry, EntryKind, Transfer

Counters = list[int]
"""Debits posted, credits posted, debits pending, credits pending, lines."""

_ENDS = frozenset({EntryKind.POST, EntryKind.VOID, EntryKind.EXPIRE})


@dataclass(slots=True)
class Effect:
    """What the entries of one payment have moved and hold, by account, where that is not nought.

    `moves` counts entries that move money.
    """

    posted: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    moves: int = 0
    reversals: int = 0
    open_holds: int = 0


@dataclass(slots=True)
class Shadow:
    """Counters by account, effects by payment, and the holds that are open."""

    accounts: dict[str, Counters] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0, 0]))
    effects: dict[str, Effect] = field(default_factory=lambda: defaultdict(Effect))
    entries: dict[UUID, Entry] = field(default_factory=dict)
    ended: set[UUID] = field(default_factory=set)

    def add(self, book: Book) -> None:
        """Add what a book accepted, and compare the accounts that it changed."""
        if book.added:
            floors = {account.id: account for account in book.changed if account.min_balance is not None}
            for entry in book.added:
                self._add(entry, floors)
        for account in book.changed:
            self.compare(account)

    def compare(self, account: Account) -> None:
        """Check an account's counters against the sum of its lines."""
        held = [account.debits_posted, account.credits_posted, account.debits_pending, account.credits_pending]
        if self.accounts[account.id] != [*held, account.line_count]:
            raise Broken("counters", f"{account.id} holds {held}, its lines add up to {self.accounts[account.id]}")

    def transaction_of(self, entry: Entry) -> str | None:
        """Return the payment that an entry belongs to, through its target where it has no name of its own."""
        command = entry.command
        if isinstance(command, Transfer | ledger.Reverse):
            return command.correlation_id
        return self.transaction_of(self.entries[command.target_id])

    def _add(self, entry: Entry, floors: dict[str, Account]) -> None:
        command = entry.command
        if sum([amount for _, amount in entry.lines]) != 0:
            raise Broken("balanced", f"{entry.kind} {command.entry_id}: {entry.lines}")
        if command.entry_id in self.entries:
            raise Broken("entry ids", f"{command.entry_id} was written twice")
        self.entries[command.entry_id] = entry
        name = self.transaction_of(entry)
        effect = self.effects[name] if name is not None else Effect()
        if not isinstance(command, Transfer):
            if command.target_id in self.ended:
                raise Broken("ends once", f"entry {command.target_id} ended a second time, by {entry.kind}")
            self.ended.add(command.target_id)
            if entry.kind in _ENDS:
                self._release(self.entries[command.target_id], effect)
        self._move(entry, effect)
        if entry.kind is EntryKind.PENDING:
            self._check_floors(entry, floors)

    def _move(self, entry: Entry, effect: Effect) -> None:
        is_hold = entry.kind is EntryKind.PENDING
        sums = effect.pending if is_hold else effect.posted
        for (name, amount), movement in zip(entry.lines, entry.movements, strict=True):
            counters = self.accounts[name]
            counters[(0 if amount > 0 else 1) + (2 if is_hold else 0)] += abs(amount)
            counters[4] += 1
            _add_to(sums, name, amount)
            if movement[1:] != (amount, counters[0] - counters[1], counters[4]):
                raise Broken("lines", f"{name}: line {movement[1:]}, of {amount}, at {counters}")
        if is_hold:
            effect.open_holds += 1
        elif entry.kind is EntryKind.REVERSAL:
            effect.reversals += 1
        elif entry.lines:
            effect.moves += 1

    def _release(self, hold: Entry, effect: Effect) -> None:
        effect.open_holds -= 1
        for name, amount in hold.lines:
            self.accounts[name][2 if amount > 0 else 3] -= abs(amount)
            _add_to(effect.pending, name, -amount)

    def _check_floors(self, entry: Entry, floors: dict[str, Account]) -> None:
        for name, amount in entry.lines:
            account = floors.get(name)
            if account is None or (amount < 0) != account.debit_normal:
                continue
            debits, credits_, debits_pending, credits_pending, _ = self.accounts[name]
            if account.debit_normal:
                available = debits - credits_ - credits_pending
            else:
                available = credits_ - debits - debits_pending
            if available < (account.min_balance or 0):
                raise Broken("floor", f"{name} has {available} after {entry.kind} {entry.command}")


def _add_to(sums: dict[str, int], name: str, amount: int) -> None:
    total = sums.get(name, 0) + amount
    if total:
        sums[name] = total
    else:
        sums.pop(name, None)
