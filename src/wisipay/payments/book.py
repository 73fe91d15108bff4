"""The rows a batch of commands works on, and the changes it makes: what the store loads before and writes after.

State only. It records effects; it decides nothing and touches no database.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from wisipay.core.money import Paise
from wisipay.ledger import Book as LedgerBook
from wisipay.payments.model import FINAL, Attempt, Candidate, Event, Kind, Source, Status, Transaction
from wisipay.payments.usage import UsageKey, Use, channel_subject, keys_of, merchant_subject

_UNUSED = Use()


class CallbackDue(msgspec.Struct, frozen=True):
    """A final status that the merchant must be told of; `sequence` counts the callbacks of one payment."""

    transaction: Transaction
    sequence: int
    status: Status
    at: datetime


class AuditDue(msgspec.Struct, frozen=True):
    """An operator's change that the audit log must hold."""

    actor: str
    action: str
    transaction_id: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime


class CounterNotLoadedError(LookupError):
    """A command reaches for a limit counter that was not locked in its place; decided alone it will be."""


@dataclass(slots=True)
class PaymentBook:
    """Loaded rows by key, and the effects of the commands decided on them so far.

    `counters` is which limit counters were loaded and locked, all that the batch may touch or, where it asks for no
    limit, none: then they may only be added to. Reaching for another one raises `CounterNotLoadedError`. Without
    `counters` the book is complete: a counter that is not there is zero.
    """

    ledger: LedgerBook
    transactions: dict[str, Transaction] = field(default_factory=dict)
    orders: dict[tuple[str, str], str] = field(default_factory=dict)
    references: dict[tuple[str, str], str] = field(default_factory=dict)
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    usage: dict[UsageKey, Use] = field(default_factory=dict)
    counters: AbstractSet[UsageKey] | None = None

    created: list[Transaction] = field(default_factory=list)
    changed: dict[str, Transaction] = field(default_factory=dict)
    new_attempts: list[Attempt] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    usage_changes: dict[UsageKey, Use] = field(default_factory=dict)
    callbacks: list[CallbackDue] = field(default_factory=list)
    alerts: list[tuple[str, Transaction]] = field(default_factory=list)
    audits: list[AuditDue] = field(default_factory=list)

    def create(self, transaction: Transaction) -> None:
        """Add a new payment."""
        self.transactions[transaction.id] = transaction
        self.orders[transaction.merchant_id, transaction.order_id] = transaction.id
        self.created.append(transaction)

    def touch(self, transaction: Transaction, now: datetime) -> None:
        """Note that a loaded payment changed; a payment created in this batch is written whole anyway."""
        transaction.updated_at = max(now, transaction.updated_at)
        self.changed[transaction.id] = transaction

    def note(
        self,
        transaction: Transaction,
        now: datetime,
        source: Source,
        message: str,
        *,
        before: Status | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Add a line to a payment's timeline."""
        transaction.event_count += 1
        self.events.append(
            Event(
                transaction_id=transaction.id,
                number=transaction.event_count,
                at=now,
                source=source,
                before=before,
                after=transaction.status,
                attempt=transaction.attempt,
                message=message,
                data=data or {},
            ),
        )

    def move(self, transaction: Transaction, after: Status, now: datetime, source: Source, message: str) -> None:
        """Set the status, with its event and, for a final one, its callback."""
        before, transaction.status = transaction.status, after
        self.note(transaction, now, source, message, before=before)
        self.touch(transaction, now)
        if after in FINAL:
            self.call_back(transaction, now)

    def call_back(self, transaction: Transaction, now: datetime) -> None:
        """Ask for the merchant's callback of the payment's present status."""
        transaction.callback_count += 1
        self.callbacks.append(CallbackDue(transaction, transaction.callback_count, transaction.status, now))

    def alert(self, what: str, transaction: Transaction) -> None:
        """Ask for an operator; the shell logs and counts it after the commit."""
        self.alerts.append((what, transaction))

    def begin_attempt(self, transaction: Transaction, candidate: Candidate, now: datetime) -> None:
        """Record the provider call that the payment's current attempt is about to make."""
        attempt = Attempt(
            transaction_id=transaction.id,
            number=transaction.attempt,
            channel_id=candidate.channel_id,
            provider_id=candidate.provider_id,
            legal_entity_id=candidate.legal_entity_id,
            reference=transaction.reference,
            provider_fee_paise=candidate.provider_fee_paise,
            provider_tax_paise=candidate.provider_tax_paise,
            reason=candidate.reason,
            started_at=now,
        )
        self.attempts[transaction.id, transaction.attempt] = attempt
        self.new_attempts.append(attempt)

    def used(self, key: UsageKey) -> Use:
        """Return what a limit counter holds; the caller does not change it."""
        if self.counters is not None and key not in self.counters:
            raise CounterNotLoadedError(key)
        return self.usage.get(key, _UNUSED)

    def count_use(self, subject: str, day: date, amount_paise: int, count: int) -> None:
        """Add to (or, negative, take from) a subject's daily and monthly counters."""
        for key in keys_of(subject, day):
            if self.counters is None or self.counters:
                self.usage[key] = self.used(key).plus(amount_paise, count)
            self.usage_changes[key] = self.usage_changes.get(key, _UNUSED).plus(amount_paise, count)

    def use(self, transaction: Transaction) -> None:
        """Count a payment in its merchant's and its channel's limits."""
        self._count_payment(transaction, transaction.amount_paise, 1)

    def release_use(self, transaction: Transaction) -> None:
        """Take a failed or expired payment out of the limits it counted in."""
        self._count_payment(transaction, Paise(-transaction.amount_paise), -1)

    def _count_payment(self, transaction: Transaction, amount_paise: Paise, count: int) -> None:
        kind: Kind = transaction.kind
        for subject in (
            merchant_subject(transaction.merchant_id, kind),
            channel_subject(transaction.channel_id, kind),
        ):
            self.count_use(subject, transaction.usage_day, amount_paise, count)
