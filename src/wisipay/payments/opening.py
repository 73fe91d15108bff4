"""Opening a payment: duplicates, limits, the channel, and for a payout the reservation of its money.

Pure. What it refuses leaves no trace, except a payout that the balance can't cover: that one is kept as FAILED, so
that the merchant's status call and the operator can see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from wisipay.core.clock import ist_day
from wisipay.core.money import Paise
from wisipay.ledger import Rejected as LedgerRejected
from wisipay.ledger import Rejection
from wisipay.payments import postings
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Open, Opened, Refusal, Refused
from wisipay.payments.model import Candidate, Kind, Source, Status, Transaction
from wisipay.payments.polling import PollSchedule
from wisipay.payments.rules import Rules
from wisipay.payments.usage import channel_subject, day_key, exceeds, merchant_subject, month_key


def open_payment(book: PaymentBook, command: Open, now: datetime, rules: Rules) -> Opened | Refused:
    """Decide one `Open`: stored and ready for its provider, or refused by name."""
    taken_by = book.orders.get((command.merchant_id, command.order_id))
    if taken_by is not None:
        return _decided_before(book, command, taken_by)
    day = ist_day(now)
    subject = merchant_subject(command.merchant_id, command.kind)
    refusal = over_limit(
        book, subject, day, command.amount_paise, command.daily_limit_paise, command.monthly_limit_paise
    )
    if refusal is not None:
        return Refused(refusal)
    candidate, _ = first_within_limits(book, command.candidates, command.kind, command.amount_paise, day)
    if candidate is None:
        return Refused(Refusal.NO_CHANNEL)
    transaction = _new_transaction(command, candidate, now, day, rules)
    if command.kind is Kind.PAYOUT:
        held = book.ledger.apply(postings.hold(transaction), now)
        if isinstance(held, LedgerRejected):
            return _keep_as_failed(book, transaction, held, now)
    book.create(transaction)
    book.use(transaction)
    book.begin_attempt(transaction, candidate, now)
    data: dict[str, Any] = {"channel": candidate.channel_id}
    if command.routing:
        data["routing"] = command.routing
    if command.beneficiary:
        data["beneficiary"] = command.beneficiary
    book.note(transaction, now, Source.API, "opened", data=data)
    return Opened(transaction.copied(), candidate)


def _decided_before(book: PaymentBook, command: Open, taken_by: str) -> Opened | Refused:
    """Answer for an order id that is taken: by another payment, or this very command, whose commit's word was lost.

    A payment that has ended since (it was looked at, or heard of) must not be sent to its provider any more.
    """
    transaction = book.transactions.get(taken_by)
    if taken_by != command.transaction_id or transaction is None:
        return Refused(Refusal.DUPLICATE_ORDER)
    for candidate in command.candidates:
        if transaction.is_open and transaction.attempt == 1 and candidate.channel_id == transaction.channel_id:
            return Opened(transaction.copied(), candidate)
    own_refusals = {refusal.value: refusal for refusal in Refusal}
    return Refused(own_refusals.get(transaction.error_code or "", Refusal.DUPLICATE_ORDER), transaction.copied())


def over_limit(
    book: PaymentBook,
    subject: str,
    day: date,
    amount_paise: Paise,
    daily_limit_paise: Paise | None,
    monthly_limit_paise: Paise | None,
) -> Refusal | None:
    """Return the limit that one more payment of this amount would pass, the day's before the month's."""
    if daily_limit_paise is None and monthly_limit_paise is None:
        return None
    if exceeds(book.used(day_key(subject, day)), amount_paise, daily_limit_paise):
        return Refusal.DAILY_LIMIT
    if exceeds(book.used(month_key(subject, day)), amount_paise, monthly_limit_paise):
        return Refusal.MONTHLY_LIMIT
    return None


def first_within_limits(
    book: PaymentBook, candidates: Iterable[Candidate], kind: Kind, amount_paise: Paise, day: date
) -> tuple[Candidate | None, tuple[Candidate, ...]]:
    """Return the first channel whose own limits still hold this amount, and the ones behind it."""
    waiting = tuple(candidates)
    for position, candidate in enumerate(waiting):
        subject = channel_subject(candidate.channel_id, kind)
        limits = candidate.daily_limit_paise, candidate.monthly_limit_paise
        if over_limit(book, subject, day, amount_paise, *limits) is None:
            return candidate, waiting[position + 1 :]
    return None, ()


def first_look(kind: Kind, schedule: PollSchedule, now: datetime, expires_at: datetime | None) -> datetime:
    """Return when an attempt that begins now is looked at, should nothing be heard of it."""
    look = now + timedelta(seconds=schedule.first_seconds)
    return min(look, expires_at) if kind is Kind.PAYIN and expires_at is not None else look


def _new_transaction(command: Open, candidate: Candidate, now: datetime, day: date, rules: Rules) -> Transaction:
    charges = command.fee_paise + command.tax_paise
    is_payin = command.kind is Kind.PAYIN
    expires_at = now + timedelta(minutes=rules.payin_expiry_minutes) if is_payin else None
    return Transaction(
        id=command.transaction_id,
        merchant_id=command.merchant_id,
        order_id=command.order_id,
        kind=command.kind,
        status=Status.PENDING,
        amount_paise=command.amount_paise,
        fee_paise=command.fee_paise,
        tax_paise=command.tax_paise,
        net_paise=Paise(command.amount_paise - charges if is_payin else command.amount_paise + charges),
        currency=command.currency,
        mode=command.mode,
        party=command.party,
        remarks=command.remarks,
        redirect_url=command.redirect_url,
        channel_id=candidate.channel_id,
        provider_id=candidate.provider_id,
        legal_entity_id=candidate.legal_entity_id,
        provider_fee_paise=candidate.provider_fee_paise,
        provider_tax_paise=candidate.provider_tax_paise,
        usage_day=day,
        created_at=now,
        updated_at=now,
        attempt_started_at=now,
        expires_at=expires_at,
        due_at=first_look(command.kind, rules.polls(command.kind), now, expires_at),
    )


def _keep_as_failed(book: PaymentBook, transaction: Transaction, held: LedgerRejected, now: datetime) -> Refused:
    short = held.reason is Rejection.INSUFFICIENT_FUNDS
    reason = Refusal.INSUFFICIENT_BALANCE if short else Refusal.LEDGER_REFUSED
    transaction.due_at, transaction.attempt = None, 0
    transaction.error_code, transaction.error_message = reason.value, held.detail
    book.create(transaction)
    book.move(transaction, Status.FAILED, now, Source.API, f"no hold: {held.reason}")
    return Refused(reason, transaction.copied())
