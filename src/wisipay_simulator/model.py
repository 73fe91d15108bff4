"""What the simulated bank knows: orders, payments, their statuses and the moves between them. Types only, no I/O."""

from enum import StrEnum
from typing import Literal

import msgspec

Kind = Literal["payin", "payout"]


class Status(StrEnum):
    """The provider's own word for a payment."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REVERSED = "REVERSED"


OPEN = frozenset({Status.PENDING, Status.PROCESSING})

MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.SUCCESS, Status.FAILED, Status.EXPIRED}),
    Status.PROCESSING: frozenset({Status.SUCCESS, Status.FAILED, Status.EXPIRED}),
    Status.FAILED: frozenset({Status.SUCCESS}),
    Status.EXPIRED: frozenset({Status.SUCCESS}),
    Status.SUCCESS: frozenset({Status.REVERSED}),
    Status.REVERSED: frozenset(),
}


class Order(msgspec.Struct, frozen=True, gc=False):
    """One create request in neutral words, whichever provider's wire format it came in.

    `account` is the credential it was made with; `party` the customer or beneficiary, for people to read.
    """

    provider: str
    account: str
    kind: Kind
    reference: str
    amount_paise: int
    mode: str
    party: str
    callback_url: str
    redirect_url: str
    remarks: str


class Step(msgspec.Struct, frozen=True, gc=False):
    """A change of status that is already decided, `after_ms` milliseconds after the payment was accepted."""

    after_ms: int
    status: Status


class WebhookPlan(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How the webhooks of one payment are sent."""

    missing: bool = False
    late_ms: int = 0
    copies: int = 1
    out_of_order: bool = False
    wrong_amount: bool = False
    wrong_currency: bool = False
    forged: bool = False
    unsigned: bool = False
    broken: bool = False
    unknown_reference: bool = False


PLAIN_WEBHOOK = WebhookPlan()


class Payment(msgspec.Struct, gc=False):
    """One accepted order: the truth about the money, whatever the caller was told."""

    payment_id: str
    transaction: str
    order: Order
    created_ms: int
    updated_ms: int
    status: Status
    steps: tuple[Step, ...]
    webhook: WebhookPlan
    status_fault: str = ""
    status_shares: bool = True
    utr: str = ""
    message: str = ""
    executions: int = 0
    requests: int = 1
    announced: Status | None = None
