"""A merchant keeps its endpoints itself: adds, changes, rotates, switches, replays, removes; and nobody else does."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from support.callback_events import event as callback_event
from support.endpoints import states, write
from support.shop import Shop
from wisipay.access import sign, v2_message
from wisipay.callbacks import ENDPOINTS_MAX
from wisipay.core.database import Pool
from wisipay.merchants import gate

ENDPOINTS = "/api/developer/endpoints"
URL = "http://127.0.0.1:9/books"


@pytest.fixture(autouse=True)
def _no_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "DEVELOPER_TPS", 1_000)


async def _add(shop: Shop, url: str = URL, **fields: object) -> Any:  # noqa: ANN401 - JSON
    return (await shop.call("POST", ENDPOINTS, {"url": url, **fields})).data


async def test_an_endpoint_is_added_changed_rotated_and_removed_by_its_merchant(shop: Shop, database: Pool) -> None:
    added = await _add(shop, events=["payout.*", "payin.success"], description="the books")
    endpoint, secret = added["endpoint"], added["secret"]
    assert (endpoint["url"], endpoint["events"], endpoint["status"]) == (URL, ["payin.success", "payout.*"], "ENABLED")
    assert secret["secret"].startswith("whsec_")
    one = f"{ENDPOINTS}/{endpoint['endpointId']}"
    assert (await shop.call("GET", ENDPOINTS)).data == {"endpoints": [endpoint], "callbackUrlsSwitchedOff": []}

    changed = (await shop.call("POST", one, {"events": ["all"], "url": f"{URL}/new"})).data
    assert changed == endpoint | {"url": f"{URL}/new", "events": ["all"]}
    rotated = (await shop.call("POST", f"{one}/rotate-secret", {"overlapHours": 2})).data
    shown = (await shop.call("GET", one)).data
    assert [each["secretId"] for each in shown["secrets"]] == [rotated["secretId"], secret["secretId"]]
    assert [each["retiresAt"] is None for each in shown["secrets"]] == [True, False]
    assert [each["what"] for each in shown["happened"]] == ["ROTATED", "CHANGED", "ADDED"]
    assert secret["secret"] not in str(shown)

    assert (await shop.call("DELETE", one)).data["status"] == "REMOVED"
    assert (await shop.call("DELETE", one)).code == "NOT_FOUND"
    assert (await shop.call("GET", one)).data["secrets"] == []
    assert (await shop.call("GET", ENDPOINTS)).data["endpoints"] == []
    audited = await database.fetch(
        "SELECT action, actor, request_id FROM audit_log WHERE entity_id = $1 ORDER BY id",
        f"{shop.merchant_id}/{endpoint['endpointId']}",
    )
    assert [row["action"].removeprefix("callbacks.endpoint_") for row in audited] == [
        *("add", "change", "rotate_secret", "remove"),
    ]
    assert {row["actor"] for row in audited} == {f"merchant:{shop.merchant_id}"}
    assert len({row["request_id"] for row in audited}) == 4


async def test_what_an_endpoint_missed_goes_out_again_page_by_page(shop: Shop, database: Pool) -> None:
    endpoint = (await _add(shop, events=["payin.*"]))["endpoint"]
    one = f"{ENDPOINTS}/{endpoint['endpointId']}"
    off = (await shop.call("POST", f"{one}/disable", {"reason": "moving house"})).data
    assert (off["status"], off["disabledReason"]) == ("DISABLED", "moving house")
    events = [callback_event(merchant_id=shop.merchant_id) for _ in range(3)]
    await write(database, *events)
    assert (await shop.call("POST", f"{one}/replay", {})).code == "CONFLICT"
    on = (await shop.call("POST", f"{one}/enable", {})).data
    assert (on["endpoint"]["status"], on["resumed"]) == ("ENABLED", 0)

    since = events[0].occurred_at
    asked = {"states": ["SWITCHED_OFF"], "from": since.isoformat(), "limit": 2}
    first = (await shop.call("POST", f"{one}/replay", asked)).data
    assert (first["due"], first["hasMore"]) == (2, True)
    assert await states(database, endpoint["endpointId"]) == ["WAITING", "WAITING", "SWITCHED_OFF"]
    rest = (await shop.call("POST", f"{one}/replay", asked | {"after": first["cursor"]})).data
    assert (rest["due"], rest["hasMore"]) == (1, False)
    before = {"until": (since - timedelta(hours=1)).isoformat()}
    assert (await shop.call("POST", f"{one}/replay", before)).data["due"] == 0

    page = (await shop.call("GET", f"{one}/deliveries?limit=2")).data
    assert [each["eventId"] for each in page["deliveries"]] == [str(each.event_id) for each in events[:0:-1]]
    assert {(each["state"], each["attempts"]) for each in page["deliveries"]} == {("WAITING", 0)}
    assert all(each["dueAt"] and not each["finishedAt"] for each in page["deliveries"])
    earlier = (await shop.call("GET", f"{one}/deliveries?limit=2&before={page['cursor']}")).data
    assert [each["eventId"] for each in earlier["deliveries"]] == [str(events[0].event_id)]
    assert (page["hasMore"], earlier["hasMore"]) == (True, False)
    end = (await shop.call("GET", f"{one}/deliveries?before={earlier['cursor']}")).data
    assert end == {"deliveries": [], "cursor": earlier["cursor"], "hasMore": False}


async def test_another_merchants_endpoint_is_not_there(shop: Shop, other: Shop, database: Pool) -> None:
    endpoint = (await _add(shop))["endpoint"]
    await write(database, callback_event(merchant_id=shop.merchant_id))
    one = f"{ENDPOINTS}/{endpoint['endpointId']}"
    calls: list[tuple[str, str, object]] = [
        ("GET", one, None),
        ("GET", f"{one}/deliveries", None),
        ("DELETE", one, None),
        *(("POST", path, {}) for path in (one, *(f"{one}/{each}" for each in ("disable", "enable", "rotate-secret")))),
        ("POST", f"{one}/replay", {}),
    ]
    for method, path, body in calls:
        told = await other.call(method, path, body)
        assert (told.status, told.body["details"]) == (404, {"endpointId": endpoint["endpointId"]}), path
    assert (await other.call("GET", ENDPOINTS)).data["endpoints"] == []
    assert (await shop.call("GET", ENDPOINTS)).data["endpoints"] == [endpoint]
    assert (await shop.call("GET", f"{ENDPOINTS}/CEP%00")).code == "NOT_FOUND"


async def test_what_is_wrong_is_named(shop: Shop) -> None:
    wrong: list[tuple[str, object, str]] = [
        ("", {"url": "ftp://shop.example/"}, "url"),
        ("", {"url": "http://user:word@shop.example/"}, "url"),
        ("", {"url": URL, "events": ["refund.*"]}, "events"),
        ("", {"url": URL, "events": "all"}, "events"),
        ("", {"url": URL, "description": "two\nlines"}, "description"),
        ("", {"url": URL, "secret": "mine"}, "secret"),
        ("", {}, "url"),
        ("", [], "body"),
        ("?limit=3", {"url": URL}, "limit"),
        ("/CEP1/rotate-secret", {"overlapHours": 721}, "overlapHours"),
        ("/CEP1/disable", {"reason": "two\nlines"}, "reason"),
        ("/CEP1/replay", {"from": "0001-01-01T00:00:00+05:30"}, "from"),
        ("/CEP1/replay", {"until": "2026-02-05T00:00:00"}, "until"),
        ("/CEP1/replay", {"states": ["LOST"]}, "states[0]"),
        ("/CEP1/replay", {"after": "-1"}, "after"),
        ("/CEP1/replay", {"limit": 1001}, "limit"),
    ]
    for path, body, field in wrong:
        told = await shop.call("POST", ENDPOINTS + path, body)
        assert (told.status, [name.replace("...", "0") for name in told.body["details"]]) == (400, [field])
    assert (await shop.call("GET", f"{ENDPOINTS}/CEP1/deliveries?before=x")).body["details"].keys() == {"before"}
    assert (await shop.call("GET", f"{ENDPOINTS}?limit=3")).body["error"] == "limit is not known; there are none"


async def test_there_are_so_many_each_at_an_address_of_its_own(shop: Shop) -> None:
    ids = [(await _add(shop, f"{URL}/{number}"))["endpoint"]["endpointId"] for number in range(ENDPOINTS_MAX)]
    assert (await shop.call("POST", ENDPOINTS, {"url": URL})).code == "CONFLICT"
    told = await shop.call("POST", f"{ENDPOINTS}/{ids[-1]}", {"url": f"{URL}/0"})
    assert (told.status, list(told.body["details"])) == (409, ["url"])


async def test_a_removal_heard_twice_is_a_replay(shop: Shop) -> None:
    one = f"{ENDPOINTS}/{(await _add(shop))['endpoint']['endpointId']}"
    timestamp = str(time.time_ns() // 1_000_000)
    message = v2_message(method="DELETE", path_and_query=one, body=b"", timestamp=timestamp)
    signed = {"x_timestamp": timestamp, "x_signature": f"v2={sign(shop.secret.encode(), message)}"}
    assert (await shop.call("DELETE", one, **signed)).status == 200
    assert (await shop.call("DELETE", one, **signed)).body["details"] == {"reason": "SIGNATURE_REPLAYED"}
