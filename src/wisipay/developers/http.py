"""The calls of the developer's API about requests and events: admit, look, answer; lists can be waited on.

What is asked here does not go to the log that it shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from wisipay import apilog
from wisipay.apilog import ApiRequest, Page, RequestFilter
from wisipay.callbacks import sign
from wisipay.core.errors import NotFound
from wisipay.core.http_wire import Reply, WireRequest
from wisipay.developers.api import DeveloperApi, admit
from wisipay.developers.asking import (
    PageAsked,
    environment_asked,
    page_asked,
    read_query,
    status_asked,
    text_asked,
)
from wisipay.developers.contract import (
    CallbackData,
    DeliveryData,
    EventData,
    EventDetailAnswer,
    EventDetailData,
    EventsAnswer,
    EventsData,
    RequestData,
    RequestsAnswer,
    RequestsData,
    ResentAnswer,
    ResentData,
)
from wisipay.developers.endpoints import ENDPOINT_ROUTES
from wisipay.developers.events import LIVE, Listed
from wisipay.developers.openapi import (
    EVENT_ANSWERS,
    EVENTS_ANSWERS,
    EVENTS_FIELDS,
    REQUESTS_ANSWERS,
    REQUESTS_FIELDS,
    RESEND_FIELDS,
    RESENT_ANSWERS,
    EventsOperation,
    RequestsOperation,
    ResendOperation,
    SignedOperation,
)
from wisipay.developers.routes import Route
from wisipay.merchants import Merchant

__all__ = ["DeveloperApi", "build_handlers"]


def build_handlers(api: DeveloperApi) -> list[HTTPRouteHandler]:
    """Build every endpoint."""
    return [route.handler(api) for route in (*_ROUTES, *ENDPOINT_ROUTES)]


async def _requests(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await admit(api, request)
    fields = read_query(request.path_and_query, REQUESTS_FIELDS)
    asked = page_asked(fields)
    status_from, status_until = status_asked(fields)
    wanted = RequestFilter(
        merchant_id=merchant.id,
        environment=environment_asked(fields),
        order_id=text_asked(fields, "orderId"),
        transaction_id=text_asked(fields, "transactionId"),
        status_from=status_from,
        status_until=status_until,
    )

    async def look() -> Page:
        if asked.last is not None:
            return await apilog.last(api.pool, wanted, asked.last)
        return await apilog.find(api.pool, wanted, after=asked.after, limit=asked.limit)

    page = await _waited(api, merchant, asked, look, lambda found: bool(found.entries) or found.cursor != asked.after)
    data = RequestsData([_request(entry) for entry in page.entries], str(page.cursor), page.has_more)
    return Reply(200, msgspec.json.encode(RequestsAnswer(data=data)))


async def _events(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await admit(api, request)
    fields = read_query(request.path_and_query, EVENTS_FIELDS)
    asked, environment = page_asked(fields), environment_asked(fields) or LIVE

    async def look() -> Sequence[Listed]:
        return await api.events.page(environment, merchant.id, asked)

    listed = await _waited(api, merchant, asked, look, bool)
    cursor = listed[-1].place if listed else asked.after
    shown = () if asked.last == 0 else listed
    data = EventsData(
        [_event_data(api, merchant, each) for each in shown],
        str(cursor),
        has_more=asked.last is None and len(listed) == asked.limit,
    )
    return Reply(200, msgspec.json.encode(EventsAnswer(data=data)))


async def _event(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await admit(api, request)
    event_id = _event_id(request)
    found = await api.events.find(merchant.id, event_id)
    if found is None:
        raise _unknown(event_id)
    data = EventDetailData(_event_data(api, merchant, found[0]), found[1])
    return Reply(200, msgspec.json.encode(EventDetailAnswer(data=data)))


async def _resend(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await admit(api, request)
    event_id = _event_id(request)
    to = text_asked(read_query(request.path_and_query, RESEND_FIELDS), "to")
    resent_to = await api.events.send_again(merchant.id, event_id, to)
    if resent_to is None:
        raise _unknown(event_id)
    return Reply(200, msgspec.json.encode(ResentAnswer(data=ResentData(str(event_id), resent_to))))


async def _waited(
    api: DeveloperApi,
    merchant: Merchant,
    asked: PageAsked,
    look: Callable[[], Awaitable[Any]],
    is_worth: Callable[[Any], bool],
) -> Any:  # noqa: ANN401 - whatever the look gives
    seconds = 0 if asked.last is not None else asked.wait_seconds
    return await api.polls.until(look, is_worth, owner=merchant.id, seconds=seconds)


def _event_id(request: WireRequest) -> UUID:
    text = request.parameters["event_id"]
    try:
        return UUID(text)
    except ValueError:
        raise _unknown(text) from None


def _unknown(event_id: UUID | str) -> NotFound:
    return NotFound("You have no such event", details={"eventId": str(event_id)[:64]})


def _event_data(api: DeveloperApi, merchant: Merchant, listed: Listed) -> EventData:
    """Sign the event as if it were sent now; a developer's receiver checks the same signatures as in earnest."""
    now = api.clock.now()
    secrets = [secret.value for secret in merchant.secrets if secret.is_valid_at(now)]
    signed = sign(listed.event, secrets, api.unit, now)
    event = listed.event
    return EventData(
        event_id=str(event.event_id),
        cursor=str(listed.place),
        environment=listed.environment,
        order_id=event.order_id,
        transaction_id=event.transaction_id,
        type=event.type,
        status=event.status,
        occurred_at=event.occurred_at.isoformat(),
        delivery=DeliveryData(listed.state, listed.attempts, listed.last_error),
        endpoints=list(listed.endpoints),
        callback=CallbackData(signed.headers, signed.body.decode()),
    )


def _request(entry: ApiRequest) -> RequestData:
    return RequestData(
        cursor=str(entry.position),
        at=entry.at.isoformat(),
        environment="UAT" if entry.environment == "UAT" else "LIVE",
        request_id=entry.request_id,
        method=entry.method,
        path=entry.path,
        status=entry.status,
        code=entry.code,
        duration_ms=round(entry.duration_ms, 1),
        order_id=entry.order_id,
        transaction_id=entry.transaction_id,
        idempotency_key=entry.idempotency_key,
        source_ip=entry.source_ip,
        signature=entry.signature,
        request_body=entry.request_body,
        answer_body=entry.answer_body,
    )


_ROUTES: Final = (
    Route(
        "GET",
        "/requests",
        "ApiDeveloperRequestsRequests",
        "Your requests of the last days, redacted",
        _requests,
        RequestsOperation,
        REQUESTS_ANSWERS,
    ),
    Route(
        "GET",
        "/events",
        "ApiDeveloperEventsEvents",
        "Your callback events, signed as they are sent",
        _events,
        EventsOperation,
        EVENTS_ANSWERS,
    ),
    Route(
        "GET",
        "/events/{event_id:str}",
        "ApiDeveloperEventsEventIdEvent",
        "An event and the attempts to deliver it",
        _event,
        SignedOperation,
        EVENT_ANSWERS,
    ),
    Route(
        "POST",
        "/events/{event_id:str}/resend",
        "ApiDeveloperEventsEventIdResendResend",
        "Deliver an event once more, under the same id",
        _resend,
        ResendOperation,
        RESENT_ANSWERS,
    ),
)
