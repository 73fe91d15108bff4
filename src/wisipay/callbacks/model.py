"""The words of the callbacks slice: what happened, what is to be sent, and how an attempt to send it ended.

Pure types. Nothing here may do I/O or read a clock.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

PaymentType = Literal["PAYIN", "PAYOUT"]


class CallbackState(StrEnum):
    """Where an event stands. Only WAITING events are ever sent."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    NO_URL = "NO_URL"
    SWITCHED_OFF = "SWITCHED_OFF"


class AttemptOutcome(StrEnum):
    """What one attempt meant for its event."""

    DELIVERED = "DELIVERED"
    RETRY = "RETRY"
    DEAD = "DEAD"
    SWITCHED_OFF = "SWITCHED_OFF"


class CallbackEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A merchant's transaction reached a status that the merchant is to be told of.

    `event_id` is the `webhook-id` of every attempt, so it is also what a merchant recognises a repeat by.
    `status` is a status word of the merchant API; `url` is the endpoint configured when it happened, None for none.
    """

    event_id: UUID
    merchant_id: str
    transaction_id: str
    order_id: str
    type: PaymentType
    status: str
    amount_paise: int
    currency: str
    utr: str | None
    url: str | None
    occurred_at: datetime


class ClaimedCallback(msgspec.Struct, frozen=True, gc=False):
    """An event leased to this worker. `attempts` were made before this one."""

    event: CallbackEvent
    attempts: int
    lease_token: UUID


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One attempt, as it is recorded: `answer` is the first KiB of the body, `gap_seconds` the wait before the next.

    `endpoint_id` is None for the callback URL of the event's service. `body_sha256` is the digest of what was sent, and
    `signed_by` the ids of the secrets that signed it, newest first with a space between; both None where nothing was.
    """

    callback: ClaimedCallback
    outcome: AttemptOutcome
    url: str | None
    http_status: int | None
    latency_ms: int
    answer: bytes
    error: str | None
    started_at: datetime
    gap_seconds: int
    endpoint_id: str | None = None
    body_sha256: bytes | None = None
    signed_by: str | None = None
