"""The endpoints of the developer's API: admit, look, answer; lists can be waited on.

Decides that these endpoints take v2 signatures only: they are new, so nobody's old code signs v1 for them, and a v1
signature of a GET would be good for any other GET. What is asked here does not go to the log that it shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from wisipay import apilog
from wisipay.apilog import ApiRequest, Page, RequestFilter
from wisipay.callbacks import AmountUnit, sign
from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.errors import Forbidden, NotFound
from wisipay.core.http_lane import in_fast_lane
from wisipay.core.http_waits import LongPolls
from wisipay.core.http_wire import Reply, WireRequest, litestar_response, wire_request
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
from wisipay.developers.events import LIVE, Events, Listed
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
from wisipay.merchants import Merchant, MerchantGate, Refusal, SignedRequest

_PATH: Final = "/api/developer"
_TAGS: Final = ["developer"]
_V2: Final = "v2="

HttpRequest = Request[Any, Any, State]


@dataclass(frozen=True, slots=True)
class DeveloperApi:
    """What the handlers need."""

    gate: MerchantGate
    pool: Pool
    events: Events
    clock: Clock
    unit: AmountUnit
    polls: LongPolls


def build_handlers(api: DeveloperApi) -> list[HTTPRouteHandler]:
    """Build the four endpoints."""

    async def list_requests(request: WireRequest) -> Reply:
        return await _requests(api, request)

    async def list_events(request: WireRequest) -> Reply:
        return await _events(api, request)

    async def show_event(request: WireRequest) -> Reply:
        return await _event(api, request)

    async def resend_event(request: WireRequest) -> Reply:
        return await _resend(api, request)

    @get(
        f"{_PATH}/requests",
        operation_class=RequestsOperation,
        responses=REQUESTS_ANSWERS,
        tags=_TAGS,
        summary="Your requests of the last days, redacted",
        opt=in_fast_lane(list_requests),
    )
    async def requests(request: HttpRequest) -> Response[RequestsAnswer]:
        return litestar_response(await list_requests(await wire_request(request)))

    @get(
        f"{_PATH}/events",
        operation_class=EventsOperation,
        responses=EVENTS_ANSWERS,
        tags=_TAGS,
        summary="Your callback events, signed as they are sent",
        opt=in_fast_lane(list_events),
    )
    async def events(request: HttpRequest) -> Response[EventsAnswer]:
        return litestar_response(await list_events(await wire_request(request)))

    @get(
        f"{_PATH}/events/{{event_id:str}}",
        operation_class=SignedOperation,
        responses=EVENT_ANSWERS,
        tags=_TAGS,
        summary="An event and the attempts to deliver it",
        opt=in_fast_lane(show_event),
    )
    async def event(request: HttpRequest, event_id: FromPath[str]) -> Response[EventDetailAnswer]:
        del event_id  # in the path, where the fast lane reads it
        return litestar_response(await show_event(await wire_request(request)))

    @post(
        f"{_PATH}/events/{{event_id:str}}/resend",
        status_code=200,
        operation_class=ResendOperation,
        responses=RESENT_ANSWERS,
        tags=_TAGS,
        summary="Deliver an event once more, under the same id",
        opt=in_fast_lane(resend_event),
    )
    async def resend(request: HttpRequest, event_id: FromPath[str]) -> Response[ResentAnswer]:
        del event_id  # as above
        return litestar_response(await resend_event(await wire_request(request)))

    return [requests, events, event, resend]


async def _requests(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
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
    merchant = await _admit(api, request)
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
    merchant = await _admit(api, request)
    event_id = _event_id(request)
    found = await api.events.find(merchant.id, event_id)
    if found is None:
        raise _unknown(event_id)
    data = EventDetailData(_event_data(api, merchant, found[0]), found[1])
    return Reply(200, msgspec.json.encode(EventDetailAnswer(data=data)))


async def _resend(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    event_id = _event_id(request)
    to = text_asked(read_query(request.path_and_query, RESEND_FIELDS), "to")
    resent_to = await api.events.send_again(merchant.id, event_id, to)
    if resent_to is None:
        raise _unknown(event_id)
    return Reply(200, msgspec.json.encode(ResentAnswer(data=ResentData(str(event_id), resent_to))))


async def _admit(api: DeveloperApi, request: WireRequest) -> Merchant:
    signed = SignedRequest(
        method=request.method,
        path_and_query=request.path_and_query,
        headers=request.headers,
        body=request.body,
        peer_address=request.peer_address,
    )
    merchant = await api.gate.admit(signed, None, tps=True)
    if not request.headers.get("x-signature", "").strip().lower().startswith(_V2):
        raise Forbidden(
            "These endpoints take v2 signatures only: x-signature: v2=<hex>",
            details={"reason": Refusal.SIGNATURE_V2_REQUIRED.value},
        )
    return merchant


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
