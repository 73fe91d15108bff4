"""Answers, read: a success into its type, a refusal into its error. Nothing of it does I/O."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from wisipay_sdk.errors import InvalidAnswer, PaymentRefused, Refused
from wisipay_sdk.models import Payin, PaymentState, Payout, Status

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    http_status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        """The server's name for this exchange."""
        return self.headers.get("x-request-id")

    @property
    def retry_after_seconds(self) -> float | None:
        """When to come back, where the server says so in seconds."""
        text = self.headers.get("retry-after", "").strip()
        return float(text) if text.isascii() and text.isdigit() else None


def read(answer: Answer, parse: Callable[[Mapping[str, Any]], T]) -> T:
    """Return what a success carries; raise `Refused`, `PaymentRefused` or `InvalidAnswer`."""
    try:
        content = json.loads(answer.body)
        if content["success"] is True:
            return parse(content["data"])
        error = content["error"]
        raise _payment_refused(answer, error) if isinstance(error, Mapping) else _refused(answer, content)
    except (ValueError, KeyError, TypeError) as reason:
        raise InvalidAnswer(
            f"HTTP {answer.http_status} with a body that is not as documented ({reason!r})",
            http_status=answer.http_status,
            request_id=answer.request_id,
        ) from reason


def payin(data: Mapping[str, Any]) -> Payin:
    """Read a payin that was started."""
    return Payin(data["orderId"], data["transactionId"], data["amount"], Status(data["status"]), data.get("paymentUrl"))


def payout(data: Mapping[str, Any]) -> Payout:
    """Read a payout that was started."""
    return Payout(data["orderId"], data["transactionId"], Status(data["status"]), data.get("utr"))


def state(data: Mapping[str, Any]) -> PaymentState:
    """Read how a payment stands."""
    return PaymentState(
        order_id=data["orderId"],
        transaction_id=data["transactionId"],
        type=data["type"],
        status=Status(data["status"]),
        amount=data["amount"],
        utr=data.get("utr"),
        created_at=datetime.fromisoformat(data["createdAt"]),
        updated_at=datetime.fromisoformat(data["updatedAt"]),
    )


def _refused(answer: Answer, content: Mapping[str, Any]) -> Refused:
    return Refused(
        content["error"],
        http_status=answer.http_status,
        code=content["code"],
        details=content.get("details") or {},
        request_id=answer.request_id,
        retry_after_seconds=answer.retry_after_seconds,
    )


def _payment_refused(answer: Answer, error: Mapping[str, Any]) -> PaymentRefused:
    refused = PaymentRefused(
        f"{error['message']}: {error['description']}",
        http_status=answer.http_status,
        code=error["code"],
        details={},
        request_id=answer.request_id,
        retry_after_seconds=answer.retry_after_seconds,
    )
    refused.retryable = error["retryable"]
    return refused
