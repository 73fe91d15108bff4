"""The calls of the developer's API about a merchant's endpoints: he keeps them himself.

Decides nothing that the use cases of `callbacks` do: who asks is the merchant, and so the audit log says. Must never
show or touch another merchant's endpoint, nor show a secret but the one that was just made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from wisipay import callbacks
from wisipay.callbacks import DeliveredEvent, DeliveryState, Endpoint, EndpointChange, NewEndpointSecret, Range
from wisipay.core.bodies import decode_body
from wisipay.core.errors import BadRequest
from wisipay.core.http_wire import Reply, WireRequest
from wisipay.developers import endpoint_openapi as openapi
from wisipay.developers.api import DeveloperApi, admit
from wisipay.developers.asking import cursor_asked, limit_asked, read_query
from wisipay.developers.endpoint_contract import (
    DeliveriesAnswer,
    DeliveriesData,
    EnabledAnswer,
    EnabledData,
    EndpointAddedAnswer,
    EndpointAddedData,
    EndpointAnswer,
    EndpointChangeBody,
    EndpointData,
    EndpointDetailAnswer,
    EndpointDetailData,
    EndpointEventData,
    EndpointsAnswer,
    EndpointsData,
    HappenedData,
    NewEndpointBody,
    NewSecretData,
    ReasonBody,
    ReplayBody,
    ReplayedAnswer,
    ReplayedData,
    RotateBody,
    RotatedAnswer,
    SecretData,
    UrlOffData,
)
from wisipay.developers.openapi import SignedOperation
from wisipay.developers.routes import Route
from wisipay.merchants import Author, Merchant

_YEARS: Final = range(2000, 2200)
"""What a moment may be of; PostgreSQL and Python end at different ones."""


async def _list(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    async with api.pool.acquire() as conn:
        found = await callbacks.endpoints_of(conn, merchant.id)
        off = await callbacks.switched_off_urls(conn, merchant.id)
    shown = [UrlOffData(each.type, each.url, each.reason, each.switched_off_at.isoformat()) for each in off]
    return _reply(
        EndpointsAnswer(
            data=EndpointsData(endpoints=[_endpoint(each) for each in found], callback_urls_switched_off=shown)
        )
    )


async def _add(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    body = decode_body(request.body, NewEndpointBody)
    async with api.pool.acquire() as conn:
        endpoint, secret = await callbacks.add_endpoint(
            conn,
            api.box,
            _author(api, merchant, request),
            merchant.id,
            url=body.url,
            events=body.events,
            description=body.description,
            https_only=api.https_only,
        )
    return _reply(EndpointAddedAnswer(data=EndpointAddedData(_endpoint(endpoint), _secret(secret))))


async def _show(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    async with api.pool.acquire() as conn:
        found = await callbacks.endpoint_details(
            conn, _endpoint_id(request), merchant_id=merchant.id, now=api.clock.now()
        )
    data = EndpointDetailData(
        _endpoint(found.endpoint),
        [SecretData(each.id, each.created_at.isoformat(), _time(each.retires_at)) for each in found.secrets],
        found.deliveries,
        [HappenedData(each.what, each.url, each.reason, each.happened_at.isoformat()) for each in found.events],
    )
    return _reply(EndpointDetailAnswer(data=data))


async def _change(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    body = decode_body(request.body, EndpointChangeBody)
    async with api.pool.acquire() as conn:
        endpoint = await callbacks.change_endpoint(
            conn,
            _author(api, merchant, request),
            merchant.id,
            _endpoint_id(request),
            EndpointChange(url=body.url, description=body.description, events=body.events),
            https_only=api.https_only,
        )
    return _reply(EndpointAnswer(data=_endpoint(endpoint)))


async def _rotate(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    overlap = timedelta(hours=decode_body(request.body, RotateBody).overlap_hours)
    async with api.pool.acquire() as conn:
        secret = await callbacks.rotate_endpoint_secret(
            conn,
            api.box,
            _author(api, merchant, request),
            merchant.id,
            _endpoint_id(request),
            overlap=overlap,
        )
    return _reply(RotatedAnswer(data=_secret(secret)))


async def _disable(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    author = _author(api, merchant, request, decode_body(request.body, ReasonBody).reason)
    async with api.pool.acquire() as conn:
        endpoint = await callbacks.disable_endpoint(conn, author, merchant.id, _endpoint_id(request))
    return _reply(EndpointAnswer(data=_endpoint(endpoint)))


async def _enable(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    author = _author(api, merchant, request, decode_body(request.body, ReasonBody).reason)
    endpoint_id = _endpoint_id(request)
    async with api.pool.acquire() as conn:
        resumed = await callbacks.enable_endpoint(conn, author, merchant.id, endpoint_id)
        endpoint = await callbacks.endpoint_of_merchant(conn, merchant.id, endpoint_id)
    return _reply(EnabledAnswer(data=EnabledData(_endpoint(endpoint), resumed)))


async def _remove(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    endpoint_id = _endpoint_id(request)
    async with api.pool.acquire() as conn:
        await callbacks.remove_endpoint(conn, _author(api, merchant, request), merchant.id, endpoint_id)
        endpoint = await callbacks.endpoint_of_merchant(conn, merchant.id, endpoint_id)
    return _reply(EndpointAnswer(data=_endpoint(endpoint)))


async def _replay(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await _admit(api, request)
    body = decode_body(request.body, ReplayBody)
    wanted = Range(
        occurred_from=_moment("from", body.occurred_from),
        occurred_until=_moment("until", body.occurred_until),
        states=[DeliveryState(each) for each in body.states] or None,
    )
    async with api.pool.acquire() as conn:
        page = await callbacks.resend_page(
            conn,
            _endpoint_id(request),
            wanted,
            after=int(body.after),
            limit=body.limit,
            merchant_id=merchant.id,
        )
    data = ReplayedData(page.due, str(page.position), has_more=page.looked_at == body.limit)
    return _reply(ReplayedAnswer(data=data))


async def _deliveries(api: DeveloperApi, request: WireRequest) -> Reply:
    merchant = await admit(api, request)
    fields = read_query(request.path_and_query, openapi.DELIVERIES_FIELDS)
    before, limit = cursor_asked(fields, "before"), limit_asked(fields)
    async with api.pool.acquire() as conn:
        endpoint = await callbacks.endpoint_of_merchant(conn, merchant.id, _endpoint_id(request))
        found: Sequence[DeliveredEvent] = await callbacks.delivered_to(
            conn, endpoint.id, before_position=before, limit=limit
        )
    cursor = found[-1].position if found else before or 0
    data = DeliveriesData([_delivered(each) for each in found], str(cursor), has_more=len(found) == limit)
    return _reply(DeliveriesAnswer(data=data))


async def _admit(api: DeveloperApi, request: WireRequest) -> Merchant:
    """Admit a request that has no query."""
    merchant = await admit(api, request)
    read_query(request.path_and_query, ())
    return merchant


def _author(api: DeveloperApi, merchant: Merchant, request: WireRequest, reason: str = "") -> Author:
    if not reason.isprintable():
        raise BadRequest("reason must be one line", details={"reason": "must be one line"})
    return Author(f"merchant:{merchant.id}", api.clock.now(), reason=reason or None, request_id=request.request_id)


def _endpoint_id(request: WireRequest) -> str:
    return request.parameters["endpoint_id"].replace("\0", "")  # which no id has, and no text of PostgreSQL's


def _moment(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and moment.year not in _YEARS:
        fault = f"must be of a year from {_YEARS[0]} to {_YEARS[-1]}"
        raise BadRequest(f"{name} {fault}", details={name: fault})
    return moment


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _reply(answer: msgspec.Struct) -> Reply:
    return Reply(200, msgspec.json.encode(answer))


def _endpoint(endpoint: Endpoint) -> EndpointData:
    return EndpointData(
        endpoint_id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        events=callbacks.filter_text(endpoint.wanted).split(", "),
        status=endpoint.status.value,
        disabled_reason=endpoint.disabled_reason,
        disabled_at=_time(endpoint.disabled_at),
        created_at=endpoint.created_at.isoformat(),
    )


def _secret(secret: NewEndpointSecret) -> NewSecretData:
    return NewSecretData(secret.id, secret.value)


def _delivered(delivered: DeliveredEvent) -> EndpointEventData:
    event, delivery = delivered.event, delivered.delivery
    is_waiting = delivery.state is DeliveryState.WAITING
    return EndpointEventData(
        event_id=str(event.event_id),
        cursor=str(delivered.position),
        order_id=event.order_id,
        transaction_id=event.transaction_id,
        type=event.type,
        status=event.status,
        occurred_at=event.occurred_at.isoformat(),
        state=delivery.state.value,
        attempts=delivery.attempts,
        last_error=delivery.last_error,
        due_at=delivery.due_at.isoformat() if is_waiting else None,
        finished_at=_time(delivery.finished_at),
    )


_ALL: Final = "/endpoints"
_ONE: Final = "/endpoints/{endpoint_id:str}"

ENDPOINT_ROUTES: Final = (
    Route("GET", _ALL, "listEndpoints", "Your endpoints", _list, SignedOperation, openapi.LISTED),
    Route("POST", _ALL, "addEndpoint", "Add an endpoint", _add, openapi.AddOperation, openapi.ADDED),
    Route("GET", _ONE, "showEndpoint", "An endpoint in full", _show, SignedOperation, openapi.SHOWN),
    Route("POST", _ONE, "changeEndpoint", "Change an endpoint", _change, openapi.ChangeOperation, openapi.CHANGED),
    Route("DELETE", _ONE, "removeEndpoint", "Remove an endpoint", _remove, SignedOperation, openapi.REMOVED),
    Route(
        "POST",
        f"{_ONE}/rotate-secret",
        "rotateEndpointSecret",
        "Make a new secret for an endpoint",
        _rotate,
        openapi.RotateOperation,
        openapi.ROTATED,
    ),
    Route(
        "POST",
        f"{_ONE}/disable",
        "disableEndpoint",
        "Switch an endpoint off; what comes meanwhile is kept",
        _disable,
        openapi.ReasonOperation,
        openapi.DISABLED,
    ),
    Route(
        "POST",
        f"{_ONE}/enable",
        "enableEndpoint",
        "Switch an endpoint on; what was on its way goes on",
        _enable,
        openapi.ReasonOperation,
        openapi.ENABLED,
    ),
    Route(
        "POST",
        f"{_ONE}/replay",
        "replayToEndpoint",
        "Send an endpoint again what happened in a time",
        _replay,
        openapi.ReplayOperation,
        openapi.REPLAYED,
    ),
    Route(
        "GET",
        f"{_ONE}/deliveries",
        "endpointDeliveries",
        "What an endpoint was told last",
        _deliveries,
        openapi.DeliveriesOperation,
        openapi.DELIVERIES,
    ),
)
