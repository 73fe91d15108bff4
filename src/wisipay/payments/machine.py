"""The payment machine: what each command does to the payments of a book.

Pure: no I/O, no clock, no randomness; time and ids come in. It holds the law of the product:
an unknown answer stays unknown, only a provider's definite word (or certainty that nothing was sent) ends a payout,
the first final word wins, and a word that contradicts our amount never settles anything.
Source: spec/lifecycles.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from wisipay.ledger import Rejected as LedgerRejected
from wisipay.payments import postings, settling
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import (
    Answered,
    Command,
    CreateAnswered,
    Heard,
    Looked,
    Open,
    ProviderWord,
    Result,
    SetStatus,
)
from wisipay.payments.manual import set_status
from wisipay.payments.model import Candidate, Flag, Kind, Source, Status, Transaction, WordResult, may_move
from wisipay.payments.opening import first_look, first_within_limits, open_payment
from wisipay.payments.polling import EXPIRED_PAYIN_POLLS, PAYOUT_UTR_GAPS_SECONDS
from wisipay.payments.rules import Rules
from wisipay.providers import Accepted, NotFound, ProviderStatus, Rejected, StatusReport, Unknown

RETURNED = "PROVIDER_RETURNED"
"""The error code of a payment whose return was heard before its success: a success that comes then moves nothing."""


def decide(book: PaymentBook, command: Command, now: datetime, rules: Rules) -> Result:
    """Decide one command against the book, recording its effects there, and return its own result."""
    match command:
        case Open():
            return open_payment(book, command, now, rules)
        case CreateAnswered():
            return _create_answered(book, command, now, rules)
        case Looked():
            return _looked(book, command, now, rules)
        case SetStatus():
            return set_status(book, command, now)
    return _word_arrived(book, command, now)


def _word_arrived(book: PaymentBook, word: ProviderWord, now: datetime) -> Heard:
    transaction_id = word.transaction_id
    if transaction_id is None and word.provider_reference is not None:
        transaction_id = book.references.get((word.provider_id, word.provider_reference))
    transaction = book.transactions.get(transaction_id or "")
    if transaction is None or not _may_speak(book, transaction, word):
        return Heard(WordResult.UNKNOWN_TRANSACTION, None)
    before = transaction.status
    result = _hear(book, transaction, word, now)
    return Heard(result, transaction.copied(), before)


def _may_speak(book: PaymentBook, transaction: Transaction, word: ProviderWord) -> bool:
    """Whether the channel that a word came from is the one that was asked for this payment's attempt."""
    attempt = book.attempts.get((transaction.id, word.attempt or transaction.attempt))
    channel_id = transaction.channel_id if attempt is None else attempt.channel_id
    of_its_channel = word.channel_ids is None or channel_id in word.channel_ids
    return of_its_channel and word.kind in {None, transaction.kind}


def _hear(book: PaymentBook, transaction: Transaction, word: ProviderWord, now: datetime) -> WordResult:
    if transaction.is_held_for_operator:
        return WordResult.MISMATCH
    if word.attempt is not None and word.attempt != transaction.attempt:
        return _hear_other_attempt(book, transaction, word, now)
    _learn_references(book, transaction, word, now)
    target = _target_status(transaction, word.status)
    if not may_move(transaction.kind, transaction.status, target):
        if target is Status.FAILED and word.status is ProviderStatus.REVERSED:
            _remember_return(book, transaction, word, now)
        return WordResult.REPEATED
    if target is Status.SUCCESS and _contradicts(transaction, word):
        return _hold_for_operator(book, transaction, word, now)
    if target is Status.SUCCESS and transaction.error_code == RETURNED:
        return _ask_for_review(book, transaction, word.source, "a success that was heard after its return", now)
    return WordResult.APPLIED if _move(book, transaction, target, word, now) else WordResult.RETRY


def _move(book: PaymentBook, transaction: Transaction, target: Status, word: ProviderWord, now: datetime) -> bool:
    if target is Status.SUCCESS:
        return settling.succeed(book, transaction, now, word.source, word.message)
    if target is Status.FAILED:
        code = RETURNED if word.status is ProviderStatus.REVERSED else "PROVIDER_FAILED"
        return settling.fail(book, transaction, now, word.source, code, word.message)
    if target is Status.REVERSED:
        return settling.reverse(book, transaction, now, word.source, word.message)
    if target is Status.EXPIRED:
        settling.expire(book, transaction, now)
    else:
        book.move(transaction, target, now, word.source, word.message or "in progress")
    return True


