"""What metrics and log say of an attempt.

Decides the words for why one failed. Must never name a merchant in a metric.
"""

from http import HTTPStatus
from typing import Final

from wisipay.callbacks.model import Attempt, AttemptOutcome
from wisipay.core.logging import get_logger
from wisipay.core.metrics import CALLBACK_DELIVERIES, CALLBACK_FAILURES, CALLBACK_LAG_SECONDS

_DELIVERIES: Final = {outcome: CALLBACK_DELIVERIES.labels(outcome=outcome) for outcome in AttemptOutcome}
_SLOW_DOWN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_logger = get_logger(__name__)


def tell(attempt: Attempt, *, is_ours: bool) -> None:
    """Count and log an attempt; `is_ours` is whether it still held its lease when it was recorded."""
    event = attempt.callback.event
    _DELIVERIES[attempt.outcome].inc()
    if attempt.outcome is AttemptOutcome.DELIVERED:
        CALLBACK_LAG_SECONDS.observe(max(0.0, (attempt.started_at - event.occurred_at).total_seconds()))
    else:
        CALLBACK_FAILURES.labels(reason=failure_reason(attempt)).inc()
    log = _logger.info if attempt.outcome is AttemptOutcome.DELIVERED else _logger.warning
    log(
        f"callback.{attempt.outcome.lower()}",
        merchant_id=event.merchant_id,
        transaction_id=event.transaction_id,
        order_id=event.order_id,
        webhook_id=str(event.event_id),
        endpoint_id=attempt.endpoint_id,
        job_attempt=attempt.callback.attempts + 1,
        status=attempt.http_status,
        error=attempt.error,
        latency_ms=attempt.latency_ms,
        lease_lost=not is_ours,
    )


def failure_reason(attempt: Attempt) -> str:
    """Say in a word why an attempt failed: one of eight."""
    status = attempt.http_status
    if status is None:
        return "not_sent" if attempt.body_sha256 is None else "no_answer"
    if status == HTTPStatus.GONE:
        return "gone"
    if status in _SLOW_DOWN:
        return "slow_down"
    by_class = {1: "informational", 3: "redirect", 4: "refused", 5: "broken"}
    return by_class.get(status // 100, "odd")
