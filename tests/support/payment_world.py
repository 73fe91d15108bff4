"""A payment machine with a complete ledger in memory, a clock that tests move, and the invariants of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from wisipay import ledger
from wisipay.core.ids import new_id
from wisipay.core.money import Paise
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Answered, CreateAnswered, Heard, Looked, Open, Opened, ProviderWord, Refused
from wisipay.payments.machine import decide
from wisipay.payments.model import Candidate, Kind, Source, Status, Transaction
from wisipay.payments.postings import channel_account_id
from wisipay.payments.rules import Rules
from wisipay.payments.usage import Use, channel_subject, keys_of, merchant_subject
from wisipay.providers import (
    Accepted,
    CreateOutcome,
    ProviderStatus,
    Rejected,
    StatusOutcome,
    StatusReport,
    Unknown,
)

NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
"""Twelve o'clock in IST."""

MERCHANT = "MER-1"
FUNDS = 1_000_000
FIRST = Candidate(
    "first_acme", "first", "acme", Paise(50), Paise(9), None, None, poll_immediately=False, reason="primary"
)
SECOND = replace(FIRST, channel_id="second_acme", provider_id="second", provider_fee_paise=Paise(70), reason="fallback")


def account(spec: ledger.AccountSpec) -> ledger.Account:
    """Return an empty account of this description."""
    return ledger.Account(
        id=spec.id,
        debit_normal=spec.kind
        in {ledger.AccountType.ASSET, ledger.AccountType.EXPENSE, ledger.AccountType.OFF_BALANCE},
        min_balance=spec.min_balance,
    )


def full_ledger(funds_paise: int = FUNDS) -> ledger.Book:
    """Return a complete ledger whose merchant has this much to pay out."""
    specs = (
        *ledger.SYSTEM_ACCOUNTS,
        *ledger.merchant_accounts(MERCHANT),
        *ledger.channel_accounts(FIRST.channel_id),
        *ledger.channel_accounts(SECOND.channel_id),
    )
    book = ledger.Book([account(spec) for spec in specs])
    if funds_paise:
        payout = ledger.merchant_account(MERCHANT, "PAYOUT").id
        lines = (ledger.Line(ledger.WORLD.id, funds_paise), ledger.Line(payout, -funds_paise))
        from wisipay.core.ids import new_uuid7  # noqa: PLC0415 - only where money is put in

        book.apply(ledger.Transfer(entry_id=new_uuid7(NOON), lines=lines), NOON)
    return book


CommandType = TypeVar("CommandType", Open, CreateAnswered, Looked, ProviderWord)


def _changed(command: CommandType, changes: Mapping[str, Any]) -> CommandType:
    return replace(command, **changes)