def _target_status(transaction: Transaction, said: ProviderStatus) -> Status:
    """Return the status that a provider's word means for this payment."""
    if said is ProviderStatus.REVERSED and transaction.status not in {Status.SUCCESS, Status.REVERSED}:
        return Status.FAILED
    if said is ProviderStatus.EXPIRED and transaction.kind is Kind.PAYOUT:
        return Status.PROCESSING  # a payout does not lapse: its fate is unknown, so it is asked about again
    return Status(said.value)


def _contradicts(transaction: Transaction, word: ProviderWord) -> bool:
    wrong_amount = word.amount_paise is not None and word.amount_paise != transaction.amount_paise
    return wrong_amount or (word.currency is not None and word.currency != transaction.currency)


def _remember_return(book: PaymentBook, transaction: Transaction, word: ProviderWord, now: datetime) -> None:
    """Note that the money of a payment which had ended went and came back: its success may still be under way to us."""
    if transaction.error_code != RETURNED:
        transaction.error_code = RETURNED
        book.note(transaction, now, word.source, "its provider says that the money came back")
        book.touch(transaction, now)


def _hold_for_operator(book: PaymentBook, transaction: Transaction, word: ProviderWord, now: datetime) -> WordResult:
    transaction.flags |= {Flag.AMOUNT_MISMATCH}
    transaction.due_at = None
    said = {"amount_paise": word.amount_paise, "currency": word.currency}
    book.note(transaction, now, word.source, "the provider's amount or currency is not ours", data=said)
    book.touch(transaction, now)
    book.alert("amount mismatch", transaction)
    return WordResult.MISMATCH


def _learn_references(book: PaymentBook, transaction: Transaction, word: ProviderWord, now: datetime) -> None:
    _learn_provider_reference(book, transaction, word.provider_reference, word.source, now)
    if word.utr and transaction.utr is None:
        transaction.utr = word.utr
        book.touch(transaction, now)


def _hear_other_attempt(book: PaymentBook, transaction: Transaction, word: ProviderWord, now: datetime) -> WordResult:
    """Hear news of an attempt that we left behind: a success there is real money at another channel."""
    attempt = book.attempts.get((transaction.id, word.attempt or 0))
    if word.status is ProviderStatus.REVERSED:
        what = f"return of attempt {word.attempt}, which is not the payment's current one"
        return _ask_for_review(book, transaction, word.source, what, now)
    if word.status is not ProviderStatus.SUCCESS:
        return WordResult.REPEATED
    can_settle = may_move(transaction.kind, transaction.status, Status.SUCCESS)
    if attempt is None or transaction.kind is Kind.PAYOUT or not can_settle:
        what = f"success of attempt {word.attempt}, which is not the payment's current one"
        return _ask_for_review(book, transaction, word.source, what, now)
    if _contradicts(transaction, word):
        return _hold_for_operator(book, transaction, word, now)
    back = replace(
        transaction,
        attempt=attempt.number,
        channel_id=attempt.channel_id,
        provider_id=attempt.provider_id,
        legal_entity_id=attempt.legal_entity_id,
        provider_fee_paise=attempt.provider_fee_paise,
        provider_tax_paise=attempt.provider_tax_paise,
        provider_reference=None,
        utr=None,
    )
    _exchange(book, transaction, back)
    _learn_references(book, back, word, now)
    settled = settling.succeed(book, back, now, word.source, word.message)
    return WordResult.APPLIED if settled else WordResult.RETRY


def _ask_for_review(
    book: PaymentBook, transaction: Transaction, source: Source, what: str, now: datetime
) -> WordResult:
    if Flag.MANUAL_REVIEW in transaction.flags:
        return WordResult.REPEATED
    transaction.flags |= {Flag.MANUAL_REVIEW}
    book.note(transaction, now, source, what)
    book.touch(transaction, now)
    book.alert(what, transaction)
    return WordResult.MISMATCH


