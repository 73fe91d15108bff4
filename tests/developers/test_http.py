"""The developer's API over HTTP: a merchant's own requests and events, tailed, filtered, looked at and sent again."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from support.callback_events import event as callback_event
from support.shop import Shop, Told, payin_body, payout_body
from support.waiting import until
from wisipay.access import sign, v1_message
from wisipay.callbacks import add_endpoint, enqueue, following
from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.merchants import Author, gate
from wisipay.sandbox.worker import SandboxWorker

UAT = "/api/payment/uat"
REQUESTS = "/api/developer/requests"
EVENTS = "/api/developer/events"


@pytest.fixture(autouse=True)
def _no_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SANDBOX_TPS", 1_000)
    monkeypatch.setattr(gate, "DEVELOPER_TPS", 1_000)


async def asked(shop: Shop, query: str, path: str = REQUESTS) -> Any:  # noqa: ANN401 - JSON
    return (await shop.call("GET", f"{path}?{query}")).data


async def test_a_merchant_tails_what_it_asked_and_sees_nothing_of_anybody_else(shop: Shop, other: Shop) -> None:
    begin = (await asked(shop, "last=0"))["cursor"]
    tail = asyncio.create_task(asked(shop, f"after={begin}&wait=25"))
    await shop.call("POST", f"{UAT}/payout/initiate", payout_body("ORDER-1") | {"amount": 111})
    await other.call("POST", f"{UAT}/payout/initiate", payout_body("ORDER-2"))
    (entry,) = (await tail)["requests"]
    assert (entry["orderId"], entry["status"], entry["code"], entry["environment"], entry["signature"]) == (
        *("ORDER-1", 402, "PAY_1205", "UAT"),
        "v2",
    )
    assert entry["path"] == f"{UAT}/payout/initiate"
    assert "000" not in entry["requestBody"].replace("ORDER-1", "")
    assert entry["sourceIp"] == "127.0.0.1"

    await shop.call("GET", f"{UAT}/ORDER-9")
    await until(lambda: _has(shop, "status=404", 1))
    assert len((await asked(shop, "status=4xx"))["requests"]) == 2
    assert [each["orderId"] for each in (await asked(shop, "last=1"))["requests"]] == ["ORDER-9"]
    assert [each["status"] for each in (await asked(shop, "orderId=ORDER-1"))["requests"]] == [402]
    assert (await asked(shop, "environment=LIVE"))["requests"] == []
    first = await asked(shop, "limit=1")
    assert first["hasMore"]
    assert [each["orderId"] for each in (await asked(shop, f"after={first['cursor']}"))["requests"]] == ["ORDER-9"]
    assert all(REQUESTS not in each["path"] for each in (await asked(shop, "limit=9"))["requests"])


async def _has(shop: Shop, query: str, count: int) -> bool:
    return len((await asked(shop, query))["requests"]) == count


async def test_events_of_the_sandbox_come_signed_as_they_are_sent_and_may_be_sent_again(
    shop: Shop, other: Shop, sender: SandboxWorker, redis: Redis
) -> None:
    del sender, redis
    begin = (await asked(shop, "environment=UAT&last=0", EVENTS))["cursor"]
    tail = asyncio.create_task(asked(shop, f"environment=UAT&after={begin}&wait=25", EVENTS))
    await shop.call("POST", f"{UAT}/payin/initiate", payin_body("ORDER-1"))
    (event, *_) = (await tail)["events"]
    assert (event["orderId"], event["status"], event["environment"]) == ("ORDER-1", "SUCCESS", "UAT")
    headers, body = event["callback"]["headers"], event["callback"]["body"]
    expected = sign(shop.secret.encode(), v1_message(body.encode(), headers["x-timestamp"]))
    assert headers["x-signature"] == expected
    assert headers["webhook-id"] == event["eventId"]

    async def state() -> str:
        found = await shop.call("GET", f"{EVENTS}/{event['eventId']}")
        return str(found.data["event"]["delivery"]["state"])

    async def is_without_url() -> bool:
        return await state() == "NO_URL"

    await until(is_without_url)
    detail = (await shop.call("GET", f"{EVENTS}/{event['eventId']}")).data
    assert [each["error"] for each in detail["attempts"]] == ["no callback URL is configured"]
    again = await shop.call("POST", f"{EVENTS}/{event['eventId']}/resend", {})
    assert again.data == {"eventId": event["eventId"], "resentTo": ["url"]}
    to_endpoint = await shop.call("POST", f"{EVENTS}/{event['eventId']}/resend?to=CEP1", {})
    assert (to_endpoint.status, to_endpoint.body["details"]) == (409, {"to": "CEP1"})

    async def is_tried_twice() -> bool:
        return len((await shop.call("GET", f"{EVENTS}/{event['eventId']}")).data["attempts"]) == 2

    await until(is_tried_twice)
    (listed,) = (await asked(shop, "environment=UAT&last=1", EVENTS))["events"]
    assert listed["delivery"] == {"state": "NO_URL", "attempts": 2, "lastError": "no callback URL is configured"}
    for told in await _strangers(other, event["eventId"]):
        assert (told.status, told.code) == (404, "NOT_FOUND")


async def test_events_of_real_payments_are_listed_once_they_cannot_be_overtaken(
    shop: Shop, other: Shop, database: Pool, installed: Settings
) -> None:
    event = callback_event(merchant_id=shop.merchant_id)
    author, box = Author("tests", SystemClock().now(), reason="test"), SecretBox.from_settings(installed)
    async with database.acquire() as conn:
        endpoint, _ = await add_endpoint(
            conn, box, author, shop.merchant_id, url="http://127.0.0.1:9/books", https_only=False
        )
        await enqueue(conn, [event])
    assert await following(database, shop.merchant_id, 0, 9) == []
    page = await asked(shop, "after=0&wait=25", EVENTS)
    (listed,) = page["events"]
    assert listed["eventId"] == str(event.event_id)
    assert await asked(shop, f"after={page['cursor']}", EVENTS) == {
        "events": [],
        "cursor": page["cursor"],
        "hasMore": False,
    }
    assert len((await asked(shop, "last=5", EVENTS))["events"]) == 1
    (delivery,) = listed["endpoints"]
    assert (delivery["endpointId"], delivery["url"], delivery["state"]) == (endpoint.id, endpoint.url, "WAITING")
    ways = (
        ("", ["url", endpoint.id]),
        ("?to=url", ["url"]),
        (f"?to={endpoint.id}", [endpoint.id]),
        ("?to=CEP0", None),
    )
    for to, where in ways:
        told = await shop.call("POST", f"{EVENTS}/{event.event_id}/resend{to}", {})
        assert (told.data["resentTo"] if where else told.code) == (where or "NOT_FOUND")
    assert (await shop.call("GET", f"{EVENTS}/{event.event_id}")).data["attempts"] == []
    for told in await _strangers(other, str(event.event_id)):
        assert told.status == 404


async def _strangers(other: Shop, event_id: str) -> list[Told]:
    return [
        await other.call("GET", f"{EVENTS}/{event_id}"),
        await other.call("POST", f"{EVENTS}/{event_id}/resend", {}),
        await other.call("GET", f"{EVENTS}/{UUID(int=7)}"),
        await other.call("GET", f"{EVENTS}/none"),
    ]


async def test_v1_signatures_many_waits_and_wrong_filters_are_refused(shop: Shop) -> None:
    timestamp = str(time.time_ns() // 1_000_000)
    v1 = sign(shop.secret.encode(), v1_message(b"", timestamp))
    refused = await shop.call("GET", REQUESTS, x_timestamp=timestamp, x_signature=v1)
    assert refused.body["details"] == {"reason": "SIGNATURE_V2_REQUIRED"}
    wrong = await shop.call("GET", f"{REQUESTS}?limit=0")
    assert set(wrong.body["details"]) == {"limit"}
    waits = [asyncio.create_task(shop.call("GET", f"{REQUESTS}?after=999999&wait=25")) for _ in range(5)]
    done, waiting = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    (answered,) = done
    assert (answered.result().status, answered.result().body["details"]) == (429, {"waiting": 4})
    # The instance stops while four wait: each is answered at once, as the fixture's end shows.
    for each in waiting:
        each.cancel()


async def test_the_developers_rate_is_its_own(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "DEVELOPER_TPS", 2)
    told = await asyncio.gather(*(shop.call("GET", REQUESTS) for _ in range(12)))
    assert {each.status for each in told} == {200, 429}
