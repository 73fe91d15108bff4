"""The moves that touch money: success, failure, expiry and reversal, each with its ledger entry.

Pure. Each function moves the status only if the ledger accepted the entry; a ledger that refuses (a frozen account)
leaves the payment where it was, flagged for an operator and due again, because the provider's money is real.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from wisipay.ledger import Command as LedgerCommand
from wisipay.ledger import Rejected
from wisipay.payments import postings
from wisipay.payments.book import PaymentBook
from wisipay.payments.model import Flag, Kind, Source, Status, Transaction
from wisipay.payments.polling import EXPIRED_PAYIN_POLLS, PAYOUT_UTR_GAPS_SECONDS

REFUSED_AGAIN_SECONDS = 300
"""How long a settlement that the ledger refused waits for its next try."""


def succeed(book: PaymentBook, transaction: Transaction, now: datetime, source: Source, message: str) -> bool:
    """Settle a success; after FAILED or EXPIRED it is a late one: real money, posted afresh and flagged."""
    late = not transaction.is_open
    if transaction.kind is Kind.PAYIN:
        entry: LedgerCommand = postings.capture(transaction)
    else:
        entry = postings.late_posting(transaction) if late else postings.post_hold(transaction)
    if not _write(book, transaction, entry, now, source):
        return False
    if late:
        transaction.flags |= {Flag.LATE_SUCCESS}
        book.alert("late success", transaction)
        book.use(transaction)
    transaction.due_at, transaction.error_code, transaction.error_message = None, None, None
    if wants_utr(transaction) and source is not Source.MANUAL_STATUS_UPDATE:
        transaction.due_at, transaction.polls = now + timedelta(seconds=PAYOUT_UTR_GAPS_SECONDS[0]), 0
    book.move(transaction, Status.SUCCESS, now, source, message or ("late success" if late else "succeeded"))
    return True


def wants_utr(transaction: Transaction) -> bool:
    """Tell whether a payout that succeeds is not known by its bank yet: its merchant will be asked for the UTR."""
    return transaction.kind is Kind.PAYOUT and transaction.utr is None


def fail(book: PaymentBook, transaction: Transaction, now: datetime, source: Source, code: str, message: str) -> bool:
    """End an open payment as failed; a payout's reserved money goes back."""
    if transaction.kind is Kind.PAYOUT and not _write(book, transaction, postings.void_hold(transaction), now, source):
        return False
    book.release_use(transaction)
    transaction.due_at, transaction.error_code, transaction.error_message = None, code, message
    book.move(transaction, Status.FAILED, now, source, message or code)
    return True


def expire(book: PaymentBook, transaction: Transaction, now: datetime) -> None:
    """End an open payin whose time is over; its provider is asked a few times more, for a late success."""
    book.release_use(transaction)
    transaction.due_at, transaction.polls = now + timedelta(seconds=EXPIRED_PAYIN_POLLS.first_seconds), 0
    book.move(transaction, Status.EXPIRED, now, Source.AUTO_EXPIRE, "not paid in time")


def reverse(book: PaymentBook, transaction: Transaction, now: datetime, source: Source, message: str) -> bool:
    """Undo a success whose money came back, by an inverse entry."""
    if not _write(book, transaction, postings.reversal(transaction), now, source):
        return False
    transaction.due_at = None
    book.move(transaction, Status.REVERSED, now, source, message or "returned by the bank")
    return True


def _write(book: PaymentBook, transaction: Transaction, entry: LedgerCommand, now: datetime, source: Source) -> bool:
    result = book.ledger.apply(entry, now)
    if not isinstance(result, Rejected):
        return True
    transaction.due_at = now + timedelta(seconds=REFUSED_AGAIN_SECONDS)
    transaction.flags |= {Flag.MANUAL_REVIEW}
    book.note(transaction, now, source, f"the ledger refused: {result.reason} {result.detail}")
    book.touch(transaction, now)
    book.alert("ledger refused a settlement", transaction)
    return False
