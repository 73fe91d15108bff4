"""An operator's own word: a status set by hand, with its reason, when automation has nothing left to go by.

Pure. The ledger is made right by new entries (post, void, reverse or a fresh posting), never by changing old ones, and
every change leaves an audit record with before and after. Source: spec/lifecycles.md "Manual operations".
"""

from __future__ import annotations

from datetime import datetime

from wisipay.payments import settling
from wisipay.payments.book import AuditDue, PaymentBook
from wisipay.payments.commands import Heard, SetStatus
from wisipay.payments.model import Flag, Source, Status, Transaction, WordResult, may_move

ASKS_FOR_A_PERSON = frozenset({Flag.AMOUNT_MISMATCH, Flag.MANUAL_REVIEW})

_SOURCE = Source.MANUAL_STATUS_UPDATE


def set_status(book: PaymentBook, command: SetStatus, now: datetime) -> Heard:
    """Move a payment as an operator says; the marks that asked for a person are taken off.

    FAILED for a payment that had succeeded means that its money came back: it becomes REVERSED.
    """
    transaction = book.transactions.get(command.transaction_id)
    if transaction is None:
        return Heard(WordResult.UNKNOWN_TRANSACTION, None)
    before, flags = transaction.status, transaction.flags
    target = Status.REVERSED if command.status is Status.FAILED and before is Status.SUCCESS else command.status
    if not may_move(transaction.kind, before, target):
        return Heard(WordResult.REPEATED, transaction.copied(), before)
    transaction.flags = flags - ASKS_FOR_A_PERSON
    transaction.utr = command.utr or transaction.utr
    if not _move(book, transaction, target, f"by {command.actor}: {command.reason}", now):
        return Heard(WordResult.RETRY, transaction.copied(), before)
    book.audits.append(
        AuditDue(
            actor=command.actor,
            action="payment.set_status",
            transaction_id=transaction.id,
            reason=command.reason,
            before={"status": before.value, "flags": sorted(flags)},
            after={"status": target.value, "flags": sorted(transaction.flags)},
            at=now,
        ),
    )
    return Heard(WordResult.APPLIED, transaction.copied(), before)


def _move(book: PaymentBook, transaction: Transaction, target: Status, message: str, now: datetime) -> bool:
    if target is Status.SUCCESS:
        return settling.succeed(book, transaction, now, _SOURCE, message)
    if target is Status.REVERSED:
        return settling.reverse(book, transaction, now, _SOURCE, message)
    return settling.fail(book, transaction, now, _SOURCE, "FAILED_BY_HAND", message)