def _create_answered(book: PaymentBook, command: CreateAnswered, now: datetime, rules: Rules) -> Answered:
    transaction = book.transactions[command.transaction_id]
    if command.attempt != transaction.attempt or transaction.is_held_for_operator:
        return Answered(transaction.copied(), _moved_on_before(transaction, command))
    retry_on: Candidate | None = None
    match command.outcome:
        case Accepted() as accepted:
            _accepted(book, transaction, command, accepted, now, rules)
        case Rejected() as rejected if transaction.status is Status.PENDING:
            book.note(transaction, now, Source.API, f"channel refused: {rejected.code} {rejected.message}")
            retry_on = _next_channel(book, transaction, command.remaining, now, rules)
            if retry_on is None:
                code = "PROVIDER_REJECTED" if rejected.sent else "PROVIDER_UNAVAILABLE"
                settling.fail(book, transaction, now, Source.API, code, rejected.message)
        case Unknown() as unknown if transaction.status is Status.PENDING:
            retry_on = _unknown(book, transaction, command, unknown, now, rules)
    return Answered(book.transactions[transaction.id].copied(), retry_on)


def _moved_on_before(transaction: Transaction, command: CreateAnswered) -> Candidate | None:
    """Return the channel that this very answer moved the payment to, when the word of its commit was lost.

    An answer is submitted once, so whoever submits it again has not called that channel yet.
    """
    if transaction.attempt != command.attempt + 1 or transaction.status is not Status.PENDING:
        return None
    if transaction.is_held_for_operator:
        return None
    return next((each for each in command.remaining if each.channel_id == transaction.channel_id), None)


def _accepted(
    book: PaymentBook,
    transaction: Transaction,
    command: CreateAnswered,
    accepted: Accepted,
    now: datetime,
    rules: Rules,
) -> None:
    if transaction.payment_url is None and accepted.payment_url is not None:
        transaction.payment_url = accepted.payment_url
        book.touch(transaction, now)
    word = ProviderWord(
        transaction_id=transaction.id,
        attempt=command.attempt,
        provider_id=transaction.provider_id,
        provider_reference=accepted.provider_reference,
        source=Source.API,
        status=accepted.status,
        amount_paise=accepted.amount,
        utr=accepted.utr,
        message=accepted.message or "",
    )
    _hear(book, transaction, word, now)
    if transaction.status is Status.PENDING and not transaction.is_held_for_operator:
        if transaction.kind is Kind.PAYOUT:
            book.move(transaction, Status.PROCESSING, now, Source.API, "taken by the provider")
            first = 0 if command.poll_immediately else rules.payout_polls.first_seconds
            transaction.due_at = now + timedelta(seconds=first)
        else:
            book.note(transaction, now, Source.API, "taken by the provider")
            book.touch(transaction, now)


def _learn_provider_reference(
    book: PaymentBook, transaction: Transaction, reference: str | None, source: Source, now: datetime
) -> None:
    if reference and transaction.provider_reference is None:
        if book.references.setdefault((transaction.provider_id, reference), transaction.id) == transaction.id:
            transaction.provider_reference = reference
        else:
            _ask_for_review(book, transaction, source, "its provider reference belongs to another payment", now)
        book.touch(transaction, now)


def _unknown(
    book: PaymentBook,
    transaction: Transaction,
    command: CreateAnswered,
    unknown: Unknown,
    now: datetime,
    rules: Rules,
) -> Candidate | None:
    """Keep a payout's hold and ask later; a payin moves no money by being asked for twice, so it may go on."""
    _learn_provider_reference(book, transaction, unknown.provider_reference, Source.API, now)
    if transaction.kind is Kind.PAYOUT:
        book.move(transaction, Status.PROCESSING, now, Source.API, f"answer unknown: {unknown.reason}")
        return None
    book.note(transaction, now, Source.API, f"answer unknown: {unknown.reason}")
    book.touch(transaction, now)
    return _next_channel(book, transaction, command.remaining, now, rules)