@dataclass
class World:
    """One book, one clock, and short words for the commands."""

    book: PaymentBook = field(default_factory=lambda: PaymentBook(ledger=full_ledger()))
    now: datetime = NOON
    rules: Rules = field(default_factory=Rules)

    def later(self, **gap: float) -> None:
        """Let time pass."""
        self.now += timedelta(**gap)

    def open(self, kind: Kind, **changes: object) -> Opened | Refused:
        """Open a payment of 1,000 rupees with a fee of 20.00 and tax of 3.60."""
        command = Open(
            transaction_id=new_id("WSP", self.now),
            merchant_id=MERCHANT,
            order_id=f"ORDER-{len(self.book.orders)}",
            kind=kind,
            amount_paise=Paise(100_000),
            fee_paise=Paise(2_000),
            tax_paise=Paise(360),
            currency="INR",
            mode="UPI" if kind is Kind.PAYIN else "IMPS",
            party={"name": "Asha Rao"},
            remarks=None,
            redirect_url=None,
            daily_limit_paise=None,
            monthly_limit_paise=None,
            candidates=(FIRST, SECOND),
        )
        result = decide(self.book, _changed(command, changes), self.now, self.rules)
        assert isinstance(result, Opened | Refused)
        return result

    def opened(self, kind: Kind, **changes: object) -> str:
        """Open a payment that is not refused and return its id."""
        result = self.open(kind, **changes)
        assert isinstance(result, Opened)
        return result.transaction.id

    def answer(
        self, transaction_id: str, outcome: CreateOutcome, *, remaining: tuple[Candidate, ...] = (), **changes: object
    ) -> Answered:
        """Bring the answer to the current attempt's call."""
        transaction = self.get(transaction_id)
        command = CreateAnswered(
            transaction_id, transaction.attempt, transaction.provider_id, outcome, remaining=remaining
        )
        result = decide(self.book, _changed(command, changes), self.now, self.rules)
        assert isinstance(result, Answered)
        return result

    def accept(
        self, transaction_id: str, status: ProviderStatus = ProviderStatus.PENDING, **changes: object
    ) -> Answered:
        """Let the provider take the payment."""
        accepted = Accepted(status, provider_reference=f"P-{transaction_id}")
        return self.answer(transaction_id, accepted, remaining=(), **changes)

    def hear(self, transaction_id: str, status: ProviderStatus, /, **changes: object) -> Heard:
        """Bring a webhook of the current attempt's channel."""
        transaction = self.get(transaction_id)
        word = ProviderWord(
            transaction_id=transaction_id,
            attempt=transaction.attempt,
            provider_id=transaction.provider_id,
            provider_reference=f"P-{transaction_id}",
            source=Source.WEBHOOK,
            status=status,
            amount_paise=transaction.amount_paise,
            currency="INR",
            utr="UTR1",
            kind=transaction.kind,
            channel_ids=frozenset({transaction.channel_id}),
        )
        result = decide(self.book, _changed(word, changes), self.now, self.rules)
        assert isinstance(result, Heard)
        return result

    def look(self, transaction_id: str, outcome: StatusOutcome, *, leased: bool = True, **changes: object) -> Heard:
        """Bring the answer to a status question; with `leased`, as the poller that claimed the payment."""
        transaction = self.get(transaction_id)
        if leased:
            from wisipay.core.ids import new_uuid7  # noqa: PLC0415 - only where a lease is made

            transaction.lease_token = new_uuid7(self.now)
        command = Looked(
            transaction_id=transaction_id,
            attempt=transaction.attempt,
            provider_id=transaction.provider_id,
            outcome=outcome,
            source=Source.STATUS_POLL,
            lease_token=transaction.lease_token if leased else None,
            not_found_is_definite=True,
        )
        result = decide(self.book, _changed(command, changes), self.now, self.rules)
        assert isinstance(result, Heard)
        return result

    def get(self, transaction_id: str) -> Transaction:
        """Return the payment as it stands."""
        return self.book.transactions[transaction_id]

    def status(self, transaction_id: str) -> Status:
        """Return a payment's status."""
        return self.get(transaction_id).status

    def balance(self, account_id: str) -> int:
        """Return an account's posted balance, debit positive."""
        found = self.book.ledger.account(account_id)
        assert found is not None
        return found.debits_posted - found.credits_posted

    def pending(self, account_id: str) -> int:
        """Return what is held on an account, debit positive."""
        found = self.book.ledger.account(account_id)
        assert found is not None
        return found.debits_pending - found.credits_pending

    def funds(self) -> int:
        """Return what the merchant's payout account holds."""
        return -self.balance(ledger.merchant_account(MERCHANT, "PAYOUT").id)

    def messages(self, transaction_id: str) -> list[str]:
        """Return the timeline's words."""
        return [event.message for event in self.book.events if event.transaction_id == transaction_id]

    def check(self) -> None:
        """Check the invariants that hold after every step."""
        self._books_balance()
        self._holds_are_open_payouts()
        self._usage_counts_payments()
        self._callbacks_tell_every_final_status()

    def _books_balance(self) -> None:
        accounts = {account.id: account for account in self.book.ledger.changed}.values()
        assert sum(each.debits_posted - each.credits_posted for each in accounts) == 0
        assert sum(each.debits_pending - each.credits_pending for each in accounts) == 0

    def _holds_are_open_payouts(self) -> None:
        held = self.pending(ledger.merchant_account(MERCHANT, "PAYOUT").id)
        payouts = [each for each in self.book.transactions.values() if each.kind is Kind.PAYOUT and each.is_open]
        assert held == sum(each.net_paise for each in payouts)
        assert -self.pending(channel_account_id(FIRST.channel_id, "PAYOUT")) == sum(
            each.amount_paise for each in payouts if each.channel_id == FIRST.channel_id
        )

    def _usage_counts_payments(self) -> None:
        counted: dict[tuple[str, str], Use] = {}
        for each in self.book.transactions.values():
            if each.counts_in_limits:
                for subject in (
                    merchant_subject(each.merchant_id, each.kind),
                    channel_subject(each.channel_id, each.kind),
                ):
                    for key in keys_of(subject, each.usage_day):
                        counted[key] = counted.get(key, Use()).plus(each.amount_paise, 1)
        stored = {key: use for key, use in self.book.usage_changes.items() if use.count or use.amount_paise}
        assert stored == counted

    def _callbacks_tell_every_final_status(self) -> None:
        told = [(due.transaction.id, due.status) for due in self.book.callbacks]
        reached = [
            (event.transaction_id, event.after)
            for event in self.book.events
            if event.before is not None and event.after not in {Status.PENDING, Status.PROCESSING}
        ]
        assert told == reached


SUCCESS = ProviderStatus.SUCCESS
FAILED = ProviderStatus.FAILED
REPORT_SUCCESS = StatusReport(ProviderStatus.SUCCESS, utr="UTR9")
REPORT_PENDING = StatusReport(ProviderStatus.PENDING)
REJECTED = Rejected("E1", "no such account", sent=True)
NOT_SENT = Rejected("CIRCUIT_OPEN", "held back", sent=False)
UNKNOWN = Unknown("time-out")
