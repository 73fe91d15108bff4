"""How the developer's API is described: parameters, answers, examples, errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

from wisipay.core import errors
from wisipay.core.http_operations import described_answer, described_header
from wisipay.core.http_waits import WAIT_SECONDS_MAX
from wisipay.developers.asking import PAGE_DEFAULT, PAGE_MAX
from wisipay.developers.contract import EventDetailAnswer, EventsAnswer, RequestsAnswer, ResentAnswer
from wisipay.merchants import SIGNED_HEADERS, Refusal
from wisipay.payments import ErrorBody

_EVENT_ID: Final = "01998b5e-6a52-7c1e-9a55-0d8f0e6b7a11"
_AT: Final = "2026-02-05T20:29:11.204000+00:00"
_CALLBACK: Final = {
    "headers": {
        "content-type": "application/json",
        "webhook-id": _EVENT_ID,
        "webhook-timestamp": "1770323351",
        "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
    "body": '{"orderId":"ORDER-10001","transactionId":"UAT_PAYIN_01KAN7M3Q0ZV5T9Y2C4D6F","status":"SUCCESS"}',
}
_EVENT: Final = {
    "eventId": _EVENT_ID,
    "cursor": "1042",
    "environment": "UAT",
    "orderId": "ORDER-10001",
    "transactionId": "UAT_PAYIN_01KAN7M3Q0ZV5T9Y2C4D6F",
    "type": "PAYIN",
    "status": "SUCCESS",
    "occurredAt": _AT,
    "delivery": {"state": "DELIVERED", "attempts": 1, "lastError": None},
    "endpoints": [],
    "callback": _CALLBACK,
}
_ATTEMPT: Final = {
    "startedAt": _AT,
    "url": "https://shop.example.com/callbacks",
    "outcome": "DELIVERED",
    "httpStatus": 200,
    "latencyMs": 41,
    "answer": "ok",
    "error": None,
    "endpointId": None,
}
_REQUEST: Final = {
    "cursor": "1042",
    "at": _AT,
    "environment": "LIVE",
    "requestId": "RQ01KAN7M3Q0ZV5T9Y2C4D6F",
    "method": "POST",
    "path": "/api/payment/payout/initiate",
    "status": 402,
    "code": "PAY_1205",
    "durationMs": 12.4,
    "orderId": "PAYOUT-20001",
    "transactionId": None,
    "idempotencyKey": None,
    "sourceIp": "203.0.113.7",
    "signature": "v2",
    "requestBody": '{"amount":500,"orderId":"PAYOUT-20001","beneficiaryName":"[redacted]"}',
    "answerBody": '{"success":false,"error":{"code":"PAY_1205"}}',
}
_ERRORS: Final[tuple[tuple[str, errors.AppError], ...]] = (
    ("query", errors.BadRequest("limit must be a whole number", details={"limit": "must be a whole number"})),
    ("merchant", errors.Unauthorized("No merchant has this x-merchant-id", details={"x-merchant-id": "is unknown"})),
    ("scheme", errors.Forbidden("Sign with v2", details={"reason": Refusal.SIGNATURE_V2_REQUIRED})),
    ("signature", errors.Forbidden("x-signature does not match", details={"reason": Refusal.SIGNATURE_MISMATCH})),
    ("event", errors.NotFound("You have no such event", details={"eventId": _EVENT_ID})),
    ("off", errors.Conflict("The endpoint is off")),
    ("large", errors.PayloadTooLarge()),
    ("type", errors.UnsupportedMediaType()),
    ("rate", errors.TooManyRequests(details={"scope": "merchant", "limit": 5})),
    ("unexpected", errors.AppError(details={"requestId": "RQ01KAN7M3Q0ZV5T9Y2C4D6F"})),
    ("store", errors.ServiceUnavailable("The store could not be reached", code="STORE_UNAVAILABLE")),
)
_MEANINGS: Final = {
    400: "A header or a parameter is wrong",
    401: "Unknown merchant",
    403: "Signature, timestamp, address, or a merchant that is switched off: see `details.reason`",
    404: "You have no such event, or no such endpoint",
    409: "The endpoint is off",
    413: "The body is over 64 KiB",
    415: "The body is not JSON",
    429: "Too many requests; see `retry-after`",
    500: "Unexpected; tell us the request id",
    503: "Temporarily unavailable; see `retry-after`",
}


def _answers(described: str, kind: Any, data: dict[str, Any], *statuses: int) -> dict[int, ResponseSpec]:  # noqa: ANN401 - a type
    told = {status: [error for error in _ERRORS if error[1].http_status == status] for status in statuses}
    success = Example(id="found", summary=described, value={"success": True, "data": data})
    return {200: described_answer(described, kind, success)} | {
        status: described_answer(
            _MEANINGS[status],
            ErrorBody,
            *(Example(id=name, summary=error.message, value=error.body()) for name, error in shown),
        )
        for status, shown in told.items()
    }


_OF_ALL: Final = (400, 401, 403, 429, 500, 503)
REQUESTS_ANSWERS: Final = _answers(
    "A page of your requests",
    RequestsAnswer,
    {"requests": [_REQUEST], "cursor": "1042", "hasMore": False},
    *_OF_ALL,
)
EVENTS_ANSWERS: Final = _answers(
    "A page of your events", EventsAnswer, {"events": [_EVENT], "cursor": "1042", "hasMore": False}, *_OF_ALL
)
EVENT_ANSWERS: Final = _answers(
    "The event and its attempts", EventDetailAnswer, {"event": _EVENT, "attempts": [_ATTEMPT]}, *_OF_ALL, 404
)
RESENT_ANSWERS: Final = _answers(
    "The event is due again", ResentAnswer, {"eventId": _EVENT_ID, "resentTo": ["url"]}, *_OF_ALL, 404, 409, 413, 415
)


def _whole(lowest: int, highest: int, default: int | None = None) -> Schema:
    return Schema(type=OpenAPIType.INTEGER, minimum=lowest, maximum=highest, default=default)


_CURSOR: Final = Schema(type=OpenAPIType.STRING, pattern="^[0-9]{1,18}$", examples=["1042"])
_TEXT: Final = Schema(
    type=OpenAPIType.STRING, min_length=1, max_length=64, pattern="^[!-~]+$", examples=["ORDER-10001"]
)
_PAGE: Final = (
    ("after", "the cursor of the page before: what came behind it, oldest first", _CURSOR),
    ("last", "in place of `after`: the last so many; 0 gives only the cursor to go on from", _whole(0, PAGE_MAX)),
    ("limit", "most entries of a page", _whole(1, PAGE_MAX, PAGE_DEFAULT)),
    ("wait", "seconds to wait while there is nothing behind `after`", _whole(0, WAIT_SECONDS_MAX, 0)),
)
_ENVIRONMENT: Final = Schema(type=OpenAPIType.STRING, enum=["LIVE", "UAT"])
_REQUESTS_QUERY: Final = (
    *_PAGE,
    ("environment", "only real payments, or only the sandbox; both where it is not given", _ENVIRONMENT),
    (
        "status",
        "an HTTP status such as 402, or a class such as 4xx",
        Schema(type=OpenAPIType.STRING, pattern="^[1-5]([0-9]{2}|xx)$", examples=["4xx"]),
    ),
    ("orderId", "only requests about this order", _TEXT),
    ("transactionId", "only requests about this payment", _TEXT),
)
_EVENTS_QUERY: Final = (
    *_PAGE,
    (
        "environment",
        "events of real payments, or of the sandbox",
        Schema(type=OpenAPIType.STRING, enum=["LIVE", "UAT"], default="LIVE"),
    ),
)
_RESEND_QUERY: Final = (
    (
        "to",
        "an endpoint's id, or `url` for your callback URL; all who want it where it is not given",
        Schema(type=OpenAPIType.STRING, min_length=1, max_length=64, pattern="^[!-~]+$", examples=["url"]),
    ),
)
RESEND_FIELDS: Final = frozenset(name for name, _, _ in _RESEND_QUERY)
REQUESTS_FIELDS: Final = frozenset(name for name, _, _ in _REQUESTS_QUERY)
EVENTS_FIELDS: Final = frozenset(name for name, _, _ in _EVENTS_QUERY)


@dataclass
class SignedOperation(Operation):
    """An operation that takes the authentication headers; v2 only."""

    def __post_init__(self) -> None:
        """Add the headers to the parameters of the path."""
        in_path = [_event_id() for _ in self.parameters or ()]  # no path has another parameter
        self.parameters = [*in_path, *(described_header(*row) for row in SIGNED_HEADERS)]


@dataclass
class RequestsOperation(SignedOperation):
    """The log of requests."""

    def __post_init__(self) -> None:
        """Add the query."""
        super().__post_init__()
        _add_query(self, _REQUESTS_QUERY)


@dataclass
class EventsOperation(SignedOperation):
    """The list of events."""

    def __post_init__(self) -> None:
        """Add the query."""
        super().__post_init__()
        _add_query(self, _EVENTS_QUERY)


@dataclass
class ResendOperation(SignedOperation):
    """Sending again: an empty object is the body."""

    def __post_init__(self) -> None:
        """Add the body."""
        super().__post_init__()
        _add_query(self, _RESEND_QUERY)
        schema = Schema(type=OpenAPIType.OBJECT, description="nothing is read from it")
        told = {"empty": Example(summary="Nothing", value={})}
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=schema, examples={**told})}, required=True
        )


def _add_query(operation: Operation, query: tuple[tuple[str, str, Schema], ...]) -> None:
    described = [
        Parameter(name=name, param_in="query", description=meaning, required=False, schema=schema)
        for name, meaning, schema in query
    ]
    operation.parameters = [*(operation.parameters or ()), *described]


def _event_id() -> Parameter:
    schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID, examples=[_EVENT_ID])
    return Parameter(
        name="event_id", param_in="path", description="the event's `webhook-id`", required=True, schema=schema
    )
