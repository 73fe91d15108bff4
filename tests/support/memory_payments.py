"""The tables of payments in memory: what `wisipay.payments.store` does to PostgreSQL, done to dictionaries.

Loads only what a batch's commands need (the product's own `needs` say what that is), hands out copies, and refuses what
the tables' keys, checks and triggers refuse. It decides nothing about payments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from support.memory_ledger import MemoryLedger
from wisipay.core.queue import Lease
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Command, CreateAnswered, Looked, Open, ProviderWord
from wisipay.payments.model import Attempt, Event, Flag, Kind, Transaction
from wisipay.payments.needs import ledger_needs, other_attempts, usage_needs
from wisipay.payments.store import CountersMissing, RowsChanged
from wisipay.payments.usage import UsageKey, Use
from wisipay.providers import Accepted, StatusReport, Unknown

Pair = tuple[str, str]
MOVES: dict[str, frozenset[tuple[str, str]]] = {
    "PAYIN": frozenset(
        {
            *((before, after) for before in ("PENDING", "PROCESSING") for after in ("SUCCESS", "FAILED", "EXPIRED")),
            *(("PENDING", "PROCESSING"), ("EXPIRED", "SUCCESS"), ("FAILED", "SUCCESS"), ("SUCCESS", "REVERSED")),
        }
    ),
    "PAYOUT": frozenset(
        {
            *((before, after) for before in ("PENDING", "PROCESSING") for after in ("SUCCESS", "FAILED")),
            *(("PENDING", "PROCESSING"), ("SUCCESS", "REVERSED"), ("FAILED", "SUCCESS")),
        }
    ),
}
"""The moves that the database's trigger allows, by kind: written down once more, as there, apart from the product's."""

_NONE_USED = Use()
_ANSWERS: Final = (CreateAnswered, Looked)
_NAMING: Final = (Accepted, StatusReport, Unknown)


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a batch reads before it locks anything: it may be out of date once the locks are held."""

    references: dict[Pair, str]
    orders: dict[Pair, str]


