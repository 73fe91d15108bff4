"""Events and attempts for the tests of callbacks."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from wisipay.callbacks import AttemptOutcome, CallbackEvent
from wisipay.callbacks.model import Attempt, ClaimedCallback

_numbers = count(1)
OCCURRED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(**fields: Any) -> CallbackEvent:  # noqa: ANN401 - any field of the event
    """Return a payin event of its own transaction; `fields` replace any of it."""
    number = next(_numbers)
    given = {
        "event_id": uuid4(),
        "merchant_id": "MER-1",
        "transaction_id": f"WP{number:024d}",
        "order_id": f"ORDER-{number}",
        "type": "PAYIN",
        "status": "SUCCESS",
        "amount_paise": 100_000,
        "currency": "INR",
        "utr": None,
        "url": "http://127.0.0.1:9/callback",
        "occurred_at": OCCURRED_AT,
    }
    return CallbackEvent(**given | fields)  # type: ignore[arg-type] # the fields are of many types


def attempt(
    claimed: ClaimedCallback,
    outcome: AttemptOutcome = AttemptOutcome.DELIVERED,
    *,
    gap_seconds: int = 0,
    token: UUID | None = None,
    status: int = 200,
) -> Attempt:
    """Return an attempt at `claimed`, with the lease of another when `token` is given."""
    return Attempt(
        callback=ClaimedCallback(claimed.event, claimed.attempts, token or claimed.lease_token),
        outcome=outcome,
        url=claimed.event.url,
        http_status=status,
        latency_ms=12,
        answer=b"ok",
        error=None if outcome is AttemptOutcome.DELIVERED else f"answered {status}",
        started_at=datetime.now(UTC),
        gap_seconds=gap_seconds,
    )
