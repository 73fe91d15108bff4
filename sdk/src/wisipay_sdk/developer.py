"""What a developer looks at: requests that were made, events that were called back; and how answers become them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from wisipay_sdk.models import PaymentType

T = TypeVar("T")
Environment = Literal["LIVE", "UAT"]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, oldest first. `cursor` is where the next page begins; `has_more` whether it has something now."""

    items: Sequence[T]
    cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request of yours as Wisipay took it down; bodies are redacted, and cut when they are long."""

    cursor: str
    at: datetime
    environment: Environment
    request_id: str
    method: str
    path: str
    status: int
    code: str | None
    duration_ms: float
    order_id: str | None
    transaction_id: str | None
    idempotency_key: str | None
    source_ip: str | None
    signature: str | None
    request_body: str
    answer_body: str


@dataclass(frozen=True, slots=True)
class EndpointDelivery:
    """An event on its way to one of your endpoints beside the callback URL."""

    endpoint_id: str
    url: str
    state: str
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """A payment reached a status.

    `delivery_state`, `attempts` and `last_error` are the callback URL's. `headers` and `body` are its callback, signed
    when the page was made.
    """

    event_id: str
    cursor: str
    environment: Environment
    order_id: str
    transaction_id: str
    type: PaymentType
    status: str
    occurred_at: datetime
    delivery_state: str
    attempts: int
    last_error: str | None
    endpoints: Sequence[EndpointDelivery]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver an event, to an endpoint or (None) the callback URL.

    `answer` is the first KiB of what your server said.
    """

    started_at: datetime
    url: str | None
    outcome: str
    http_status: int | None
    latency_ms: int
    answer: str
    error: str | None
    endpoint_id: str | None


@dataclass(frozen=True, slots=True)
class EventDetail:
    """An event and the attempts to deliver it, oldest first."""

    event: Event
    attempts: Sequence[Attempt]


def request_page(data: Mapping[str, Any]) -> Page[ApiRequest]:
    """Read a page of requests."""
    return _page(data, "requests", _request)


def event_page(data: Mapping[str, Any]) -> Page[Event]:
    """Read a page of events."""
    return _page(data, "events", _event)


def event_detail(data: Mapping[str, Any]) -> EventDetail:
    """Read an event with its attempts."""
    return EventDetail(_event(data["event"]), [_attempt(each) for each in data["attempts"]])


def resent_to(data: Mapping[str, Any]) -> Sequence[str]:
    """Read where an event goes again."""
    return [str(each) for each in data["resentTo"]]


def _page(data: Mapping[str, Any], name: str, parse: Callable[[Mapping[str, Any]], T]) -> Page[T]:
    return Page([parse(each) for each in data[name]], data["cursor"], data["hasMore"])


def _request(data: Mapping[str, Any]) -> ApiRequest:
    return ApiRequest(
        cursor=data["cursor"],
        at=datetime.fromisoformat(data["at"]),
        environment=data["environment"],
        request_id=data["requestId"],
        method=data["method"],
        path=data["path"],
        status=data["status"],
        code=data["code"],
        duration_ms=data["durationMs"],
        order_id=data["orderId"],
        transaction_id=data["transactionId"],
        idempotency_key=data["idempotencyKey"],
        source_ip=data["sourceIp"],
        signature=data["signature"],
        request_body=data["requestBody"],
        answer_body=data["answerBody"],
    )


def _event(data: Mapping[str, Any]) -> Event:
    delivery, callback = data["delivery"], data["callback"]
    return Event(
        event_id=data["eventId"],
        cursor=data["cursor"],
        environment=data["environment"],
        order_id=data["orderId"],
        transaction_id=data["transactionId"],
        type=data["type"],
        status=data["status"],
        occurred_at=datetime.fromisoformat(data["occurredAt"]),
        delivery_state=delivery["state"],
        attempts=delivery["attempts"],
        last_error=delivery["lastError"],
        endpoints=[_endpoint(each) for each in data["endpoints"]],
        headers=dict(callback["headers"]),
        body=callback["body"].encode(),
    )


def _attempt(data: Mapping[str, Any]) -> Attempt:
    return Attempt(
        started_at=datetime.fromisoformat(data["startedAt"]),
        url=data["url"],
        outcome=data["outcome"],
        http_status=data["httpStatus"],
        latency_ms=data["latencyMs"],
        answer=data["answer"],
        error=data["error"],
        endpoint_id=data["endpointId"],
    )


def _endpoint(data: Mapping[str, Any]) -> EndpointDelivery:
    return EndpointDelivery(data["endpointId"], data["url"], data["state"], data["attempts"], data["lastError"])
