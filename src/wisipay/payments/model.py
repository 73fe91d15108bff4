"""What a payment is: its words, its fields and the moves its status may make.

Pure types. This file decides which status may follow which; it never loads, stores or calls anything.
Sources: spec/lifecycles.md, spec/data.md.
"""

from __future__ import annotations

from copy import copy
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from wisipay.core.money import Paise


class Kind(StrEnum):
    """Which way the money goes."""

    PAYIN = "PAYIN"
    PAYOUT = "PAYOUT"


class Status(StrEnum):
    """The status words of the merchant contract."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REVERSED = "REVERSED"


class Source(StrEnum):
    """Who brought an event of the timeline."""

    API = "API"
    WEBHOOK = "WEBHOOK"
    STATUS_POLL = "STATUS_POLL"
    STATUS_SYNC = "STATUS_SYNC"
    MANUAL_STATUS_UPDATE = "MANUAL_STATUS_UPDATE"
    AUTO_EXPIRE = "AUTO_EXPIRE"


class Flag(StrEnum):
    """Marks that ask for an operator's eye."""

    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    LATE_SUCCESS = "LATE_SUCCESS"
    MANUAL_REVIEW = "MANUAL_REVIEW"


class WordResult(StrEnum):
    """What became of a provider's word."""

    APPLIED = "APPLIED"
    REPEATED = "REPEATED"
    HINT_CHECKED = "HINT_CHECKED"
    MISMATCH = "MISMATCH"
    UNKNOWN_TRANSACTION = "UNKNOWN_TRANSACTION"
    RETRY = "RETRY"


_UPI = "upi://pay?"

OPEN = frozenset({Status.PENDING, Status.PROCESSING})
FINAL = frozenset(Status) - OPEN

TRANSITIONS: dict[Kind, frozenset[tuple[Status, Status]]] = {
    Kind.PAYIN: frozenset(
        {
            (Status.PENDING, Status.PROCESSING),
            (Status.PENDING, Status.SUCCESS),
            (Status.PENDING, Status.FAILED),
            (Status.PENDING, Status.EXPIRED),
            (Status.PROCESSING, Status.SUCCESS),
            (Status.PROCESSING, Status.FAILED),
            (Status.PROCESSING, Status.EXPIRED),
            (Status.EXPIRED, Status.SUCCESS),  # late success: real money
            (Status.FAILED, Status.SUCCESS),  # late success: real money
            (Status.SUCCESS, Status.REVERSED),
        },
    ),
    Kind.PAYOUT: frozenset(
        {
            (Status.PENDING, Status.PROCESSING),
            (Status.PENDING, Status.SUCCESS),
            (Status.PENDING, Status.FAILED),
            (Status.PROCESSING, Status.SUCCESS),
            (Status.PROCESSING, Status.FAILED),
            (Status.SUCCESS, Status.REVERSED),
            (Status.FAILED, Status.SUCCESS),  # late success: real money, a fresh posting
        },
    ),
}


def may_move(kind: Kind, before: Status, after: Status) -> bool:
    """Whether the table of transitions allows this move."""
    return (before, after) in TRANSITIONS[kind]


class Candidate(msgspec.Struct, frozen=True):
    """One channel that routing offers for a payment, with what it would cost us and what it still may carry.

    Limits are paise per IST day and month; None means no limit.
    """

    channel_id: str
    provider_id: str
    legal_entity_id: str
    provider_fee_paise: Paise
    provider_tax_paise: Paise
    daily_limit_paise: Paise | None
    monthly_limit_paise: Paise | None
    poll_immediately: bool
    reason: str


class Transaction(msgspec.Struct):
    """One payment as stored; the machine works on copies that the store loaded under a row lock.

    All money is paise. `attempt` counts provider calls begun (0: none ever was); `due_at` is when an open intent
    is looked at again, None when nothing is due. `usage_day` is the IST day whose limits the payment counts in.
    """

    id: str
    merchant_id: str
    order_id: str
    kind: Kind
    status: Status
    amount_paise: Paise
    fee_paise: Paise
    tax_paise: Paise
    net_paise: Paise
    currency: str
    mode: str
    party: dict[str, Any]
    remarks: str | None
    redirect_url: str | None
    channel_id: str
    provider_id: str
    legal_entity_id: str
    provider_fee_paise: Paise
    provider_tax_paise: Paise
    usage_day: date
    created_at: datetime
    updated_at: datetime
    attempt_started_at: datetime
    expires_at: datetime | None
    due_at: datetime | None
    attempt: int = 1
    provider_reference: str | None = None
    payment_url: str | None = None
    utr: str | None = None
    flags: frozenset[str] = frozenset()
    error_code: str | None = None
    error_message: str | None = None
    polls: int = 0
    not_found: int = 0
    event_count: int = 0
    callback_count: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None

    def copied(self) -> Transaction:
        """Return a payment of the same fields, which is no longer the same when this one changes."""
        return copy(self)

    @property
    def is_open(self) -> bool:
        """Whether the payment still waits for its end."""
        return self.status in OPEN

    @property
    def is_held_for_operator(self) -> bool:
        """Whether automation must leave it alone: the provider's word contradicted our books."""
        return Flag.AMOUNT_MISMATCH in self.flags

    @property
    def counts_in_limits(self) -> bool:
        """Whether its amount stands in the usage counters: neither failed nor expired."""
        return self.status not in {Status.FAILED, Status.EXPIRED}

    @property
    def upi_link(self) -> str | None:
        """The UPI link to pay by, where the provider gave one instead of a page of its own."""
        link = self.payment_url
        return link if link is not None and link[: len(_UPI)].lower() == _UPI else None

    @property
    def reference(self) -> str:
        """The reference that the current attempt gave to its provider."""
        return attempt_reference(self.id, self.attempt)


class Attempt(msgspec.Struct, frozen=True):
    """One provider call, recorded before it is made."""

    transaction_id: str
    number: int
    channel_id: str
    provider_id: str
    legal_entity_id: str
    reference: str
    provider_fee_paise: Paise
    provider_tax_paise: Paise
    reason: str
    started_at: datetime


class Event(msgspec.Struct, frozen=True):
    """One line of a payment's timeline."""

    transaction_id: str
    number: int
    at: datetime
    source: Source
    before: Status | None
    after: Status
    attempt: int
    message: str
    data: dict[str, Any] = msgspec.field(default_factory=dict)


def attempt_reference(transaction_id: str, attempt: int) -> str:
    """Return the reference of one attempt: the transaction id first, then with `A2`, `A3`, … behind it."""
    return transaction_id if attempt == 1 else f"{transaction_id}A{attempt}"


def split_reference(reference: str, id_length: int) -> tuple[str, int] | None:
    """Return (transaction id, attempt) of a reference, or None when it can't be one of ours.

    `id_length` is the length of a whole transaction id of this installation's prefix.
    """
    transaction_id, suffix = reference[:id_length], reference[id_length:]
    if len(transaction_id) != id_length:
        return None
    if not suffix:
        return transaction_id, 1
    if suffix[0] == "A" and suffix[1:].isdecimal() and suffix.isascii() and int(suffix[1:]) > 1:
        return transaction_id, int(suffix[1:])
    return None
