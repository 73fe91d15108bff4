"""Errors that a caller is told about: one class per HTTP status, one body shape.

Decides status, code and JSON shape of every expected refusal (spec: merchant API, "Errors"). Must never carry a secret
or an internal detail: whatever is put in `message` and `details` is shown to the outside. Slices derive their own
errors from these and may give them another body.
"""

# ruff: noqa: N818 - these names are the words of HTTP; "NotFoundError" would say it twice

from collections.abc import Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """An expected refusal. Anything else that reaches the HTTP server is a bug, and answered as a 500 without detail.

    `details` names the fields at fault or other facts the caller may see; `retry_after_seconds` becomes the header.
    """

    http_status: int = 500
    code: str = "INTERNAL_ERROR"
    default_message: ClassVar[str] = "Unexpected error"

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.message = message if message is not None else self.default_message
        if code is not None:
            self.code = code
        self.details: dict[str, Any] = dict(details or {})
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.message)

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"success": False, "error": self.message, "code": self.code, "details": self.details}

    def headers(self) -> dict[str, str]:
        """Return the extra headers of the answer, lower-case."""
        return {} if self.retry_after_seconds is None else {"retry-after": str(self.retry_after_seconds)}


class BadRequest(AppError):
    """Header missing or malformed, body not JSON, field invalid; `details` names each field."""

    http_status = 400
    code = "BAD_REQUEST"
    default_message = "The request is not valid"


class Unauthorized(AppError):
    """We do not know who is asking."""

    http_status = 401
    code = "UNAUTHORIZED"
    default_message = "The caller is not known"


class Forbidden(AppError):
    """We know who is asking, and they may not."""

    http_status = 403
    code = "FORBIDDEN"
    default_message = "This is not allowed"


class NotFound(AppError):
    """No such thing, or not the caller's."""

    http_status = 404
    code = "NOT_FOUND"
    default_message = "Not found"


class MethodNotAllowed(AppError):
    """The path exists, the method does not."""

    http_status = 405
    code = "METHOD_NOT_ALLOWED"
    default_message = "This method is not allowed here"


class Conflict(AppError):
    """Contradicts what is already recorded, such as a second use of an order id."""

    http_status = 409
    code = "CONFLICT"
    default_message = "This contradicts what is already recorded"


class PayloadTooLarge(AppError):
    """The body is over the limit."""

    http_status = 413
    code = "PAYLOAD_TOO_LARGE"
    default_message = "The request body is too large"


class UnsupportedMediaType(AppError):
    """The body is not JSON."""

    http_status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "The request body must be application/json"


class UnprocessableEntity(AppError):
    """Well-formed but not doable, such as an idempotency key used again with another body."""

    http_status = 422
    code = "UNPROCESSABLE"
    default_message = "The request cannot be processed"


class TooManyRequests(AppError):
    """A rate limit was reached; says when to come back."""

    http_status = 429
    code = "TOO_MANY_REQUESTS"
    default_message = "Too many requests"


class ServiceUnavailable(AppError):
    """We cannot do it now; nothing was done, and the same request may be sent again."""

    http_status = 503
    code = "SERVICE_UNAVAILABLE"
    default_message = "The service is temporarily unavailable"
