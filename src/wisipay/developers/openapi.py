"""How the developer's API is described: parameters, answers, examples, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

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
from wisipay.core.http_operations import described_answer, described_header, named_examples
from wisipay.core.http_waits import WAIT_SECONDS_MAX
from wisipay.developers.asking import PAGE_DEFAULT, PAGE_MAX
from wisipay.developers.contract import EventDetailAnswer, EventsAnswer, RequestsAnswer, ResentAnswer
from wisipay.merchants import SIGNED_HEADERS, Refusal
from wisipay.payments import ErrorBody

EVENT_ID: Final = "01998b5e-6a52-7c1e-9a55-0d8f0e6b7a11"
ENDPOINT_ID: Final = "CEP01KAN7M3Q0ZV5T9Y2C4D6F"
AT: Final = "2026-02-05T20:29:11.204000+00:00"
_CALLBACK: Final = {
    "headers": {
        "content-type": "application/json",
        "webhook-id": EVENT_ID,
        "webhook-timestamp": "1770323351",
        "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
    "body": '{"orderId":"ORDER-10001","transactionId":"UAT_PAYIN_01KAN7M3Q0ZV5T9Y2C4D6F","status":"SUCCESS"}',
}
_EVENT: Final = {
    "eventId": EVENT_ID,
    "cursor": "1042",
    "environment": "UAT",
    "orderId": "ORDER-10001",
    "transactionId": "UAT_PAYIN_01KAN7M3Q0ZV5T9Y2C4D6F",
    "type": "PAYIN",
    "status": "SUCCESS",
    "occurredAt": AT,
    "delivery": {"state": "DELIVERED", "attempts": 1, "lastError": None},
    "endpoints": [],
    "callback": _CALLBACK,
}
_ATTEMPT: Final = {
    "startedAt": AT,
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
    "at": AT,
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
    ("event", errors.NotFound("You have no such event", details={"eventId": EVENT_ID})),
    ("off", errors.Conflict("the endpoint is switched off; enable it first", details={"endpointId": ENDPOINT_ID})),
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
    409: "Not as things stand: `error` says why",
    413: "The body is over 64 KiB",
    415: "The body is not JSON",
    429: "Too many requests; see `retry-after`",
    500: "Unexpected; tell us the request id",
    503: "Temporarily unavailable; see `retry-after`",
}


def answers(
    described: str,
    kind: Any,  # noqa: ANN401 - a type
    data: dict[str, Any],
    *statuses: int,
    own: Sequence[tuple[str, errors.AppError]] = (),
) -> dict[int, ResponseSpec]:
    """Describe a success by its data, and the errors of these statuses; `own` are told in place of the usual."""
    instead = {error.http_status for _, error in own}
    usual = [error for error in _ERRORS if error[1].http_status not in instead]
    told = {status: [error for error in (*own, *usual) if error[1].http_status == status] for status in statuses}
    success = Example(id="found", summary=described, value={"success": True, "data": data})
    return {200: described_answer(described, kind, success)} | {
        status: described_answer(
            _MEANINGS[status],
            ErrorBody,
            *(Example(id=name, summary=error.message, value=error.body()) for name, error in shown),
        )
        for status, shown in told.items()
    }


OF_ALL: Final = (400, 401, 403, 429, 500, 503)
REQUESTS_ANSWERS: Final = answers(
    "A page of your requests",
    RequestsAnswer,
    {"requests": [_REQUEST], "cursor": "1042", "hasMore": False},
    *OF_ALL,
)
EVENTS_ANSWERS: Final = answers(
    "A page of your events", EventsAnswer, {"events": [_EVENT], "cursor": "1042", "hasMore": False}, *OF_ALL
)
EVENT_ANSWERS: Final = answers(
    "The event and its attempts", EventDetailAnswer, {"event": _EVENT, "attempts": [_ATTEMPT]}, *OF_ALL, 404
)
RESENT_ANSWERS: Final = answers(
    "The event is due again", ResentAnswer, {"eventId": EVENT_ID, "resentTo": ["url"]}, *OF_ALL, 404, 409, 413, 415
)


def whole(lowest: int, highest: int, default: int | None = None) -> Schema:
    """Describe a whole number."""
    return Schema(type=OpenAPIType.INTEGER, minimum=lowest, maximum=highest, default=default)


Query: TypeAlias = tuple[tuple[str, str, Schema], ...]
"""Name, meaning and form of each parameter; none is needed."""

CURSOR: Final = Schema(type=OpenAPIType.STRING, pattern="^[0-9]{1,18}$", examples=["1042"])
_TEXT: Final = Schema(
    type=OpenAPIType.STRING, min_length=1, max_length=64, pattern="^[!-~]+$", examples=["ORDER-10001"]
)
_PAGE: Final = (
    ("after", "the cursor of the page before: what came behind it, oldest first", CURSOR),
    ("last", "in place of `after`: the last so many; 0 gives only the cursor to go on from", whole(0, PAGE_MAX)),
    ("limit", "most entries of a page", whole(1, PAGE_MAX, PAGE_DEFAULT)),
    ("wait", "seconds to wait while there is nothing behind `after`", whole(0, WAIT_SECONDS_MAX, 0)),
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
        in_path = [_IN_PATH[f"{each.name}"] for each in self.parameters or () if isinstance(each, Parameter)]
        self.parameters = [*in_path, *(described_header(*row) for row in SIGNED_HEADERS)]


def signed_operation(*, query: Query = (), body: RequestBody | None = None) -> type[SignedOperation]:
    """Return what describes an operation with such a query and such a body."""

    @dataclass
    class Described(SignedOperation):
        def __post_init__(self) -> None:
            super().__post_init__()
            asked = [
                Parameter(name=name, param_in="query", description=meaning, required=False, schema=schema)
                for name, meaning, schema in query
            ]
            self.parameters = [*(self.parameters or ()), *asked]
            self.request_body = body

    return Described


def json_body(schema: Schema, *told: Example) -> RequestBody:
    """Describe a body of JSON, with examples."""
    media = OpenAPIMediaType(schema=schema, examples=named_examples(told))
    return RequestBody(content={"application/json": media}, required=True)


def _in_path(name: str, meaning: str, schema: Schema) -> tuple[str, Parameter]:
    return name, Parameter(name=name, param_in="path", description=meaning, required=True, schema=schema)


_IN_PATH: Final = dict(
    (
        _in_path(
            "event_id",
            "the event's `webhook-id`",
            Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID, examples=[EVENT_ID]),
        ),
        _in_path(
            "endpoint_id",
            "the endpoint's id",
            Schema(type=OpenAPIType.STRING, pattern="^[0-9A-Za-z]{1,40}$", examples=[ENDPOINT_ID]),
        ),
    )
)

RequestsOperation: Final = signed_operation(query=_REQUESTS_QUERY)
EventsOperation: Final = signed_operation(query=_EVENTS_QUERY)
ResendOperation: Final = signed_operation(
    query=_RESEND_QUERY,
    body=json_body(
        Schema(type=OpenAPIType.OBJECT, description="nothing is read from it"),
        Example(id="empty", summary="Nothing", value={}),
    ),
)
