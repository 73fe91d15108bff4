"""Callbacks, verified before they are read.

A callback is authentic when it carries a signature made with one of your secrets, not long ago. It may come more than
once: remember the `event_id` of those you have dealt with.
"""

import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from wisipay_sdk.errors import CallbackNotAuthentic
from wisipay_sdk.models import PaymentType, Status
from wisipay_sdk.signing import standard_signature

_TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Callback:
    """What happened to a payment. `event_id` is the same over all attempts to deliver it."""

    event_id: str
    order_id: str
    transaction_id: str
    type: PaymentType
    status: Status
    amount: Decimal
    currency: str
    utr: str | None
    occurred_at: datetime


def verify_callback(
    headers: Mapping[str, str],
    body: bytes,
    secrets: str | Iterable[str],
    *,
    tolerance_seconds: float = _TOLERANCE_SECONDS,
    now: float | None = None,
) -> Callback:
    """Return the callback, or raise `CallbackNotAuthentic`. `body` is exactly as it came; header names in any case.

    `secrets` is what the address is signed with: your API secret for a callback URL, an endpoint's own (`whsec_…`) for
    an endpoint; or several, while one takes the place of another. `now` is Unix seconds, by default the
    clock's.
    """
    named = {name.lower(): value for name, value in headers.items()}
    event_id, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    offered = named.get("webhook-signature", "").split()
    if not event_id or not offered or not (timestamp.isascii() and timestamp.isdigit()):
        raise CallbackNotAuthentic("webhook-id, webhook-timestamp and webhook-signature are needed")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_seconds:
        raise CallbackNotAuthentic(f"signed more than {tolerance_seconds:g} s from now: replayed, or a clock is wrong")
    for secret in (secrets,) if isinstance(secrets, str) else secrets:
        expected = standard_signature(secret=secret, event_id=event_id, timestamp=timestamp, body=body)
        if any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in offered):
            return _read(event_id, body)
    raise CallbackNotAuthentic("no signature fits: the body was changed on its way, or signed with another secret")


def _read(event_id: str, body: bytes) -> Callback:
    content = json.loads(body, parse_float=Decimal)
    return Callback(
        event_id=event_id,
        order_id=content["orderId"],
        transaction_id=content["transactionId"],
        type=content["type"],
        status=Status(content["status"]),
        amount=Decimal(content["amount"]),
        currency=content["currency"],
        utr=content["utr"],
        occurred_at=datetime.fromtimestamp(content["timestamp"] / 1000, UTC),
    )
