"""The answers of the developer's API, as OpenAPI shows them and as they are written. Shapes only."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Environment = Literal["LIVE", "UAT"]
Cursor = Annotated[str, Meta(description="where to go on: give it as `after`", examples=["1042"])]
Moment = Annotated[str, Meta(description="ISO 8601 in UTC", examples=["2026-02-05T20:29:11.204000+00:00"])]
MaybeText = Annotated[str | None, Meta(description="null where there is none")]


class RequestData(msgspec.Struct, rename="camel"):
    """One request of yours. Bodies are redacted, and cut after 4,096 characters."""

    cursor: Cursor
    at: Moment
    environment: Environment
    request_id: Annotated[str, Meta(description="our `x-request-id`", examples=["RQ01KAN7M3Q0ZV5T9Y2C4D6F"])]
    method: str
    path: str
    status: Annotated[int, Meta(description="the HTTP status of the answer", examples=[200])]
    code: Annotated[str | None, Meta(description="the error's code, null for a success", examples=["PAY_1205"])]
    duration_ms: float
    order_id: MaybeText
    transaction_id: MaybeText
    idempotency_key: MaybeText
    source_ip: MaybeText
    signature: Annotated[str | None, Meta(description="the scheme that signed it: v2, v1 or hash", examples=["v2"])]
    request_body: str
    answer_body: str


class RequestsData(msgspec.Struct, rename="camel"):
    """A page of the log, oldest first."""

    requests: list[RequestData]
    cursor: Cursor
    has_more: Annotated[bool, Meta(description="whether the next page may have something now")]


class RequestsAnswer(msgspec.Struct, kw_only=True):
    """What you asked of us."""

    success: Literal[True] = True
    data: RequestsData


class CallbackData(msgspec.Struct):
    """A callback as it goes over the wire, signed at this moment with your API secret."""

    headers: dict[str, str]
    body: Annotated[str, Meta(description="the exact body; the signatures are over its bytes")]


class DeliveryData(msgspec.Struct, rename="camel"):
    """How far the delivery to your callback URL got."""

    state: Annotated[str, Meta(description="WAITING, DELIVERED, DEAD, NO_URL, SWITCHED_OFF", examples=["DELIVERED"])]
    attempts: int
    last_error: MaybeText


class EndpointDeliveryData(msgspec.Struct, rename="camel"):
    """How far the delivery to one of your endpoints got."""

    endpoint_id: str
    url: str
    state: Annotated[str, Meta(description="WAITING, PAUSED, DELIVERED, DEAD, SWITCHED_OFF, CANCELLED")]
    attempts: int
    last_error: MaybeText


class EventData(msgspec.Struct, rename="camel"):
    """A payment reached a status that you are told of."""

    event_id: Annotated[str, Meta(description="the `webhook-id`", examples=["01998b5e-6a52-7c1e-9a55-0d8f0e6b7a11"])]
    cursor: Cursor
    environment: Environment
    order_id: str
    transaction_id: str
    type: Literal["PAYIN", "PAYOUT"]
    status: str
    occurred_at: Moment
    delivery: DeliveryData
    endpoints: Annotated[list[EndpointDeliveryData], Meta(description="endpoints beside your callback URL")]
    callback: CallbackData


class EventsData(msgspec.Struct, rename="camel"):
    """A page of events, oldest first."""

    events: list[EventData]
    cursor: Cursor
    has_more: Annotated[bool, Meta(description="whether the next page may have something now")]


class EventsAnswer(msgspec.Struct, kw_only=True):
    """What you were told."""

    success: Literal[True] = True
    data: EventsData


class AttemptData(msgspec.Struct, rename="camel"):
    """One attempt to deliver; `answer` is the first KiB of what your server said."""

    started_at: Moment
    url: MaybeText
    outcome: Annotated[str, Meta(description="DELIVERED, RETRY, DEAD, SWITCHED_OFF", examples=["DELIVERED"])]
    http_status: Annotated[int | None, Meta(description="null where no answer came")]
    latency_ms: int
    answer: str
    error: MaybeText
    endpoint_id: Annotated[str | None, Meta(description="the endpoint's, null for your callback URL")]


class EventDetailData(msgspec.Struct, rename="camel"):
    """An event with the attempts to deliver it, oldest first."""

    event: EventData
    attempts: list[AttemptData]


class EventDetailAnswer(msgspec.Struct, kw_only=True):
    """The event was found."""

    success: Literal[True] = True
    data: EventDetailData


class ResentData(msgspec.Struct, rename="camel"):
    """The event is due again now."""

    event_id: str
    resent_to: Annotated[
        list[str],
        Meta(description="`url` for your callback URL, or ids of endpoints; empty while it is being sent everywhere"),
    ]


class ResentAnswer(msgspec.Struct, kw_only=True):
    """The event goes out again, under the same id."""

    success: Literal[True] = True
    data: ResentData