def _next_channel(
    book: PaymentBook, transaction: Transaction, remaining: tuple[Candidate, ...], now: datetime, rules: Rules
) -> Candidate | None:
    """Begin an attempt on the next channel within its limits; None when there is none to be had."""
    candidate, _ = first_within_limits(
        book, remaining, transaction.kind, transaction.amount_paise, transaction.usage_day
    )
    if candidate is None:
        return None
    moved = replace(
        transaction,
        attempt=transaction.attempt + 1,
        channel_id=candidate.channel_id,
        provider_id=candidate.provider_id,
        legal_entity_id=candidate.legal_entity_id,
        provider_fee_paise=candidate.provider_fee_paise,
        provider_tax_paise=candidate.provider_tax_paise,
        provider_reference=None,
        payment_url=None,
        attempt_started_at=now,
        not_found=0,
        due_at=first_look(transaction.kind, rules.polls(transaction.kind), now, transaction.expires_at),
    )
    if transaction.kind is Kind.PAYOUT:
        held = book.ledger.apply_linked([postings.void_hold(transaction), postings.hold(moved)], now)
        if any(isinstance(result, LedgerRejected) for result in held):
            return None
    _exchange(book, transaction, moved)
    book.begin_attempt(moved, candidate, now)
    book.note(moved, now, Source.API, "next channel", data={"channel": candidate.channel_id})
    book.touch(moved, now)
    return candidate


def _exchange(book: PaymentBook, transaction: Transaction, moved: Transaction) -> None:
    """Put the payment on another channel: the limits it counts in move with it."""
    if transaction.counts_in_limits:
        book.release_use(transaction)
        book.use(moved)
    book.transactions[transaction.id] = moved


def _looked(book: PaymentBook, command: Looked, now: datetime, rules: Rules) -> Heard:
    transaction = book.transactions[command.transaction_id]
    before, due_before = transaction.status, transaction.due_at
    holds_lease = command.lease_token is not None and command.lease_token == transaction.lease_token
    result = _hear_answer(book, transaction, command, now, rules, counts=holds_lease)
    transaction = book.transactions[command.transaction_id]
    if holds_lease:
        transaction.lease_token, transaction.lease_until = None, None
        book.touch(transaction, now)
        if transaction.due_at == due_before:
            _look_again_later(book, transaction, now, rules)
    return Heard(result, transaction.copied(), before)


def _hear_answer(
    book: PaymentBook, transaction: Transaction, command: Looked, now: datetime, rules: Rules, *, counts: bool
) -> WordResult:
    is_current = command.attempt == transaction.attempt
    match command.outcome:
        case StatusReport() as report:
            if is_current:
                transaction.not_found = 0
            word = ProviderWord(
                transaction_id=transaction.id,
                attempt=command.attempt,
                provider_id=command.provider_id,
                provider_reference=report.provider_reference,
                source=command.source,
                status=report.status,
                amount_paise=report.amount,
                utr=report.utr,
                message=report.message or "",
            )
            return _hear(book, transaction, word, now)
        case NotFound() if counts and is_current and transaction.kind is Kind.PAYOUT:
            transaction.not_found += 1
            if command.not_found_is_definite and _never_arrived(transaction, now, rules):
                settling.fail(book, transaction, now, command.source, "PROVIDER_NOT_REACHED", "never reached it")
                return WordResult.APPLIED
            return WordResult.REPEATED
    return WordResult.REPEATED


def _never_arrived(transaction: Transaction, now: datetime, rules: Rules) -> bool:
    age_seconds = (now - transaction.attempt_started_at).total_seconds()
    return (
        transaction.is_open
        and transaction.provider_reference is None
        and transaction.not_found >= rules.not_found_looks
        and age_seconds >= rules.not_found_after_seconds
    )


def _look_again_later(book: PaymentBook, transaction: Transaction, now: datetime, rules: Rules) -> None:
    if transaction.status is Status.EXPIRED and not EXPIRED_PAYIN_POLLS.is_over(transaction.polls):
        transaction.due_at = EXPIRED_PAYIN_POLLS.next_look(transaction.polls, now)
        transaction.polls += 1
    elif transaction.status is Status.SUCCESS and settling.wants_utr(transaction):
        transaction.polls += 1
        gaps = PAYOUT_UTR_GAPS_SECONDS[transaction.polls :]
        transaction.due_at = now + timedelta(seconds=gaps[0]) if gaps else None
    elif not transaction.is_open or transaction.is_held_for_operator:
        transaction.due_at = None
    elif transaction.expires_at is not None and now >= transaction.expires_at:
        settling.expire(book, transaction, now)
    else:
        later = rules.polls(transaction.kind).next_look(transaction.polls, now)
        expires_at = transaction.expires_at
        transaction.due_at = later if expires_at is None else min(later, expires_at)
        transaction.polls += 1
