"""Lists, page after page; and callbacks that are signed with the secrets of an endpoint."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from wisipay_sdk import (
    AsyncWisipay,
    CallbackNotAuthentic,
    Place,
    RequestFilter,
    Wisipay,
    verify_callback,
)
from wisipay_sdk.signing import standard_signature

URL = "https://pay.test/base"
EVENT = {
    "eventId": "E-1",
    "cursor": "7",
    "environment": "UAT",
    "orderId": "ORDER-1",
    "transactionId": "UAT_1",
    "type": "PAYIN",
    "status": "SUCCESS",
    "occurredAt": "2026-02-05T10:00:00+00:00",
    "delivery": {"state": "DELIVERED", "attempts": 1, "lastError": None},
    "endpoints": [{"endpointId": "CEP1", "url": "http://e", "state": "DEAD", "attempts": 3, "lastError": "no"}],
    "callback": {"headers": {"webhook-id": "E-1", "webhook-timestamp": "1"}, "body": '{"a":"é"}'},
}
REQUEST = {
    "cursor": "7",
    "at": "2026-02-05T10:00:00.5+00:00",
    "environment": "LIVE",
    "requestId": "RQ1",
    "method": "POST",
    "path": "/x",
    "status": 402,
    "code": "PAY_1205",
    "durationMs": 12.5,
    **dict.fromkeys(("orderId", "transactionId", "idempotencyKey", "sourceIp", "signature")),
    "requestBody": "{}",
    "answerBody": "{}",
}
ATTEMPT = {
    "startedAt": "2026-02-05T10:00:00+00:00",
    "url": None,
    "outcome": "RETRY",
    "httpStatus": None,
    "latencyMs": 1,
    "answer": "",
    "error": "no",
    "endpointId": "CEP1",
}


def pages(name: str, item: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    """Serve three items in two pages, and whatever else a list's neighbours answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        if request.url.path.endswith("/resend"):
            return told({"eventId": "E-1", "resentTo": [asked.get("to", "url")]})
        if request.url.path.endswith("/E-1"):
            return told({"event": EVENT, "attempts": [ATTEMPT]})
        if asked.get("after") == "8":
            return told({name: [item | {"cursor": "9"}], "cursor": "9", "hasMore": False})
        return told({name: [item, item | {"cursor": "8"}], "cursor": "8", "hasMore": True})

    return answer


def told(data: object) -> httpx.Response:
    return httpx.Response(200, content=json.dumps({"success": True, "data": data}))


def test_a_list_is_iterated_to_its_end_and_signed_with_its_query() -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return pages("requests", REQUEST)(request)

    with Wisipay(URL, merchant_id="MER-1", secret="s", transport=httpx.MockTransport(server)) as wisipay:
        found = list(wisipay.requests(RequestFilter(status="4xx", order_id="A/B 1")))
        assert [each.cursor for each in found] == ["7", "8", "9"]
        assert (found[0].status, found[0].code, found[0].duration_ms) == (402, "PAY_1205", 12.5)
        page = wisipay.request_page(Place(last=5))
    assert page.has_more
    assert [request.url.raw_path.decode() for request in asked] == [
        "/base/api/developer/requests?limit=100&status=4xx&orderId=A%2FB%201",
        "/base/api/developer/requests?after=8&limit=100&status=4xx&orderId=A%2FB%201",
        "/base/api/developer/requests?last=5",
    ]


def test_no_two_requests_have_one_signature() -> None:
    signatures: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        signatures.append(request.headers["x-signature"])
        return told({"eventId": "E-1", "resentTo": []})

    with Wisipay(URL, merchant_id="MER-1", secret="s", transport=httpx.MockTransport(server)) as wisipay:
        for _ in range(50):
            wisipay.resend("E-1")
    assert len(set(signatures)) == 50


async def test_events_are_those_of_the_sandbox_or_of_real_payments() -> None:
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return pages("events", EVENT)(request)

    transport = httpx.MockTransport(server)
    async with AsyncWisipay(URL, merchant_id="MER-1", secret="s", sandbox=True, transport=transport) as wisipay:
        found = [event async for event in wisipay.events(after="3")]
        detail = await wisipay.event("E-1")
        assert await wisipay.resend("E-1") == ["url"]
    with Wisipay(URL, merchant_id="MER-1", secret="s", transport=transport) as real:
        assert [event.cursor for event in real.events()] == ["7", "8", "9"]
        assert real.event("E-1") == detail
        assert real.resend("E-1", "CEP1") == ["CEP1"]
    assert (found[0].body, found[0].headers["webhook-id"]) == ('{"a":"é"}'.encode(), "E-1")
    assert [(attempt.error, attempt.endpoint_id) for attempt in detail.attempts] == [("no", "CEP1")]
    assert (found[0].delivery_state, found[0].attempts, found[0].last_error) == ("DELIVERED", 1, None)
    assert [(each.endpoint_id, each.state) for each in found[0].endpoints] == [("CEP1", "DEAD")]
    assert asked[0] == "/base/api/developer/events?after=3&limit=100&environment=UAT"
    assert "/base/api/developer/events?limit=100&environment=LIVE" in asked


KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
BODY = (
    b'{"orderId":"O","transactionId":"T","amount":1,"currency":"INR","status":"SUCCESS","utr":null,"type":"PAYIN",'
    b'"timestamp":1700000000000,"hash":""}'
)


def headers(*secrets: str) -> dict[str, str]:
    signatures = [
        standard_signature(secret=secret, event_id="E-1", timestamp="1700000000", body=BODY) for secret in secrets
    ]
    return {
        "webhook-id": "E-1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": " ".join(["v1a,other", *signatures]),
    }


def test_an_endpoints_secret_is_the_base64_of_its_key_and_two_sign_while_one_takes_the_place_of_the_other() -> None:
    old, new = (f"whsec_{key}" for key in KEYS)
    for mine in (old, new, [old, new]):
        assert verify_callback(headers(new, old), BODY, mine, now=1_700_000_000).order_id == "O"
    with pytest.raises(CallbackNotAuthentic):
        verify_callback(headers(new), BODY, old, now=1_700_000_000)
    with pytest.raises(CallbackNotAuthentic):
        verify_callback(headers(new), BODY, KEYS[1], now=1_700_000_000)
    with pytest.raises(ValueError, match="base64"):
        verify_callback(headers(new), BODY, "whsec_not base64", now=1_700_000_000)


def test_standard_webhooks_own_library_signs_the_same() -> None:
    secret = f"whsec_{KEYS[0]}"
    theirs = Webhook(secret).sign("E-1", datetime.fromtimestamp(1_700_000_000, UTC), BODY.decode())
    assert theirs == standard_signature(secret=secret, event_id="E-1", timestamp="1700000000", body=BODY)
