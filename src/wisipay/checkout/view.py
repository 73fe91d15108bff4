"""What the payer of a collection may see, and nothing else of it. Pure.

Decides the words a payment's status has for its payer. Must never carry the customer's data, fees, providers or ids
of ours: an address may be forwarded.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from wisipay.core.money import Paise
from wisipay.merchants import Merchant
from wisipay.payments import Status, Transaction


class State(StrEnum):
    """How a collection stands for its payer; the lower-case words are the page's classes."""

    OPEN = "open"
    WORKING = "working"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    RETURNED = "returned"

    @property
    def is_final(self) -> bool:
        """Whether the payer has nothing to wait for."""
        return self not in {State.OPEN, State.WORKING}


_STATES: Final = {
    Status.PENDING: State.OPEN,
    Status.PROCESSING: State.WORKING,
    Status.SUCCESS: State.PAID,
    Status.FAILED: State.FAILED,
    Status.EXPIRED: State.EXPIRED,
    Status.REVERSED: State.RETURNED,
}


@dataclass(frozen=True, slots=True)
class Payable:
    """One collection as its payer sees it. `upi_link` is there while it may be paid; `is_test`: no money moves."""

    merchant: str
    order_id: str
    amount_paise: Paise
    state: State
    upi_link: str | None
    expires_at: datetime | None
    redirect_url: str | None
    is_test: bool = False


def state_of(status: Status, expires_at: datetime | None, now: datetime) -> State:
    """Return the payer's word for a status; past its time an open payment is no longer offered, only waited for."""
    state = _STATES[status]
    is_over = expires_at is not None and expires_at <= now
    return State.WORKING if state is State.OPEN and is_over else state


def payable_of(transaction: Transaction, merchant: Merchant | None, now: datetime) -> Payable:
    """Return a payment as its payer sees it."""
    state = state_of(transaction.status, transaction.expires_at, now)
    return Payable(
        merchant=merchant.display_name if merchant else "the merchant",
        order_id=transaction.order_id,
        amount_paise=transaction.amount_paise,
        state=state,
        upi_link=transaction.upi_link if state is State.OPEN else None,
        expires_at=transaction.expires_at,
        redirect_url=transaction.redirect_url,
    )
