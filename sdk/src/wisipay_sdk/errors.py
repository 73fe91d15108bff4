"""What can go wrong, by what a program does about it."""

# ruff: noqa: N818 - each name says what happened; "RefusedError" would say it twice

from collections.abc import Mapping
from typing import Any

_SERVER_ERROR = 500
_UNAVAILABLE = 503


class WisipayError(Exception):
    """The base of all errors of this package."""


class NoAnswer(WisipayError):
    """No answer came, after all attempts. Whether the payment was started is not known: ask for its status.

    The same call with the same `idempotency_key` may be made again at any time within 24 hours.
    """

    def __init__(self, message: str, *, idempotency_key: str | None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class InvalidAnswer(WisipayError):
    """What answered was not Wisipay, or a newer one: the body is not as documented. Treat it like `NoAnswer`."""

    def __init__(self, message: str, *, http_status: int, request_id: str | None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.request_id = request_id


class Refused(WisipayError):
    """The request was refused.

    `code` is the documented one (`BAD_REQUEST`, `FORBIDDEN`, `NOT_FOUND`, …), `details` names each field at fault, and
    `request_id` is what support asks for.
    """

    def __init__(
        self,
        message: str,
        *,
        http_status: int,
        code: str,
        details: Mapping[str, Any],
        request_id: str | None,
        retry_after_seconds: float | None,
    ) -> None:
        told = "; ".join(f"{name}: {what}" for name, what in details.items())
        super().__init__(f"{code}: {message}" + (f" ({told})" if told else ""))
        self.message = message
        self.http_status = http_status
        self.code = code
        self.details = dict(details)
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_certain(self) -> bool:
        """Whether no money will move by this request. If not, treat it like `NoAnswer`: ask how the order stands."""
        return self.http_status < _SERVER_ERROR or self.http_status == _UNAVAILABLE


class PaymentRefused(Refused):
    """The payment itself was refused or failed; `code` is `PAY_…`. With `retryable` a new order may do better later."""

    retryable: bool = False


class CallbackNotAuthentic(WisipayError):
    """The callback was not signed with your secret, or too long ago. Answer 401 and do nothing else."""