@dataclass(slots=True)
class MemoryPayments:
    """Payments by id, with the unique keys over them, their histories and the limit counters."""

    ledger: MemoryLedger
    transactions: dict[str, Transaction] = field(default_factory=dict)
    orders: dict[Pair, str] = field(default_factory=dict)
    references: dict[Pair, str] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    usage: dict[UsageKey, Use] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    """Which write a payment was last written by: PostgreSQL's `xmin`."""
    writes: int = 0

    def peek(self, commands: Sequence[Command]) -> Peeked:
        """Read what is read without a lock: who bears the references spoken of, and which orders are taken."""
        references: dict[Pair, str] = {}
        orders: dict[Pair, str] = {}
        for command in commands:
            if isinstance(command, Open):
                pair = (command.merchant_id, command.order_id)
                if (taken_by := self.orders.get(pair)) is not None:
                    orders[pair] = taken_by
            elif (spoken := _spoken_reference(command)) is not None and (
                named := self.references.get(spoken)
            ) is not None:
                references[spoken] = named
        return Peeked(references, orders)

    def load(self, commands: Sequence[Command], now: datetime, peeked: Peeked | None = None) -> PaymentBook:
        """Return copies of every row that the commands may touch; `CountersMissing` before any account."""
        if peeked is None:
            peeked = self.peek(commands)
        references, orders = peeked.references.copy(), peeked.orders.copy()
        stored, taken = self.transactions, orders.values()
        transactions: dict[str, Transaction] = {}
        names: list[str] = []
        for command in commands:
            name = _names(command, references) or ""
            names.append(name)
            again = command.transaction_id if taken and isinstance(command, Open) else None
            wanted = again if again in taken else name
            if wanted in stored and wanted not in transactions:
                transactions[wanted] = stored[wanted].copied()
        attempts = {}
        for name in other_attempts(commands, transactions):
            attempts.update({(name, attempt.number): attempt for attempt in self.attempts.get(name, ())})
        pairs = [(command, transactions.get(name)) for command, name in zip(commands, names, strict=True)]
        counters = usage_needs(pairs, attempts, now)
        if counters and (missing := counters - self.usage.keys()):
            raise CountersMissing(sorted(missing))
        return PaymentBook(
            ledger=self.ledger.load(ledger_needs(pairs, attempts)),
            transactions=transactions,
            orders=orders,
            references=references,
            attempts=attempts,
            usage={key: self.usage[key] for key in counters},
            counters=counters,
        )

    def add_counters(self, keys: Iterable[UsageKey]) -> None:
        """Add limit counters at zero; those that exist stay as they are."""
        for key in keys:
            self.usage.setdefault(key, _NONE_USED)

    def check(self, book: PaymentBook) -> None:
        """Raise what PostgreSQL would raise when this book is written."""
        if book.created:
            self._check_new(book)
        self._check_moves(book)
        self._check_references(book)
        self._check_histories(book)
        if book.ledger.added:
            self.ledger.check(book.ledger)

    def write(self, book: PaymentBook) -> int | None:
        """Write the effects of the decided commands: call `check` first.

        Returns the version that the rows of payments bear from now on, None when none was written.
        """
        self.writes += 1
        for each in book.created:
            self._put(book.transactions[each.id])
            self.orders[each.merchant_id, each.order_id] = each.id
        for transaction in book.changed.values():
            if transaction.id in self.transactions:
                self._put(transaction)
        for attempt in book.new_attempts:
            self.attempts.setdefault(attempt.transaction_id, []).append(attempt)
        for event in book.events:
            self.events.setdefault(event.transaction_id, []).append(event)
        for key, use in book.usage_changes.items():
            if use.amount_paise or use.count:
                self.usage[key] = self.usage.get(key, _NONE_USED).plus(use.amount_paise, use.count)
        self.ledger.write(book.ledger)
        return self.writes if book.created or book.changed else None

    def write_if_unchanged(self, book: PaymentBook, versions: Mapping[str, int]) -> int:
        """Write a book that is based on payments of these versions. Raises `RowsChanged`, and what `check` raises."""
        if any(self.versions.get(each) != version for each, version in versions.items()):
            raise RowsChanged
        self.check(book)
        self.write(book)
        return self.writes

    def claim_due(self, now: datetime, limit: int, lease: Lease) -> list[Transaction]:
        """Lease up to `limit` payments that are due, the longest waiting first."""
        due = [
            (each.due_at, each.id)
            for each in self.transactions.values()
            if each.due_at is not None and each.due_at <= now and (each.lease_until is None or each.lease_until < now)
        ]
        if not due:
            return []
        until = now + timedelta(seconds=lease.seconds)
        claimed = [self.transactions[each] for _, each in sorted(due)[:limit]]
        for transaction in claimed:
            transaction.lease_token, transaction.lease_until = lease.token, until
            self._changed(transaction.id)
        return [transaction.copied() for transaction in claimed]

    def renew_leases(self, now: datetime, ids: Iterable[str], lease: Lease) -> None:
        """Keep leased payments for as long again."""
        for each in ids:
            transaction = self.transactions.get(each)
            if transaction is not None and transaction.lease_token == lease.token:
                transaction.lease_until = now + timedelta(seconds=lease.seconds)
                self._changed(each)

    def wake_forgotten(self, now: datetime) -> list[str]:
        """Make open payments due that nothing would look at; returns their ids."""
        forgotten = [
            each.id
            for each in self.transactions.values()
            if each.is_open and each.due_at is None and Flag.AMOUNT_MISMATCH not in each.flags
        ]
        for each in forgotten:
            self.transactions[each].due_at = now
            self._changed(each)
        return forgotten

    def by_id(self, transaction_id: str) -> Transaction | None:
        """Return a payment by its id."""
        found = self.transactions.get(transaction_id)
        return None if found is None else found.copied()

    def by_order(self, merchant_id: str, order_id: str) -> Transaction | None:
        """Return a merchant's payment by its order id."""
        return self.by_id(self.orders.get((merchant_id, order_id), ""))

    def by_provider_reference(self, provider_id: str, provider_reference: str) -> Transaction | None:
        """Return a payment by what its provider calls it."""
        return self.by_id(self.references.get((provider_id, provider_reference), ""))

    def _put(self, transaction: Transaction) -> None:
        old = self.transactions.get(transaction.id)
        if old is not None and old.provider_reference is not None:
            pair = (old.provider_id, old.provider_reference)
            if self.references.get(pair) == old.id:
                del self.references[pair]
        self.transactions[transaction.id] = transaction.copied()
        self.versions[transaction.id] = self.writes
        if transaction.provider_reference is not None:
            self.references[transaction.provider_id, transaction.provider_reference] = transaction.id

    def _changed(self, transaction_id: str) -> None:
        self.writes += 1
        self.versions[transaction_id] = self.writes

    def _check_new(self, book: PaymentBook) -> None:
        orders: set[Pair] = set()
        for each in book.created:
            pair = (each.merchant_id, each.order_id)
            if each.id in self.transactions or pair in self.orders or pair in orders:
                raise asyncpg.UniqueViolationError(f"payments_one_order_per_merchant: {pair}")
            orders.add(pair)
            charges = each.fee_paise + each.tax_paise
            net = each.amount_paise + (charges if each.kind is Kind.PAYOUT else -charges)
            if each.amount_paise <= 0 or min(each.fee_paise, each.tax_paise, net) < 0 or each.net_paise != net:
                raise asyncpg.CheckViolationError(f"payments_transactions: amounts of {each.id}")

    def _check_moves(self, book: PaymentBook) -> None:
        for each in book.changed.values():
            old = self.transactions.get(each.id)
            if old is not None and old.status != each.status and (old.status, each.status) not in MOVES[old.kind]:
                raise asyncpg.CheckViolationError(f"payment {each.id} may not move from {old.status} to {each.status}")

    def _check_references(self, book: PaymentBook) -> None:
        written = book.changed
        if book.created:
            written = {each.id: book.transactions[each.id] for each in book.created} | written
        taken: dict[Pair, str] = {}
        for each in written.values():
            if each.provider_reference is not None:
                pair = (each.provider_id, each.provider_reference)
                holder = taken.setdefault(pair, self.references.get(pair, each.id))
                if holder != each.id:
                    raise asyncpg.UniqueViolationError(f"payments_one_provider_reference: {pair}")

    def _check_histories(self, book: PaymentBook) -> None:
        numbers: dict[str, int] = {}
        for event in book.events:
            last = numbers.get(event.transaction_id, len(self.events.get(event.transaction_id, ())))
            if event.number <= last:
                raise asyncpg.UniqueViolationError(f"payments_events: {event.transaction_id} {event.number}")
            numbers[event.transaction_id] = event.number
        for attempt in book.new_attempts:
            if attempt.number in [other.number for other in self.attempts.get(attempt.transaction_id, ())]:
                raise asyncpg.UniqueViolationError(f"payments_attempts: {attempt.transaction_id} {attempt.number}")


def _names(command: Command, references: dict[Pair, str]) -> str | None:
    if isinstance(command, Open):
        return None
    if isinstance(command, ProviderWord) and command.transaction_id is None:
        return references.get((command.provider_id, command.provider_reference or ""))
    return command.transaction_id


def _spoken_reference(command: Command) -> Pair | None:
    if isinstance(command, ProviderWord):
        reference = command.provider_reference
    elif isinstance(command, _ANSWERS) and isinstance(command.outcome, _NAMING):
        reference = command.outcome.provider_reference
    else:
        return None
    return None if reference is None else (command.provider_id, reference)
