"""The calls of the developer's API: what is asked for, and how its answer is read. Nothing here does I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from wisipay_sdk import developer
from wisipay_sdk.calls import Call
from wisipay_sdk.developer import ApiRequest, Environment, Event, EventDetail, Page

_REQUESTS: Final = "/api/developer/requests"
_EVENTS: Final = "/api/developer/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which requests: every field that is set must match. `status` is such as `402` or `4xx`."""

    environment: Environment | None = None
    status: str | None = None
    order_id: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a list: behind the cursor `after` (None: from the start), or the `last` so many.

    `wait_seconds` (up to 25) waits while there is nothing behind `after`.
    """

    after: str | None = None
    last: int | None = None
    limit: int | None = None
    wait_seconds: int = 0


def request_page(place: Place, wanted: RequestFilter) -> Call[Page[ApiRequest]]:
    """Ask for a page of requests."""
    query = _query(
        place,
        environment=wanted.environment,
        status=wanted.status,
        orderId=wanted.order_id,
        transactionId=wanted.transaction_id,
    )
    return Call("GET", _REQUESTS + query, b"", None, developer.request_page)


def event_page(place: Place, environment: Environment) -> Call[Page[Event]]:
    """Ask for a page of events."""
    return Call("GET", _EVENTS + _query(place, environment=environment), b"", None, developer.event_page)


def event(event_id: str) -> Call[EventDetail]:
    """Ask for an event with its attempts."""
    return Call("GET", f"{_EVENTS}/{quote(event_id, safe='')}", b"", None, developer.event_detail)


def resend(event_id: str, to: str | None) -> Call[Sequence[str]]:
    """Have an event delivered once more: to an endpoint, to `url`, or to all who want it."""
    query = "" if to is None else f"?to={quote(to, safe='')}"
    return Call("POST", f"{_EVENTS}/{quote(event_id, safe='')}/resend{query}", b"{}", None, developer.resent_to)


def _query(place: Place, **fields: str | None) -> str:
    asked = {
        "after": place.after,
        "last": place.last,
        "limit": place.limit,
        "wait": place.wait_seconds or None,
        **fields,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return f"?{urlencode(given, quote_via=quote)}" if given else ""
