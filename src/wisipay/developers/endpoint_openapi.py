"""How the calls about endpoints are described: bodies, answers, examples, errors."""

from __future__ import annotations

from typing import Any, Final

from litestar.openapi.spec import Example

from wisipay.core import errors
from wisipay.core.http_operations import body_schema
from wisipay.developers.asking import PAGE_DEFAULT, PAGE_MAX
from wisipay.developers.endpoint_contract import (
    DeliveriesAnswer,
    EnabledAnswer,
    EndpointAddedAnswer,
    EndpointAnswer,
    EndpointChangeBody,
    EndpointDetailAnswer,
    EndpointsAnswer,
    NewEndpointBody,
    ReasonBody,
    ReplayBody,
    ReplayedAnswer,
    RotateBody,
    RotatedAnswer,
)
from wisipay.developers.openapi import (
    AT,
    CURSOR,
    ENDPOINT_ID,
    EVENT_ID,
    OF_ALL,
    Query,
    answers,
    json_body,
    signed_operation,
    whole,
)

_URL: Final = "https://books.example.com/callbacks"
_ENDPOINT: Final[dict[str, Any]] = {
    "endpointId": ENDPOINT_ID,
    "url": _URL,
    "description": "the books",
    "events": ["payin.success", "payout.*"],
    "status": "ENABLED",
    "disabledReason": None,
    "disabledAt": None,
    "createdAt": AT,
}
_DISABLED: Final = _ENDPOINT | {"status": "DISABLED", "disabledReason": "moving house", "disabledAt": AT}
_REMOVED: Final = _ENDPOINT | {"status": "REMOVED", "disabledReason": "removed", "disabledAt": AT}
_SECRET: Final = {
    "secretId": "CES01KAN7M3Q0ZV5T9Y2C4D6F",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
_DELIVERY: Final = {
    "eventId": EVENT_ID,
    "cursor": "1042",
    "orderId": "ORDER-10001",
    "transactionId": "WP01KAN7M3Q0ZV5T9Y2C4D6F",
    "type": "PAYIN",
    "status": "SUCCESS",
    "occurredAt": AT,
    "state": "DELIVERED",
    "attempts": 1,
    "lastError": None,
    "dueAt": None,
    "finishedAt": AT,
}
_UNKNOWN: Final = (
    "endpoint",
    errors.NotFound(f"there is no endpoint {ENDPOINT_ID!r}", details={"endpointId": ENDPOINT_ID}),
)
_FIELD: Final = (
    "field",
    errors.BadRequest("url: must be https", details={"url": "must be https"}),
)
_FULL: Final = ("full", errors.Conflict("a merchant may have 10 endpoints; remove one that is not needed"))
_SAME: Final = (
    "same",
    errors.Conflict("the merchant has an endpoint at this URL already", details={"url": "is another endpoint's"}),
)
_SIGNING: Final = ("signing", errors.Conflict("4 secrets sign at present; wait for one to retire"))
_BODY: Final = (413, 415)

LISTED: Final = answers(
    "Your endpoints", EndpointsAnswer, {"endpoints": [_ENDPOINT], "callbackUrlsSwitchedOff": []}, *OF_ALL
)
ADDED: Final = answers(
    "The endpoint was added; keep its secret",
    EndpointAddedAnswer,
    {"endpoint": _ENDPOINT, "secret": _SECRET},
    *(*OF_ALL, 409, *_BODY),
    own=(_FIELD, _FULL, _SAME),
)
SHOWN: Final = answers(
    "The endpoint in full",
    EndpointDetailAnswer,
    {
        "endpoint": _ENDPOINT,
        "secrets": [{"secretId": _SECRET["secretId"], "createdAt": AT, "retiresAt": None}],
        "deliveries": {"DELIVERED": 41, "WAITING": 1},
        "happened": [{"what": "ADDED", "url": _URL, "reason": None, "happenedAt": AT}],
    },
    *(*OF_ALL, 404),
    own=(_UNKNOWN,),
)
CHANGED: Final = answers(
    "The endpoint was changed",
    EndpointAnswer,
    _ENDPOINT,
    *(*OF_ALL, 404, 409, *_BODY),
    own=(_FIELD, _UNKNOWN, _SAME),
)
ROTATED: Final = answers(
    "The new secret signs from now on", RotatedAnswer, _SECRET, *(*OF_ALL, 404, 409, *_BODY), own=(_UNKNOWN, _SIGNING)
)
DISABLED: Final = answers("The endpoint is off", EndpointAnswer, _DISABLED, *(*OF_ALL, 404, *_BODY), own=(_UNKNOWN,))
ENABLED: Final = answers(
    "The endpoint is on",
    EnabledAnswer,
    {"endpoint": _ENDPOINT, "resumed": 12},
    *(*OF_ALL, 404, *_BODY),
    own=(_UNKNOWN,),
)
REMOVED: Final = answers("The endpoint is gone", EndpointAnswer, _REMOVED, *(*OF_ALL, 404), own=(_UNKNOWN,))
REPLAYED: Final = answers(
    "The events go out again",
    ReplayedAnswer,
    {"due": 17, "cursor": "1042", "hasMore": False},
    *(*OF_ALL, 404, 409, *_BODY),
    own=(_UNKNOWN,),
)
DELIVERIES: Final = answers(
    "A page of deliveries, newest first",
    DeliveriesAnswer,
    {"deliveries": [_DELIVERY], "cursor": "1042", "hasMore": False},
    *(*OF_ALL, 404),
    own=(_UNKNOWN,),
)

_DELIVERIES_QUERY: Final[Query] = (
    ("before", "the cursor of the page before: what came earlier", CURSOR),
    ("limit", "most entries of a page", whole(1, PAGE_MAX, PAGE_DEFAULT)),
)
DELIVERIES_FIELDS: Final = frozenset(name for name, _, _ in _DELIVERIES_QUERY)
_NOTHING: Final = Example(id="nothing", summary="Nothing more", value={})
AddOperation: Final = signed_operation(
    body=json_body(
        body_schema(NewEndpointBody),
        Example(id="everything", summary="Told of everything", value={"url": _URL}),
        Example(
            id="filter",
            summary="Told of some",
            value={"url": _URL, "events": ["payin.success", "payout.*"], "description": "the books"},
        ),
    )
)
ChangeOperation: Final = signed_operation(
    body=json_body(
        body_schema(EndpointChangeBody), Example(id="filter", summary="Another filter", value={"events": ["payout.*"]})
    )
)
RotateOperation: Final = signed_operation(
    body=json_body(
        body_schema(RotateBody),
        Example(id="overlap", summary="The old one signs for another day", value={"overlapHours": 24}),
        Example(id="leaked", summary="The old one has leaked", value={"overlapHours": 0}),
    )
)
ReasonOperation: Final = signed_operation(
    body=json_body(
        body_schema(ReasonBody),
        _NOTHING,
        Example(id="reason", summary="A reason", value={"reason": "moving house"}),
    )
)
ReplayOperation: Final = signed_operation(
    body=json_body(
        body_schema(ReplayBody),
        Example(
            id="missed",
            summary="What it missed",
            value={
                "from": "2026-02-05T00:00:00Z",
                "until": "2026-02-06T00:00:00Z",
                "states": ["SWITCHED_OFF"],
            },
        ),
    )
)
DeliveriesOperation: Final = signed_operation(query=_DELIVERIES_QUERY)
